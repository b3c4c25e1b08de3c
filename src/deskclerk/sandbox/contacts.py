"""What e-mail addresses and phone numbers have in common: reading, adding, changing, replacing, deleting."""

from collections.abc import Mapping
from typing import Any

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.identifications import (
    RESERVED,
    VERIFIED,
    accounts_of,
    add_addresses,
    check_deletable,
    check_unlinked,
    forget,
    make_verified,
    next_primary,
    of_user,
)
from deskclerk.sandbox.identifiers import TABLES, check_addresses, normal
from deskclerk.sandbox.refusals import taken
from deskclerk.sandbox.rows import all_of, change, get
from deskclerk.sandbox.second_factors import Factors, factors_of
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.user_answers import email_answer, phone_answer
from deskclerk.sandbox.user_changes import changed_user
from deskclerk.sandbox.user_fields import not_verified


async def get_contact(call: Call, kind: str, key: str) -> dict[str, Any]:
    """One address as Clerk answers it."""
    row = await get(call, TABLES[kind], key, kind)
    if kind == "email_address":
        return email_answer(row, await accounts_of(call, row["user_id"]))
    return phone_answer(row, (await factors_of(call, row["user_id"])).default_phone_id)


async def create_contact(call: Call, kind: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give a user one more address, verified or reserved; the first becomes the primary one."""
    user = await get(call, users, call.body["user_id"], "user")
    verified, primary = bool(call.body.get("verified")), bool(call.body.get("primary"))
    if primary and not verified:
        raise not_verified("primary")
    (value,) = await check_addresses(call, kind, [call.body[kind]])
    before, owned = await factors_of(call, user["id"]), await of_user(call, kind, user["id"])
    if any(row[kind] == value for row in owned):
        raise taken(kind)
    key = str(await add_addresses(call, kind, user["id"], [value], [VERIFIED if verified else RESERVED]))
    if more:
        await change(call, TABLES[kind], key, **more)
    first = {f"primary_{kind}_id": key} if primary or not owned else {}
    return await _told(call, kind, key, before, first)


async def update_contact(
    call: Call, kind: str, key: str, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Change what is given: `verified`, `primary`, and more columns of the kind's own."""
    row = await get(call, TABLES[kind], key, kind)
    before = await factors_of(call, row["user_id"])
    if call.body.get("verified"):
        await make_verified(call, kind, row)
    elif call.body.get("verified") is False:
        await change(call, TABLES[kind], key, verified=False, verification=None, **_no_factor(kind))
    verified = row["verified"] if call.body.get("verified") is None else call.body["verified"]
    if call.body.get("primary") and not verified:
        raise not_verified("primary")
    first = {f"primary_{kind}_id": key} if call.body.get("primary") else {}
    await change(call, TABLES[kind], key, **{**(more or {}), "updated_at": call.now})
    return await _told(call, kind, key, before, first)


async def delete_contact(call: Call, kind: str, key: str) -> dict[str, Any]:
    """Delete an address; of those that are left, the first that is verified becomes the primary one."""
    row = await get(call, TABLES[kind], key, kind)
    before = await factors_of(call, row["user_id"])
    await check_deletable(call, kind, row)
    await forget(call, kind, row)
    values = await next_primary(call, kind, row) | await before.settled(call, row["user_id"])
    await changed_user(call, row["user_id"], **values)
    return {"object": kind, "id": key, "deleted": True}


async def replace_contacts(call: Call, kind: str) -> dict[str, Any]:
    """Put one primary address in the place of all that a user has of the kind."""
    user = await get(call, users, call.path["user_id"], "user")
    before, value = await factors_of(call, user["id"]), normal(kind, call.body[kind])
    owned = await of_user(call, kind, user["id"])
    for row in owned:
        await check_unlinked(call, kind, row)
    table = TABLES[kind]
    theirs = all_of(call, table).where(
        table.c[kind] == value, table.c.held_by == "", table.c.user_id != user["id"]
    )
    if (await call.connection.execute(theirs)).first():
        raise taken(kind)
    for row in owned:
        await forget(call, kind, row)
    status = call.body.get("identification_status", VERIFIED)
    key = str(await add_addresses(call, kind, user["id"], [value], [status]))
    return await _told(call, kind, key, before, {f"primary_{kind}_id": key})


async def _told(
    call: Call, kind: str, key: str, before: Factors, values: Mapping[str, Any]
) -> dict[str, Any]:
    row = await get(call, TABLES[kind], key, kind)
    await changed_user(call, row["user_id"], **{**values, **await before.settled(call, row["user_id"])})
    return await get_contact(call, kind, key)


def _no_factor(kind: str) -> dict[str, bool]:
    """What is not verified is no second factor."""
    return {"reserved_for_second_factor": False} if kind == "phone_number" else {}
