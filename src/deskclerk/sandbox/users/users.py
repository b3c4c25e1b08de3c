"""Users: finding, making, changing, banning, locking and deleting them, one or several at once."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers, Kept, Prepared
from deskclerk.sandbox.http.errors import missing, not_found, refusal
from deskclerk.sandbox.http.metadata import checked_metadata, merged_metadata
from deskclerk.sandbox.http.rows import all_of, count, get, insert, remove
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.sessions.sessions import revoke_sessions_of
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users.answers import changed_user, kept_user, user_answer
from deskclerk.sandbox.users.documents import new_user
from deskclerk.sandbox.users.fields import blank, fields, folded, primary_id, statuses
from deskclerk.sandbox.users.filters import after_cursor, kept_page, matching, page_of_users
from deskclerk.sandbox.users.identifications import TABLES, check_addresses, insert_addresses, new_addresses
from deskclerk.sandbox.users.images import drop_image
from deskclerk.sandbox.users.passwords import hash_password

IDENTIFICATIONS = ("email_address", "phone_number", "web3_wallet", "username")
MOST = 50


async def list_users(call: Call) -> Any:
    """The users that the filters let through, one page of them."""
    found = await after_cursor(call, await matching(call))
    return await page_of_users(call, found)


async def count_users(call: Call) -> dict[str, Any]:
    """How many users the filters let through."""
    return {"object": "total_count", "total_count": await count(call, await matching(call, whole=True))}


async def get_user(call: Call) -> Any:
    """One user."""
    return await user_answer(call, call.path["user_id"])


async def create_user(call: Call) -> Any:
    """A new user with all identifications; the first of each kind is the primary one."""
    body = call.body
    # First: an instance that is full says so, whatever else is wrong with the request.
    await _check_quota(call)
    if not body.get("skip_user_requirement") and not any(body.get(name) for name in IDENTIFICATIONS):
        text = f"At least one of {', '.join(IDENTIFICATIONS)} must be given, or skip_user_requirement."
        raise refusal("form_data_missing", "data is missing", text)
    addresses = {kind: await check_addresses(call, kind, body.get(kind) or []) for kind in TABLES}
    states = {kind: statuses(body, kind) for kind in TABLES}
    user_id = new_id("user", call.now)
    values = blank(call.now) | await fields(call, user_id, body) | checked_metadata(body)
    if body.get("locked"):
        values["lockout_expires_at"] = _lock_end(call)
    rows = {
        kind: new_addresses(call, kind, user_id, given, states[kind]) for kind, given in addresses.items()
    }
    values |= {f"primary_{kind}_id": new[0]["id"] if new else None for kind, new in rows.items()}
    values |= folded(values) | {"id": user_id, "banned": bool(body.get("banned"))}
    # The user before the addresses, which refer to it.
    await insert(call, users, **values)
    for kind, new in rows.items():
        await insert_addresses(call, kind, new)
    answer = await new_user(call, values, rows)
    call.emit("user.created", answer)
    return answer


async def update_user(call: Call) -> Any:
    """Change the fields that are given; before 2026-05-12 metadata too, which it replaces."""
    row = await get(call, users, call.path["user_id"], "user")
    values = await fields(call, row["id"], call.body) | checked_metadata(call.body)
    values |= {
        f"primary_{kind}_id": await primary_id(call, kind, row["id"], call.body[f"primary_{kind}_id"])
        for kind in TABLES
        if f"primary_{kind}_id" in call.body
    }
    answer = await changed_user(call, row["id"], **values, **folded({**row, **values}))
    if "profile_image_id" in values:
        await drop_image(call, row["profile_image_id"])
    # A password has become its digest by now, before the transaction.
    if call.body.get("sign_out_of_other_sessions") and "password_digest" in values:
        await revoke_sessions_of(call, row["id"])
    return answer


async def merge_user_metadata(call: Call) -> Any:
    """Merge metadata deeply; null deletes a key."""
    row = await get(call, users, call.path["user_id"], "user")
    return await changed_user(call, row["id"], **merged_metadata(dict(row), call.body))


async def replace_user_metadata(call: Call) -> Any:
    """Put new metadata in the place of the old."""
    row = await get(call, users, call.path["user_id"], "user")
    return await changed_user(call, row["id"], **checked_metadata(call.body))


async def ban_user(call: Call) -> Any:
    """Keep a user out: every active session is revoked."""
    await get(call, users, call.path["user_id"], "user")
    return await ban(call, call.path["user_id"])


async def ban(call: Call, user_id: str) -> Any:
    """Keep this user out."""
    # The user's event comes before those of the sessions that it ends.
    answer = await changed_user(call, user_id, banned=True)
    await revoke_sessions_of(call, user_id)
    return answer


async def unban_user(call: Call) -> Any:
    """Let a banned user in again."""
    await get(call, users, call.path["user_id"], "user")
    return await unban(call, call.path["user_id"])


async def unban(call: Call, user_id: str) -> Any:
    """Let this user in again."""
    return await changed_user(call, user_id, banned=False)


async def lock_user(call: Call) -> Any:
    """Refuse sign-ins of a user for as long as the instance's locks last."""
    # No look first: for an id that nobody has nothing changes, and the answer is a 404.
    return await changed_user(call, call.path["user_id"], lockout_expires_at=_lock_end(call))


