"""What is done to connections through both of their views: one is kept, with the half of its protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deskclerk.sandbox.enterprise.domains import clear_the_way, domains_of, read_domains, set_domains
from deskclerk.sandbox.enterprise.given import custom_attributes, set_in
from deskclerk.sandbox.enterprise.oidc import DEFAULTS as OIDC_DEFAULTS
from deskclerk.sandbox.enterprise.oidc import check_oidc_can_be_on, oidc_values
from deskclerk.sandbox.enterprise.saml import DEFAULTS as SAML_DEFAULTS
from deskclerk.sandbox.enterprise.saml import check_saml_can_be_on, named, saml_values
from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import missing
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, find, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import (
    enterprise_connections,
    oidc_connections,
    organizations,
    saml_connections,
)

WHAT = "enterprise connection"
DEFAULTS: Mapping[str, Any] = {
    "active": False,
    "sync_user_attributes": True,
    "disable_additional_identifications": False,
    "allow_organization_account_linking": False,
}
_TABLE = enterprise_connections
_HALVES = (saml_connections, oidc_connections)


@dataclass(frozen=True, slots=True)
class Whole:
    """A connection with its domains and its half, the other of which it does not have."""

    row: RowMapping
    domains: Sequence[str]
    saml: RowMapping | None
    oidc: RowMapping | None


async def whole(call: Call, rows: Sequence[RowMapping]) -> list[Whole]:
    """The connections of rows, in their order."""
    keys = [row["id"] for row in rows]
    domains = await domains_of(call, keys)
    halves: list[dict[str, RowMapping]] = []
    for table in _HALVES:
        found = await call.connection.execute(all_of(call, table).where(table.c.connection_id.in_(keys)))
        halves.append({row["connection_id"]: row for row in found.mappings()})
    saml, oidc = halves
    return [Whole(row, domains[row["id"]], saml.get(row["id"]), oidc.get(row["id"])) for row in rows]


async def one(call: Call, key: str) -> Whole:
    """The connection with this id; else 404."""
    (found,) = await whole(call, [await get(call, _TABLE, key, WHAT)])
    return found


async def create(call: Call, saml: Mapping[str, Any], oidc: Mapping[str, Any]) -> Whole:
    """A new connection with what the body and its half of the protocol say."""
    body, key = call.body, new_id("entconn", call.now)
    names = read_domains(body)
    if not names:
        raise missing("domains")
    await insert(
        call,
        _TABLE,
        id=key,
        **{**DEFAULTS, **set_in(body, DEFAULTS)},
        organization_id=await _organization(call),
        name=body["name"],
        provider=body["provider"],
        custom_attributes=custom_attributes(body.get("custom_attributes") or ()),
        created_at=call.now,
        updated_at=call.now,
    )
    if body["provider"].startswith("saml_"):
        within = "" if saml is body else "saml."
        values = {**SAML_DEFAULTS, **named(body["name"]), **saml_values(saml, SAML_DEFAULTS, within)}
        await insert(call, saml_connections, id=new_id("samlc", call.now), connection_id=key, **values)
    else:
        values = {**OIDC_DEFAULTS, **oidc_values(oidc, OIDC_DEFAULTS)}
        await insert(call, oidc_connections, id=new_id("oauthcfg", call.now), connection_id=key, **values)
    await set_domains(call, key, names)
    made = await one(call, key)
    if made.row["active"]:
        _check_can_be_on(made)
        # Nobody was asked whether domains of organizations may go.
        await clear_the_way(call, names, consent=False)
    return made


async def update(
    call: Call, before: Whole, saml: Mapping[str, Any], oidc: Mapping[str, Any], *, consent: bool
) -> Whole:
    """Change what is given; `consent`: to be turned on it may cost organizations their domains."""
    body, key = call.body, before.row["id"]
    values: dict[str, Any] = set_in(body, ("name", *DEFAULTS))
    if body.get("custom_attributes") is not None:
        values["custom_attributes"] = custom_attributes(body["custom_attributes"])
    if organization_id := await _organization(call):
        values["organization_id"] = organization_id
    await change(call, _TABLE, key, **values, updated_at=call.now)
    if before.saml and (half := saml_values(saml, before.saml, "" if saml is body else "saml.")):
        await change(call, saml_connections, before.saml["id"], **half)
    if before.oidc and (half := oidc_values(oidc, before.oidc)):
        await change(call, oidc_connections, before.oidc["id"], **half)
    # An empty list changes nothing: a connection is never without a domain.
    if names := read_domains(body):
        await set_domains(call, key, names)
    after = await one(call, key)
    if after.row["active"]:
        _check_can_be_on(after)
        turned_on = not before.row["active"]
        if turned_on or names:
            await clear_the_way(call, after.domains, consent=consent and turned_on)
    return after


async def saml_half(call: Call, key: str) -> RowMapping | None:
    """The SAML half with this id, if there is one."""
    return await find(call, saml_connections, id=key)


async def _organization(call: Call) -> str | None:
    key = call.body.get("organization_id")
    return (await get(call, organizations, key, "organization"))["id"] if key else None


def _check_can_be_on(connection: Whole) -> None:
    if connection.saml:
        check_saml_can_be_on(connection.saml)
    if connection.oidc:
        check_oidc_can_be_on(connection.oidc)
