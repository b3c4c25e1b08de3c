"""Clients: the browsers and devices that sessions are on. The sandbox knows them by their sessions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Subquery, func, select

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found, refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, find, ordered, page
from deskclerk.sandbox.sessions.sessions import session_answer
from deskclerk.sandbox.store.tables import sessions
from deskclerk.sandbox.tokens.signing import private_key, read


async def list_clients(call: Call) -> Any:
    """The clients, newest first."""
    known = _clients(call)
    return await page(
        call, ordered(select(known), known.c.created_at, known.c.id, descends=True), present_clients
    )


async def get_client(call: Call) -> dict[str, Any]:
    """One client."""
    return await _client(call, call.path["client_id"])


async def verify_client(call: Call) -> dict[str, Any]:
    """The client that the session of a token is on."""
    claims = read(call.body["token"], await private_key(call))
    # A template's token has the same signature, and its `sid` is whatever the template says, or missing.
    if claims is None or not isinstance(claims.get("sid"), str):
        raise refusal("cookie_invalid", "Invalid token", "token is no session token of this instance.")
    session = await find(call, sessions, id=claims["sid"])
    if session is None:
        raise not_found("session", claims["sid"])
    return await _client(call, session["client_id"])


async def _client(call: Call, client_id: str) -> dict[str, Any]:
    query = select(_clients(call, sessions.c.client_id == client_id))
    rows = (await call.connection.execute(query)).mappings().all()
    if not rows:
        raise not_found("client", client_id)
    (answer,) = await present_clients(call, rows)
    return answer


def _clients(call: Call, *conditions: ColumnElement[bool]) -> Subquery:
    columns = (
        sessions.c.client_id.label("id"),
        func.min(sessions.c.created_at).label("created_at"),
        func.max(sessions.c.updated_at).label("updated_at"),
    )
    mine = sessions.c.instance_id == call.instance.id
    return select(*columns).where(mine, *conditions).group_by(sessions.c.client_id).subquery()


async def present_clients(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with its sessions, the oldest first."""
    query = all_of(call, sessions).where(sessions.c.client_id.in_([row["id"] for row in rows]))
    found = await call.connection.execute(query.order_by(sessions.c.created_at, sessions.c.id))
    of: dict[str, list[dict[str, Any]]] = {}
    for session in found.mappings():
        of.setdefault(session["client_id"], []).append(session_answer(session, call.now))
    return [_answer(row, of[row["id"]]) for row in rows]


def _answer(row: RowMapping, mine: list[dict[str, Any]]) -> dict[str, Any]:
    active = [session for session in mine if session["status"] == "active"]
    last = max(active, key=lambda session: session["last_active_at"], default=None)
    return {
        "object": "client",
        "id": row["id"],
        "session_ids": [session["id"] for session in mine],
        "sessions": mine,
        "sign_in_id": None,
        "sign_up_id": None,
        "last_active_session_id": last and last["id"],
        "last_authentication_strategy": None,
        "updated_at": row["updated_at"],
        "created_at": row["created_at"],
    }


HANDLERS: Handlers = {
    GET("/clients"): list_clients,
    GET("/clients/{client_id}"): get_client,
    POST("/clients/verify"): verify_client,
}
