"""Codes that are good once or for half a minute: RFC 6238 with SHA-1 and six digits, and backup codes."""

import asyncio
import base64
import hmac
import struct

from deskclerk.sandbox.digests import is_digest, verifies

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
    return any(hmac.compare_digest(totp(secret, moment).encode(), code.encode()) for moment in moments)


async def is_backup_code(kept: str, code: str) -> bool:
    """Whether a code is the one that was given, plainly or as its bcrypt digest."""
    if is_digest("bcrypt", kept):
        return await asyncio.to_thread(verifies, "bcrypt", kept, code)
    return hmac.compare_digest(kept.encode(), code.encode())
