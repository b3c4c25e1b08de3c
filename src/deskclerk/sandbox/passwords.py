"""Passwords: checked and hashed before the transaction begins; only digests are kept."""

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from deskclerk.sandbox.digests import HASHERS, is_digest
from deskclerk.sandbox.refusals import invalid, missing, refusal

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST = 8
MOST_BYTES = 72

_PWNED = frozenset(
    {"password", "password1", "password123", "12345678", "123456789", "qwertyuiop", "iloveyou"}
)
"""A handful that stands for the lists of breached passwords that Clerk checks."""


async def hash_password(body: dict[str, Any]) -> dict[str, Any]:
    """The body with a digest in the place of its password.

    Refuses a weak password unless `skip_password_checks`, and a digest without a hasher that fits.
    """
    password = body.get("password")
    if body.get("password_digest") is not None:
        if password is not None:
            text = "Give a password or its digest, not both."
            raise refusal("form_conditional_param_disallowed", "is not allowed", text, param="password")
        _check_digest(body["password_digest"], body.get("password_hasher"))
    rest = {name: value for name, value in body.items() if name != "password"}
    if password is None:
        return rest
    if not body.get("skip_password_checks"):
        _check_strength(password)
    digest = await asyncio.to_thread(_hashing().hash, password)
    return rest | {"password_digest": digest, "password_hasher": "argon2id"}


def _check_digest(digest: str, hasher: str | None) -> None:
    if hasher is None:
        raise missing("password_hasher")
    if hasher not in HASHERS:
        raise invalid("password_hasher", f"password_hasher must be one of {', '.join(HASHERS)}.")
    if not is_digest(hasher, digest):
        text = f"The digest is not one of {hasher}."
        raise refusal("form_password_digest_invalid_code", "is invalid", text, param="password_digest")


def _check_strength(password: str) -> None:
    if len(password) < SHORTEST:
        text = f"Passwords must have {SHORTEST} characters or more."
        raise refusal("form_password_length_too_short", "is too short", text, param="password")
    if len(password.encode()) > MOST_BYTES:
        text = f"Passwords must have {MOST_BYTES} bytes or fewer."
        raise refusal("form_password_size_in_bytes_exceeded", "is too long", text, param="password")
    if password.lower() in _PWNED:
        text = "This password is known from a data breach. Please use another."
        raise refusal("form_password_pwned", "is in a breach", text, param="password")


@functools.cache
def _hashing() -> "PasswordHash":
    from pwdlib import PasswordHash  # noqa: PLC0415 - 30 ms that most sandboxes never need

    return PasswordHash.recommended()
