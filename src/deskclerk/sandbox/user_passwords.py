"""A user's password by its own routes: trying it, taking it away, marking it as known to others."""

import asyncio
from typing import Any

from sqlalchemy import RowMapping

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.digests import verifies
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.rows import get
from deskclerk.sandbox.sessions import revoke_sessions_of
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.user_answers import present_users
from deskclerk.sandbox.user_changes import changed_user


class VerifyPassword(Operation, route=POST("/users/{user_id}/verify_password"), writes=False):
    """Takes the password. It only looks: a slow hash keeps no writer waiting."""

    password: str


class RemovePassword(Operation, route=POST("/users/{user_id}/remove_password")):
    """Takes what becomes of the sessions."""

    sign_out_of_other_sessions: bool | None = None


class SetCompromised(Operation, route=POST("/users/{user_id}/password/set_compromised")):
    """Takes what becomes of the sessions."""

    revoke_all_sessions: Nullable[bool] = None


class UnsetCompromised(Operation, route=POST("/users/{user_id}/password/unset_compromised")):
    """Takes nothing."""


async def verify_password(call: Call) -> dict[str, Any]:
    """Whether this is the user's password."""
    row = await _with_password(call)
    fits = await asyncio.to_thread(
        verifies, row["password_hasher"], row["password_digest"], call.body["password"]
    )
    if not fits:
        raise refusal("incorrect_password", "incorrect password", "This is not the user's password.")
    return {"verified": True}


async def remove_password(call: Call) -> dict[str, Any]:
    """Take the password from a user; from one that has none there is nothing to take."""
    row = await get(call, users, call.path["user_id"], "user")
    if row["password_digest"] is None:
        (answer,) = await present_users(call, [row])
    else:
        none = {"password_digest": None, "password_hasher": None, "password_compromised": False}
        answer = await changed_user(call, row["id"], **none)
    if call.body.get("sign_out_of_other_sessions"):
        await revoke_sessions_of(call, row["id"])
    return answer


async def set_compromised(call: Call) -> dict[str, Any]:
    """Mark the password as known to others: it has to be changed at the next sign-in."""
    row = await _with_password(call)
    answer = await changed_user(call, row["id"], password_compromised=True)
    if call.body.get("revoke_all_sessions"):
        await revoke_sessions_of(call, row["id"])
    return answer


async def unset_compromised(call: Call) -> dict[str, Any]:
    """Take that mark off."""
    row = await _with_password(call)
    return await changed_user(call, row["id"], password_compromised=False)


async def _with_password(call: Call) -> RowMapping:
    row = await get(call, users, call.path["user_id"], "user")
    if row["password_digest"] is None:
        raise refusal("no_password_set", "no password set", "The user has no password.")
    return row


HANDLERS: Handlers = {
    VerifyPassword: verify_password,
    RemovePassword: remove_password,
    SetCompromised: set_compromised,
    UnsetCompromised: unset_compromised,
}
