"""Statements: there are none, as nothing was ever charged."""

from typing import Any

from deskclerk.catalogue.fields import Limit, Offset
from deskclerk.catalogue.route import GET
from deskclerk.sandbox.http.call import Call, Handlers, Operation
from deskclerk.sandbox.http.errors import not_found

_ONE = "/billing/statements/{statementID}"


class ListStatements(Operation, route=GET("/billing/statements"), wrapped=True):
    """Takes a page."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetStatement(Operation, route=GET(_ONE)):
    """Takes nothing."""


class ListAttempts(Operation, route=GET(f"{_ONE}/payment_attempts"), wrapped=True):
    """Takes a page."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


async def list_statements(_call: Call) -> dict[str, Any]:
    """None."""
    return {"data": [], "total_count": 0}


async def get_statement(call: Call) -> Any:
    """Not found, whichever it is; so are attempts to pay it."""
    raise not_found("statement", call.path["statementID"])


HANDLERS: Handlers = {
    ListStatements: list_statements,
    GetStatement: get_statement,
    ListAttempts: get_statement,
}
