"""Statements: there are none, as nothing was ever charged."""

from typing import Any

from deskclerk.catalogue.route import GET
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found

_ONE = "/billing/statements/{statement_id}"


async def list_statements(_call: Call) -> dict[str, Any]:
    """None."""
    return {"data": [], "total_count": 0}


async def get_statement(call: Call) -> Any:
    """Not found, whichever it is; so are attempts to pay it."""
    raise not_found("statement", call.path["statement_id"])


HANDLERS: Handlers = {
    GET("/billing/statements"): list_statements,
    GET(_ONE): get_statement,
    GET(f"{_ONE}/payment_attempts"): get_statement,
}
