"""Codes by which a user shows that an e-mail address or a phone number is theirs.

Nothing is sent: the code is always the one that Clerk's own test addresses have.
"""

from typing import Any

from sqlalchemy import RowMapping

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.identifications import make_verified
from deskclerk.sandbox.identifiers import TABLES
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.refusals import not_found, refusal
from deskclerk.sandbox.rows import change, find, get, insert
from deskclerk.sandbox.store.tables import verifications
from deskclerk.sandbox.user_changes import changed_user

CODE = "424242"
MINUTES = 10
MOST_ATTEMPTS = 3
_STRATEGIES = {"email_address": "email_code", "phone_number": "phone_code"}


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
