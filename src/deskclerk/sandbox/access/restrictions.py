"""The allow-list and the block-list: identifiers that may sign up, identifiers that may not sign in."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from deskclerk.catalogue.route import DELETE, GET, POST
from deskclerk.sandbox.access.invitations import invite, pending_invitation
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, ill_formed, refusal
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    find,
    get,
    insert,
    ordered,
    page,
    remove,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import allowlist_identifiers, blocklist_identifiers, email_addresses
from deskclerk.sandbox.users.identifications import NORMAL, normal

ALLOWED, BLOCKED = "allowlist_identifier", "blocklist_identifier"
_ANYBODY_AT = "*@"


async def list_allowed(call: Call) -> Any:
    """The allow-list, newest first."""
    return await page(call, _newest_first(call, allowlist_identifiers), present_allowed)


async def list_blocked(call: Call) -> Any:
    """The whole block-list, newest first."""
    return await page(call, _newest_first(call, blocklist_identifiers), present_blocked)


async def create_allowed(call: Call) -> dict[str, Any]:
    """Allow an identifier; with `notify` a single e-mail address is invited too, unless it has no need."""
    kind, identifier = identify(call.body["identifier"])
    values: dict[str, Any] = {"identifier": identifier, "identifier_type": kind}
    if call.body.get("notify") and kind == "email_address" and not identifier.startswith(_ANYBODY_AT):
        values["invitation_id"] = await _invitation(call, identifier)
    return await _create(call, allowlist_identifiers, ALLOWED, "alid", values)


async def create_blocked(call: Call) -> dict[str, Any]:
    """Block an identifier."""
    kind, identifier = identify(call.body["identifier"])
    values = {"identifier": identifier, "identifier_type": kind}
    return await _create(call, blocklist_identifiers, BLOCKED, "blid", values)


async def delete_allowed(call: Call) -> dict[str, Any]:
    """Take an identifier off the allow-list."""
    return await _delete(call, allowlist_identifiers, ALLOWED)


async def delete_blocked(call: Call) -> dict[str, Any]:
    """Take an identifier off the block-list."""
    return await _delete(call, blocklist_identifiers, BLOCKED)


def identify(text: str) -> tuple[str, str]:
    """The kind of an identifier and how it is kept; `*@example.com` is everybody at a domain."""
    text = text.strip()
    anybody = text.startswith(_ANYBODY_AT)
    # With a letter in the place of the star it can be checked as an address.
    address = f"x{text[1:]}" if anybody else text
    for kind in NORMAL:
        try:
            value = normal(kind, address)
        except Refusal:
            # Not of this kind; when it is of none, the error below names them all.
            continue
        # Any other star would be no wildcard, only an entry that never fits.
        if "*" not in value:
            return kind, f"*{value[1:]}" if anybody else value
    rule = "identifier must be an email address, *@ and a domain, a phone number in E.164 or a web3 wallet."
    raise ill_formed("identifier", rule)


async def _invitation(call: Call, email_address: str) -> str | None:
    """The id of the address's invitation, a new one where there is none; a user needs none."""
    if await find(call, email_addresses, email_address=email_address, held_by=""):
        return None
    return await pending_invitation(call, email_address) or await invite(call, email_address, {})


async def _create(call: Call, table: Table, what: str, prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    key, text = new_id(prefix, call.now), f"{values['identifier']} is on the list already."
    with unique_or(refusal("duplicate_record", "duplicate identifier", text, param="identifier")):
        await insert(call, table, id=key, created_at=call.now, updated_at=call.now, **values)
    return _answer(await get(call, table, key, "identifier"), what)


async def _delete(call: Call, table: Table, what: str) -> dict[str, Any]:
    row = await get(call, table, call.path["identifier_id"], "identifier")
    await remove(call, table, row["id"])
    return {"object": what, "id": row["id"], "deleted": True}


def _newest_first(call: Call, table: Table) -> Any:
    return ordered(all_of(call, table), table.c.created_at, table.c.id, descends=True)


async def present_allowed(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of the allow-list."""
    return [_answer(row, ALLOWED) for row in rows]


async def present_blocked(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of the block-list."""
    return [_answer(row, BLOCKED) for row in rows]


def _answer(row: RowMapping, what: str) -> dict[str, Any]:
    same = ("id", "identifier", "identifier_type", "instance_id", "created_at", "updated_at")
    more = {"invitation_id": row["invitation_id"]} if row.get("invitation_id") else {}
    return {"object": what, **{name: row[name] for name in same}, **more}


HANDLERS: Handlers = {
    GET("/allowlist_identifiers"): list_allowed,
    POST("/allowlist_identifiers"): create_allowed,
    DELETE("/allowlist_identifiers/{identifier_id}"): delete_allowed,
    GET("/blocklist_identifiers"): list_blocked,
    POST("/blocklist_identifiers"): create_blocked,
    DELETE("/blocklist_identifiers/{identifier_id}"): delete_blocked,
}
