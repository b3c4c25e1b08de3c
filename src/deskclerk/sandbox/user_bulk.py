"""Keeping out, and letting in again, several users at once."""

from collections.abc import Awaitable, Callable
from typing import Any

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import missing, not_found, refusal
from deskclerk.sandbox.rows import all_of
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users import ban, unban

MOST = 50


class BanUsers(Operation, route=POST("/users/ban")):
    """Takes up to fifty users."""

    user_ids: list[str]


class UnbanUsers(Operation, route=POST("/users/unban")):
    """Takes up to fifty users."""

    user_ids: list[str]


async def ban_users(call: Call) -> list[dict[str, Any]]:
    """Keep these users out, all or none."""
    return await _each(call, ban)


async def unban_users(call: Call) -> list[dict[str, Any]]:
    """Let these users in again, all or none."""
    return await _each(call, unban)


async def _each(call: Call, act: Callable[[Call, str], Awaitable[dict[str, Any]]]) -> list[dict[str, Any]]:
    ids = list(dict.fromkeys(call.body["user_ids"]))
    if not ids:
        raise missing("user_ids")
    if len(ids) > MOST:
        raise refusal("bulk_size_exceeded", "bulk size exceeded", f"At most {MOST} users at once.")
    found = await call.connection.execute(all_of(call, users).where(users.c.id.in_(ids)))
    known = {row["id"] for row in found.mappings()}
    for user_id in ids:
        if user_id not in known:
            raise not_found("user", user_id)
    return [await act(call, user_id) for user_id in ids]


HANDLERS: Handlers = {BanUsers: ban_users, UnbanUsers: unban_users}
