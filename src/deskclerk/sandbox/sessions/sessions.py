"""Sessions: where users are signed in, how that ends, and what a token says of the active organization."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, select, update

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found, refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, get, insert, ordered, page
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.organizations.permissions import read_roles
from deskclerk.sandbox.store.tables import memberships, organizations, sessions, users
from deskclerk.sandbox.users.answers import user_in_full

_SYSTEM = "org:sys_"
_DAY = 24 * 60 * 60 * 1000
LASTS, ABANDONED_AFTER = 7 * _DAY, 30 * _DAY


class Active(NamedTuple):
    """The active organization and the user's part in it; `permissions` without Clerk's own."""

    id: str
    slug: str
    name: str
    role: str
    permissions: Sequence[str]
    public_metadata: Any
    membership_metadata: Any


async def active_organization(call: Call, user_id: str, organization_id: str | None) -> Active | None:
    """The organization, if one is active and the user is still a member."""
    if organization_id is None:
        return None
    columns = (
        organizations.c.id,
        organizations.c.slug,
        organizations.c.name,
        memberships.c.role,
        organizations.c.public_metadata,
        memberships.c.public_metadata.label("membership_metadata"),
    )
    query = (
        select(*columns)
        .join(memberships, memberships.c.organization_id == organizations.c.id)
        .where(organizations.c.instance_id == call.instance.id, organizations.c.id == organization_id)
        .where(memberships.c.user_id == user_id)
    )
    row = (await call.connection.execute(query)).mappings().one_or_none()
    return None if row is None else Active(**row, permissions=await _permissions(call, row["role"]))


async def _permissions(call: Call, role: str) -> Sequence[str]:
    """The permissions of a role that tokens carry: Clerk leaves its system permissions out."""
    found = await read_roles(call.connection, call.instance.id, [role])
    # A token travels with every request, and has to stay small.
    return [key for key in found[role].permissions if not key.startswith(_SYSTEM)]


class Packed(NamedTuple):
    """Permissions `org:<feature>:<action>` as version 2 tokens carry them, as lists with commas.

    `features` (claim `fea`), `actions` (`o.per`), and for each feature a number (`o.fpm`) whose bit n,
    the lowest first, says that the feature's nth action is allowed.
    """

    features: str
    actions: str
    map: str


def pack(permissions: Iterable[str]) -> Packed:
    """The permissions, packed."""
    pairs = {(feature, action) for _, feature, action in (key.split(":", 2) for key in permissions)}
    features, actions = (sorted({pair[place] for pair in pairs}) for place in (0, 1))
    masks = (
        sum(1 << bit for bit, action in enumerate(actions) if (feature, action) in pairs)
        for feature in features
    )
    return Packed(",".join(f"o:{name}" for name in features), ",".join(actions), ",".join(map(str, masks)))


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


async def create_session(call: Call) -> dict[str, Any]:
    """Sign a user in on a new client: for tests, not for production instances."""
    # As Clerk has it: a production session begins with a sign-in.
    if call.instance.is_live:
        text = "Sessions can only be created in development instances."
        raise refusal("request_invalid_for_environment", "Invalid request for environment", text)
    user = await get(call, users, call.body["user_id"], "user")
    if user["banned"]:
        raise refusal("user_banned", "User banned", f"The user {user['id']} is banned.")
    organization_id = call.body.get("active_organization_id")
    if organization_id is not None and not await active_organization(call, user["id"], organization_id):
        text = f"The user {user['id']} is in no organization with the id {organization_id}."
        raise refusal("organization_not_found_or_unauthorized", "not found", text)
    key = new_id("sess", call.now)
    await insert(call, sessions, id=key, user_id=user["id"], **_new(call, organization_id))
    await change(call, users, user["id"], last_sign_in_at=call.now, last_active_at=call.now)
    row = await get(call, sessions, key, "session")
    await _tell(call, "session.created", [row])
    return session_answer(row, call.now)


def _new(call: Call, organization_id: str | None) -> dict[str, Any]:
    return {
        "client_id": new_id("client", call.now),
        "status": "active",
        "last_active_organization_id": organization_id,
        "last_active_at": call.now,
        "expire_at": call.now + LASTS,
        "abandon_at": call.now + ABANDONED_AFTER,
        "created_at": call.now,
        "updated_at": call.now,
    }


async def active_session(call: Call, session_id: str) -> RowMapping:
    """A session that is not over; else a 404, as if it were gone."""
    row = await get(call, sessions, session_id, "session")
    if status_of(row, call.now) != "active":
        raise not_found("active session", session_id)
    return row


async def revoke_session(call: Call) -> dict[str, Any]:
    """End an active session; one that is over stays as it is."""
    row = await get(call, sessions, call.path["session_id"], "session")
    if status_of(row, call.now) == "active":
        await _revoke(call, [row])
    return await get_session(call)


async def revoke_sessions_of(call: Call, user_id: str) -> None:
    """End every active session of a user."""
    query = all_of(call, sessions).where(sessions.c.user_id == user_id, status_at(call.now) == "active")
    await _revoke(call, (await call.connection.execute(query)).mappings().all())


async def _revoke(call: Call, rows: Sequence[RowMapping]) -> None:
    """Revoke active sessions of one user."""
    if not rows:
        return
    mine = sessions.c.id.in_([row["id"] for row in rows])
    await call.connection.execute(update(sessions).where(mine).values(status="revoked", updated_at=call.now))
    revoked = await call.connection.execute(select(sessions).where(mine))
    await _tell(call, "session.revoked", revoked.mappings().all())


async def _tell(call: Call, event: str, rows: Sequence[RowMapping]) -> None:
    """Tell webhooks of sessions of one user; there they come with the user, and without tasks."""
    user = await user_in_full(call, rows[0]["user_id"])
    for row in rows:
        answer = session_answer(row, call.now)
        # The webhook's document has no such key, the API's has.
        del answer["tasks"]
        call.emit(event, {**answer, "user": user})


def status_at(now: int) -> ColumnElement[str]:
    """A session's status at a time, in SQL: the same rule as `status_of`."""
    active = sessions.c.status == "active"
    return case(
        (and_(active, sessions.c.expire_at <= now), "expired"),
        (and_(active, sessions.c.abandon_at <= now), "abandoned"),
        else_=sessions.c.status,
    )


def status_of(row: RowMapping, now: int) -> str:
    """A session's status at a time."""
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
        "status": status_of(row, now),
        **{name: row[name] for name in same},
        "tasks": None,
    }


HANDLERS: Handlers = {
    POST("/sessions"): create_session,
    GET("/sessions"): list_sessions,
    GET("/sessions/{session_id}"): get_session,
    POST("/sessions/{session_id}/revoke"): revoke_session,
}
