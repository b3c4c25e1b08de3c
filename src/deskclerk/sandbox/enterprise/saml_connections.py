"""SAML connections: the older view of those enterprise connections whose protocol is SAML."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.enterprise.connections import Whole, create, one, saml_half, update, whole
from deskclerk.sandbox.enterprise.saml import own_addresses
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    ordered,
    page,
    remove,
    split_order,
    split_signs,
)
from deskclerk.sandbox.store.store import Instance
from deskclerk.sandbox.store.tables import enterprise_connections, saml_connections

_TABLE = enterprise_connections
_ONE = "/saml_connections/{saml_connection_id}"


async def list_connections(call: Call) -> Any:
    """The connections, newest first by default."""
    columns, half = _TABLE.c, saml_connections
    query = all_of(call, _TABLE).join(half, half.c.connection_id == columns.id)
    if text := call.query.get("query", "").strip():
        query = query.where(half.c.name_folded.contains(text.casefold(), autoescape=True))
    wanted, unwanted = split_signs(call.query.get("organization_id", ()))
    if wanted:
        query = query.where(columns.organization_id.in_(wanted))
    if unwanted:
        # A comparison with nothing is no answer in SQL: connections of nobody are asked for by name.
        query = query.where(or_(columns.organization_id.is_(None), columns.organization_id.not_in(unwanted)))
    # Of what the document sorts by, a connection has one thing: by another name only the direction counts.
    _, descends = split_order(call.query.get("order_by", "-created_at"))
    return await page(call, ordered(query, columns.created_at, columns.id, descends=descends), present)


async def get_connection(call: Call) -> dict[str, Any]:
    """One connection."""
    return answer(await _connection(call), call.instance)


async def create_connection(call: Call) -> dict[str, Any]:
    """A new connection, turned off."""
    return answer(await create(call, call.body, {}), call.instance)


async def update_connection(call: Call) -> dict[str, Any]:
    """Change what is given; both views have the new name."""
    consent = bool(call.body.get("consent_verified_domains_deletion"))
    changed = await update(call, await _connection(call), call.body, {}, consent=consent)
    return answer(changed, call.instance)


async def delete_connection(call: Call) -> dict[str, Any]:
    """Delete a connection, in both views."""
    connection = await _connection(call)
    await remove(call, _TABLE, connection.row["id"])
    return {"object": "saml_connection", "id": call.path["saml_connection_id"], "deleted": True}


async def _connection(call: Call) -> Whole:
    key = call.path["saml_connection_id"]
    half = await saml_half(call, key)
    if half is None:
        raise not_found("SAML connection", key)
    return await one(call, half["connection_id"])


async def present(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [answer(item, call.instance) for item in await whole(call, rows)]


def answer(connection: Whole, instance: Instance) -> dict[str, Any]:
    """A connection as Clerk answers it in this view."""
    row, half = connection.row, connection.saml or {}
    of_row = (
        "provider",
        "active",
        "organization_id",
        "sync_user_attributes",
        "disable_additional_identifications",
        "allow_organization_account_linking",
        "created_at",
        "updated_at",
    )
    of_half = (
        "id",
        "name",
        "idp_entity_id",
        "idp_sso_url",
        "idp_certificate",
        "idp_certificate_issued_at",
        "idp_certificate_expires_at",
        "idp_metadata_url",
        "idp_metadata",
        "attribute_mapping",
        "allow_subdomains",
        "allow_idp_initiated",
        "force_authn",
        "login_hint",
    )
    return {
        "object": "saml_connection",
        **{name: half[name] for name in of_half},
        **own_addresses(half["id"], instance),
        **{name: row[name] for name in of_row},
        "domain": connection.domains[0],
        "domains": connection.domains,
        "user_count": 0,
        "authenticatable": True,
        "disable_jit_provisioning": False,
        "enterprise_connection_id": row["id"],
    }


HANDLERS: Handlers = {
    GET("/saml_connections"): list_connections,
    POST("/saml_connections"): create_connection,
    GET(_ONE): get_connection,
    PATCH(_ONE): update_connection,
    DELETE(_ONE): delete_connection,
}
