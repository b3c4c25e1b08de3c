"""What e-mail addresses and phone numbers have in common: reading, adding, changing, verifying by a code."""

from collections.abc import Mapping
from typing import Any

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import not_found, refusal, taken
from deskclerk.sandbox.http.rows import RowMapping, change, find, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import users, verifications
from deskclerk.sandbox.users.answers import changed_user
from deskclerk.sandbox.users.documents import email_answer, phone_answer
from deskclerk.sandbox.users.fields import not_verified
from deskclerk.sandbox.users.identifications import (
    RESERVED,
    TABLES,
    VERIFIED,
    accounts_of,
    add_addresses,
    check_addresses,
    check_deletable,
    check_unlinked,
    forget,
    make_verified,
    next_primary,
    of_user,
)
from deskclerk.sandbox.users.second_factors import Factors, factors_of

# Nothing is sent, so that a test has to know the code: Clerk's own for test addresses.
CODE = "424242"
MINUTES = 10
MOST_ATTEMPTS = 3
_STRATEGIES = {"email_address": "email_code", "phone_number": "phone_code"}


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
    # The factors from before: `settled` tells at the end what became of them.
    before, owned = await factors_of(call, user["id"]), await of_user(call, kind, user["id"])
    # After the look for others': the same address twice at one user is an error of its own.
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
        # `held_by` stays: an address that was verified is reserved now, not free for others.
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
    before = await factors_of(call, user["id"])
    (value,) = await check_addresses(call, kind, [call.body[kind]], user_id=user["id"])
    owned = await of_user(call, kind, user["id"])
    for row in owned:
        await check_unlinked(call, kind, row)
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


async def prepare_verification(call: Call, kind: str, key: str) -> dict[str, Any]:
    """A new code for an address, good for ten minutes."""
    address = await get(call, TABLES[kind], key, kind)
    verification_id = new_id("ver", call.now)
    await insert(
        call,
        verifications,
        id=verification_id,
        user_id=address["user_id"],
        identification_id=key,
        strategy=_STRATEGIES[kind],
        code=CODE,
        status="unverified",
        attempts=0,
        expire_at=call.now + MINUTES * 60_000,
        created_at=call.now,
    )
    return await _answer(call, verification_id)


async def attempt_verification(call: Call, kind: str, key: str) -> dict[str, Any]:
    """Try a code: what comes of it is told by the status. The right one verifies the address too."""
    address = await get(call, TABLES[kind], key, kind)
    verification_id = call.body["verification_id"]
    row = await find(call, verifications, id=verification_id, identification_id=key)
    if row is None:
        raise not_found(f"verification of this {kind}", verification_id)
    if row["status"] == "verified":
        text = "The code of this verification was accepted already."
        raise refusal("verification_already_verified", "already verified", text)
    # A code that is over is told by its status and counts no attempt.
    if _status(row, call.now) == "unverified":
        right, attempts = call.body["code"] == row["code"], row["attempts"] + 1
        status = "verified" if right else "failed" if attempts >= MOST_ATTEMPTS else "unverified"
        await change(call, verifications, row["id"], status=status, attempts=attempts)
        if right and not address["verified"]:
            await _verify(call, kind, address, row, attempts)
    return await _answer(call, row["id"])


async def _verify(call: Call, kind: str, address: RowMapping, row: RowMapping, attempts: int) -> None:
    verification = {
        "object": "verification_otp",
        "status": "verified",
        "strategy": row["strategy"],
        "attempts": attempts,
        "expire_at": row["expire_at"],
    }
    await make_verified(call, kind, address, verification)
    await changed_user(call, address["user_id"])


def _status(row: RowMapping, now: int) -> str:
    over = row["status"] == "unverified" and row["expire_at"] <= now
    return "expired" if over else str(row["status"])


async def _answer(call: Call, verification_id: str) -> dict[str, Any]:
    row = await get(call, verifications, verification_id, "verification")
    return {
        "object": "verification_otp",
        "id": row["id"],
        "status": _status(row, call.now),
        "strategy": row["strategy"],
        "attempts": row["attempts"],
        "expire_at": row["expire_at"],
        "channel": "sms" if row["strategy"] == "phone_code" else None,
    }
