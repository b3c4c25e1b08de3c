"""Actor tokens: tickets that let somebody in as a user."""

from typing import Annotated, Any

from annotated_types import Ge, Le

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid, refusal
from deskclerk.sandbox.http.rows import RowMapping, find, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import actor_tokens as table
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.tokens.sign_in_tokens import LONGEST, SAME, pending, revoke, shown_once

KIND = "actor_token"
DEFAULT_SECONDS, DEFAULT_SESSION_SECONDS = 60 * 60, 30 * 60
Seconds = Annotated[int, Ge(1), Le(LONGEST)]


async def create_actor_token(call: Call) -> dict[str, Any]:
    """A new ticket, answered here and never again."""
    body = call.body
    _check_actor(body["actor"])
    if await find(call, users, id=body["user_id"]) is None:
        text = f"No user with the id {body['user_id']} exists in this instance."
        raise refusal("form_resource_not_found", "not found", text, param="user_id")
    key = new_id("act", call.now)
    await insert(
        call,
        table,
        id=key,
        user_id=body["user_id"],
        actor=body["actor"],
        session_seconds=body.get("session_max_duration_in_seconds", DEFAULT_SESSION_SECONDS),
        **pending(call, body.get("expires_in_seconds", DEFAULT_SECONDS)),
    )
    row = await get(call, table, key, "actor token")
    return {**_answer(row), **await shown_once(call, KIND, row)}


async def revoke_actor_token(call: Call) -> dict[str, Any]:
    """Revoke a pending ticket."""
    return _answer(await revoke(call, table, KIND))


def _check_actor(actor: dict[str, Any]) -> None:
    if not actor["sub"]:
        raise invalid("actor.sub", "actor.sub must be the id of who acts.")


def _answer(row: RowMapping) -> dict[str, Any]:
    return {"object": KIND, **{name: row[name] for name in (*SAME, "actor")}}


HANDLERS: Handlers = {
    POST("/actor_tokens"): create_actor_token,
    POST("/actor_tokens/{actor_token_id}/revoke"): revoke_actor_token,
}
