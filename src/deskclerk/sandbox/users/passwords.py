"""A user's password: checked and hashed before the transaction begins; only digests are kept."""

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers, Reading
from deskclerk.sandbox.http.errors import invalid, missing, refusal
from deskclerk.sandbox.http.rows import RowMapping, get
from deskclerk.sandbox.sessions.sessions import revoke_sessions_of
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users.answers import changed_user, user_in_full
from deskclerk.sandbox.users.password_digests import HASHERS, is_digest, verifies

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST = 8
# bcrypt looks at no more; Clerk refuses what it would silently cut off.
MOST_BYTES = 72
_PWNED = frozenset(
    {"password", "password1", "password123", "12345678", "123456789", "qwertyuiop", "iloveyou"}
)
"""A handful that stands for the lists of breached passwords that Clerk checks."""


async def verify_password(call: Call) -> dict[str, Any]:
    """Whether this is the user's password."""
    row = await _with_password(call)
    # Tens of milliseconds of hashing: in the loop they would stop every other request.
    fits = await asyncio.to_thread(
        verifies, row["password_hasher"], row["password_digest"], call.body["password"]
    )
    if not fits:
        raise refusal("incorrect_password", "incorrect password", "This is not the user's password.")
    return {"verified": True}


async def remove_password(call: Call) -> Any:
    """Take the password from a user; from one that has none there is nothing to take."""
    row = await get(call, users, call.path["user_id"], "user")
    if row["password_digest"] is None:
        answer: Any = await user_in_full(call, row["id"])
    else:
        none = {"password_digest": None, "password_hasher": None, "password_compromised": False}
        answer = await changed_user(call, row["id"], **none)
    if call.body.get("sign_out_of_other_sessions"):
        await revoke_sessions_of(call, row["id"])
    return answer


async def set_compromised(call: Call) -> Any:
    """Mark the password as known to others: it has to be changed at the next sign-in."""
    row = await _with_password(call)
    answer = await changed_user(call, row["id"], password_compromised=True)
    if call.body.get("revoke_all_sessions"):
        await revoke_sessions_of(call, row["id"])
    return answer


async def unset_compromised(call: Call) -> Any:
    """Take that mark off."""
    row = await _with_password(call)
    return await changed_user(call, row["id"], password_compromised=False)


async def _with_password(call: Call) -> RowMapping:
    row = await get(call, users, call.path["user_id"], "user")
    if row["password_digest"] is None:
        raise refusal("no_password_set", "no password set", "The user has no password.")
    return row


HANDLERS: Handlers = {
    POST("/users/{user_id}/verify_password"): Reading(verify_password),
    POST("/users/{user_id}/remove_password"): remove_password,
    POST("/users/{user_id}/password/set_compromised"): set_compromised,
    POST("/users/{user_id}/password/unset_compromised"): unset_compromised,
}


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
    # The plain password goes no further than this function.
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
