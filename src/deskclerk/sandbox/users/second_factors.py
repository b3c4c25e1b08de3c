"""What a user signs in with beside the password: an authenticator, phone numbers, backup codes."""

import asyncio
import base64
import hmac
import struct
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from deskclerk.catalogue.route import DELETE, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import all_of, get
from deskclerk.sandbox.store.tables import phone_numbers, users
from deskclerk.sandbox.users.answers import changed_user
from deskclerk.sandbox.users.password_digests import is_digest, verifies

_STEP = 30_000
_DIGITS = 6


def totp(secret: str, now: int) -> str:
    """The code of an authenticator with this base-32 secret at a time in milliseconds."""
    plain = secret.rstrip("=").upper()
    key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    mac = hmac.digest(key, struct.pack(">Q", now // _STEP), "sha1")
    start = mac[-1] & 15
    (number,) = struct.unpack(">I", mac[start : start + 4])
    return f"{(number & 0x7FFFFFFF) % 10**_DIGITS:0{_DIGITS}}"


def is_totp(secret: str, code: str, now: int) -> bool:
    """Whether the code is that of now, or of the half minute before or after."""
    moments = (now - _STEP, now, now + _STEP)
    # One step to either side: clocks differ, and people type slowly.
    return any(hmac.compare_digest(totp(secret, moment).encode(), code.encode()) for moment in moments)


async def is_backup_code(kept: str, code: str) -> bool:
    """Whether a code is the one that was given, plainly or as its bcrypt digest."""
    if is_digest("bcrypt", kept):
        return await asyncio.to_thread(verifies, "bcrypt", kept, code)
    # As bytes: of text, compare_digest takes ASCII only.
    return hmac.compare_digest(kept.encode(), code.encode())


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors of a user at one moment: whether there is an authenticator, and the numbers."""

    totp: bool
    phone_ids: tuple[str, ...]

    @property
    def enabled(self) -> bool:
        """Whether there is any."""
        return self.totp or bool(self.phone_ids)

    @property
    def default_phone_id(self) -> str | None:
        """The number that is used unless another is chosen."""
        return self.phone_ids[0] if self.phone_ids else None

    async def settled(self, call: Call, user_id: str) -> dict[str, Any]:
        """What a user's row says of a change since this moment: when it began, or ended, with its codes."""
        after = await factors_of(call, user_id)
        if after.enabled == self.enabled:
            return {}
        if after.enabled:
            return {"mfa_enabled_at": call.now}
        return {"mfa_disabled_at": call.now, "backup_codes": None}


async def factors_of(call: Call, user_id: str) -> Factors:
    """The second factors that a user has now."""
    user = await get(call, users, user_id, "user")
    mine = (phone_numbers.c.user_id == user_id, phone_numbers.c.reserved_for_second_factor.is_(True))
    query = all_of(call, phone_numbers).where(*mine).order_by(phone_numbers.c.position, phone_numbers.c.id)
    rows = (await call.connection.execute(query)).mappings()
    return Factors(user["totp_secret"] is not None, tuple(row["id"] for row in rows))


async def verify_totp(call: Call) -> dict[str, Any]:
    """Whether the code is the authenticator's, or a backup code, which is then used up."""
    row, code = await get(call, users, call.path["user_id"], "user"), call.body["code"]
    codes = row["backup_codes"] or []
    if row["totp_secret"] is None and not codes:
        raise refusal("totp_disabled", "TOTP is disabled", "The user has no authenticator.")
    if row["totp_secret"] is not None and is_totp(row["totp_secret"], code, call.now):
        return {"verified": True, "code_type": "totp"}
    # With backup codes any length may be right.
    if not codes and len(code) != _DIGITS:
        raise refusal("totp_invalid_length", "invalid length", f"The code must have {_DIGITS} digits.")
    for kept in codes:
        if await is_backup_code(kept, code):
            # By identity: two codes may be the same, and only one is used up.
            left = [other for other in codes if other is not kept]
            await changed_user(call, row["id"], backup_codes=left or None)
            return {"verified": True, "code_type": "backup_code"}
    raise refusal("totp_incorrect_code", "incorrect TOTP", "The code is not the right one.")


async def disable_mfa(call: Call) -> dict[str, Any]:
    """Take all second factors from a user."""
    user_id = call.path["user_id"]
    before = await factors_of(call, user_id)
    mine = (phone_numbers.c.instance_id == call.instance.id, phone_numbers.c.user_id == user_id)
    await call.connection.execute(
        update(phone_numbers).where(*mine).values(reserved_for_second_factor=False, updated_at=call.now)
    )
    return await _without(call, before, totp_secret=None, backup_codes=None)


async def delete_totp(call: Call) -> dict[str, Any]:
    """Take the authenticator from a user; backup codes go with the last second factor."""
    return await _without(call, await factors_of(call, call.path["user_id"]), totp_secret=None)


async def delete_backup_codes(call: Call) -> dict[str, Any]:
    """Take the backup codes from a user."""
    return await _without(call, await factors_of(call, call.path["user_id"]), backup_codes=None)


async def _without(call: Call, before: Factors, **values: None) -> dict[str, Any]:
    user_id = call.path["user_id"]
    mine = (users.c.instance_id == call.instance.id, users.c.id == user_id)
    # Before `settled`, which reads what is left.
    await call.connection.execute(update(users).where(*mine).values(**values))
    await changed_user(call, user_id, **await before.settled(call, user_id))
    return {"user_id": user_id}


HANDLERS: Handlers = {
    POST("/users/{user_id}/verify_totp"): verify_totp,
    DELETE("/users/{user_id}/mfa"): disable_mfa,
    DELETE("/users/{user_id}/totp"): delete_totp,
    DELETE("/users/{user_id}/backup_code"): delete_backup_codes,
}