async def unlock_user(call: Call) -> Any:
    """Lift a lock."""
    return await changed_user(call, call.path["user_id"], lockout_expires_at=None)


async def delete_user(call: Call) -> dict[str, Any]:
    """Delete a user with sessions, memberships and addresses."""
    row = await get(call, users, call.path["user_id"], "user")
    await remove(call, users, row["id"])
    await drop_image(call, row["profile_image_id"])
    more = {"external_id": row["external_id"]} if row["external_id"] is not None else {}
    answer = {"object": "user", "id": row["id"], "deleted": True, **more}
    call.emit("user.deleted", answer)
    return answer


async def _check_quota(call: Call) -> None:
    quota = call.instance.user_quota
    if quota is not None and await is_filled(call, quota):
        raise refusal("user_quota_exceeded", "Too many users", f"This instance holds at most {quota} users.")


async def is_filled(call: Call, quota: int) -> bool:
    """Whether there are as many users as the instance holds; looks at one row only."""
    last = (
        select(users.c.id).where(users.c.instance_id == call.instance.id).offset(max(quota, 1) - 1).limit(1)
    )
    return quota <= 0 or (await call.connection.execute(last)).first() is not None


def _lock_end(call: Call) -> int:
    return call.now + call.instance.lockout_seconds * 1000


async def ban_users(call: Call) -> list[Any]:
    """Keep these users out, all or none."""
    return await _each(call, ban)


async def unban_users(call: Call) -> list[Any]:
    """Let these users in again, all or none."""
    return await _each(call, unban)


async def _each(call: Call, act: Callable[[Call, str], Awaitable[Any]]) -> list[Any]:
    ids = list(dict.fromkeys(call.body["user_ids"]))
    if not ids:
        raise missing("user_ids")
    if len(ids) > MOST:
        raise refusal("bulk_size_exceeded", "bulk size exceeded", f"At most {MOST} users at once.")
    found = await call.connection.execute(all_of(call, users).where(users.c.id.in_(ids)))
    # All are looked up before the first is touched: the answer is for all or for none.
    known = {row["id"] for row in found.mappings()}
    for user_id in ids:
        if user_id not in known:
            raise not_found("user", user_id)
    return [await act(call, user_id) for user_id in ids]


HANDLERS: Handlers = {
    GET("/users"): Kept(kept_page, list_users),
    GET("/users/count"): count_users,
    POST("/users"): Prepared(hash_password, create_user),
    GET("/users/{user_id}"): Kept(kept_user, get_user),
    PATCH("/users/{user_id}"): Prepared(hash_password, update_user),
    DELETE("/users/{user_id}"): delete_user,
    PATCH("/users/{user_id}/metadata"): merge_user_metadata,
    PUT("/users/{user_id}/metadata"): replace_user_metadata,
    POST("/users/{user_id}/ban"): ban_user,
    POST("/users/{user_id}/unban"): unban_user,
    POST("/users/{user_id}/lock"): lock_user,
    POST("/users/{user_id}/unlock"): unlock_user,
    POST("/users/ban"): ban_users,
    POST("/users/unban"): unban_users,
}
