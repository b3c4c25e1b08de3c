"""Enterprise connections: sign-in through a company's own identity provider, by SAML or OpenID Connect."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.enterprise.connections import WHAT, Whole, create, one, update, whole
from deskclerk.sandbox.enterprise.oidc import oidc_answer
from deskclerk.sandbox.enterprise.saml import saml_answer
from deskclerk.sandbox.http.answer import created
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.rows import RowMapping, all_of, get, ordered, page, remove
from deskclerk.sandbox.store.store import Instance
from deskclerk.sandbox.store.tables import enterprise_connections

_TABLE = enterprise_connections
_ONE = "/enterprise_connections/{enterprise_connection_id}"


async def list_connections(call: Call) -> Any:
    """The connections, newest first."""
    query, columns = all_of(call, _TABLE), _TABLE.c
    if "organization_id" in call.query:
        query = query.where(columns.organization_id == call.query["organization_id"])
    if "active" in call.query:
        query = query.where(columns.active.is_(call.query["active"]))
    return await page(call, ordered(query, columns.created_at, columns.id, descends=True), present)


async def get_connection(call: Call) -> dict[str, Any]:
    """One connection."""
    return answer(await _connection(call), call.instance)


async def create_connection(call: Call) -> Response:
    """A new connection; of both halves only that of its protocol counts."""
    made = await create(call, call.body.get("saml") or {}, call.body.get("oidc") or {})
    return created(answer(made, call.instance))


async def update_connection(call: Call) -> dict[str, Any]:
    """Change what is given; to be turned on, it takes its domains from organizations that enrol by them."""
    halves = (call.body.get("saml") or {}, call.body.get("oidc") or {})
    changed = await update(call, await _connection(call), *halves, consent=True)
    return answer(changed, call.instance)


async def delete_connection(call: Call) -> dict[str, Any]:
    """Delete a connection; its domains can belong to another one then."""
    row = await get(call, _TABLE, call.path["enterprise_connection_id"], WHAT)
    await remove(call, _TABLE, row["id"])
    return {"object": "enterprise_connection", "id": row["id"], "deleted": True}


async def list_test_runs(call: Call) -> dict[str, Any]:
    """None: no identity provider can be asked from here."""
    await get(call, _TABLE, call.path["enterprise_connection_id"], WHAT)
    return {"data": [], "total_count": 0}


async def _connection(call: Call) -> Whole:
    return await one(call, call.path["enterprise_connection_id"])


async def present(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [answer(item, call.instance) for item in await whole(call, rows)]


def answer(connection: Whole, instance: Instance) -> dict[str, Any]:
    """A connection as Clerk answers it."""
    row, saml, oidc = connection.row, connection.saml, connection.oidc
    same = (
        "id",
        "name",
        "provider",
        "active",
        "organization_id",
        "sync_user_attributes",
        "disable_additional_identifications",
        "allow_organization_account_linking",
        "custom_attributes",
        "created_at",
        "updated_at",
    )
    return {
        "object": "enterprise_connection",
        **{name: row[name] for name in same},
        "logo_public_url": None,
        "domains": connection.domains,
        "authenticatable": True,
        "disable_jit_provisioning": False,
        "saml_connection": saml_answer(saml, row, instance) if saml else None,
        "oauth_config": oidc_answer(oidc, row) if oidc else None,
    }


HANDLERS: Handlers = {
    GET("/enterprise_connections"): list_connections,
    POST("/enterprise_connections"): create_connection,
    GET(_ONE): get_connection,
    PATCH(_ONE): update_connection,
    DELETE(_ONE): delete_connection,
    GET(f"{_ONE}/test_runs"): list_test_runs,
}
