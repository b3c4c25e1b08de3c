"""Sessions: where users are signed in, and how that ends."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, case, update

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.paging import ordered, page
from deskclerk.sandbox.rows import all_of, change, get
from deskclerk.sandbox.store.tables import sessions


async def list_sessions(call: Call) -> Any:
    """Sessions of a user, a client or the whole instance, newest first."""
    query = all_of(call, sessions)
    for name in ("user_id", "client_id"):
        if name in call.query:
            query = query.where(sessions.c[name] == call.query[name])
    if "status" in call.query:
        query = query.where(status_at(call.now) == call.query["status"])
    return await page(
        call, ordered(query, sessions.c.created_at, sessions.c.id, descends=True), present_sessions
    )


async def get_session(call: Call) -> dict[str, Any]:
    """One session."""
    return session_answer(await get(call, sessions, call.path["session_id"], "session"), call.now)


async def revoke_session(call: Call) -> dict[str, Any]:
    """End an active session; one that is over stays as it is."""
    row = await get(call, sessions, call.path["session_id"], "session")
    if _status(row, call.now) == "active":
        await change(call, sessions, row["id"], status="revoked", updated_at=call.now)
    return await get_session(call)


async def revoke_sessions_of(call: Call, user_id: str) -> None:
    """End every active session of a user."""
    await call.connection.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, status_at(call.now) == "active")
        .values(status="revoked", updated_at=call.now)
    )


def status_at(now: int) -> ColumnElement[str]:
    """A session's status at a time, in SQL: the same rule as `_status`."""
    active = sessions.c.status == "active"
    return case(
        (and_(active, sessions.c.expire_at <= now), "expired"),
        (and_(active, sessions.c.abandon_at <= now), "abandoned"),
        else_=sessions.c.status,
    )


def _status(row: RowMapping, now: int) -> str:
    if row["status"] == "active" and row["expire_at"] <= now:
        return "expired"
    if row["status"] == "active" and row["abandon_at"] <= now:
        return "abandoned"
    return str(row["status"])


async def present_sessions(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [session_answer(row, call.now) for row in rows]


def session_answer(row: RowMapping, now: int) -> dict[str, Any]:
    """A session as Clerk answers it."""
    same = (
        "id",
        "user_id",
        "client_id",
        "actor",
        "last_active_organization_id",
        "last_active_at",
        "latest_activity",
        "expire_at",
        "abandon_at",
        "updated_at",
        "created_at",
    )
    return {
        "object": "session",
        "status": _status(row, now),
        **{name: row[name] for name in same},
        "tasks": None,
    }


HANDLERS: Handlers = {
    GET("/sessions"): list_sessions,
    GET("/sessions/{session_id}"): get_session,
    POST("/sessions/{session_id}/revoke"): revoke_session,
}
