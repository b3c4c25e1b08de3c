"""Tasks of agents: tickets that let an agent in as a user, for one task."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, missing, refusal
from deskclerk.sandbox.http.rows import RowMapping, change, find, insert
from deskclerk.sandbox.ids import EARLIEST, id_from, new_id
from deskclerk.sandbox.store.tables import agent_tasks as table
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.tokens.sign_in_tokens import shown_once
from deskclerk.sandbox.users.identifications import NORMAL, TABLES

KIND = "agent_task"
DEFAULT_SESSION_SECONDS = 30 * 60
TICKET_LIFETIME = 60 * 60 * 1000


async def create_agent_task(call: Call) -> dict[str, Any]:
    """A new task, whose address is answered here and never again."""
    body = call.body
    _check_url(call, body["redirect_url"])
    user_id = await _subject(call, body["on_behalf_of"])
    key, agent_id = new_id(KIND, call.now), _agent_id(call.instance.id, body["agent_name"])
    await insert(
        call,
        table,
        id=key,
        user_id=user_id,
        agent_id=agent_id,
        **{name: body[name] for name in ("agent_name", "task_description", "redirect_url")},
        session_seconds=body.get("session_max_duration_in_seconds", DEFAULT_SESSION_SECONDS),
        status="pending",
        created_at=call.now,
        updated_at=call.now,
    )
    shown = await shown_once(call, KIND, {"id": key, "expires_at": call.now + TICKET_LIFETIME})
    return {**_answer({"id": key, "agent_id": agent_id}), "url": shown["url"]}


async def revoke_agent_task(call: Call) -> dict[str, Any]:
    """Revoke a pending task."""
    key = call.path["agent_task_id"]
    row = await find(call, table, id=key)
    if row is None:
        text = f"No agent task with the id {key} exists in this instance."
        raise refusal("agent_task_not_found", "not found", text)
    if row["status"] != "pending":
        text = f"This agent task is {row['status']}; only a pending one can be revoked."
        raise refusal("agent_task_cannot_be_revoked", "cannot be revoked", text)
    await change(call, table, key, status="revoked", updated_at=call.now)
    return _answer(row)


def _check_url(call: Call, url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    # A host in brackets that is no address.
    except ValueError:
        whole = False
    if not whole or any(letter.isspace() for letter in url):
        raise ill_formed(
            "redirect_url", "redirect_url must be a whole URL, such as https://example.com/back."
        )
    if parts.scheme == "http" and call.instance.is_live:
        text = "redirect_url must begin with https:// in a production instance."
        raise refusal("insecure_url", "is insecure", text, param="redirect_url")


async def _subject(call: Call, given: Mapping[str, Any]) -> str:
    """The id of the user whom an id or one identifier names."""
    named = [name for name in ("user_id", "identifier") if name in given]
    if not named:
        raise missing("on_behalf_of.user_id")
    if len(named) > 1:
        text, param = "Of user_id and identifier one is given.", "on_behalf_of.identifier"
        raise refusal("form_conditional_param_disallowed", "is not allowed", text, param=param)
    text = given[named[0]]
    if named == ["user_id"]:
        found = await find(call, users, id=text)
        user_id = found["id"] if found else None
    else:
        user_id = await _identified(call, text)
    if user_id is None:
        raise refusal("agent_task_subject_not_found", "not found", f"No user of this instance is {text}.")
    return str(user_id)


async def _identified(call: Call, text: str) -> str | None:
    """Whose username or verified address this is."""
    if user := await find(call, users, username_folded=text.casefold()):
        return str(user["id"])
    for kind, address in TABLES.items():
        # What is one user's alone has an empty `held_by`; of that, reserved ones are not verified.
        row = await find(call, address, **{kind: NORMAL[kind](text)}, held_by="")
        if row and row["verified"]:
            return str(row["user_id"])
    return None


def _agent_id(instance_id: str, name: str) -> str:
    """The same for every task of an agent: it follows from the name, so nothing has to be kept for it."""
    return id_from("agent", EARLIEST, hashlib.sha256(f"{instance_id}/{name}".encode()).digest()[:15])


def _answer(row: RowMapping) -> dict[str, Any]:
    return {"object": KIND, "agent_id": row["agent_id"], "agent_task_id": row["id"], "task_id": row["id"]}


HANDLERS: Handlers = {
    POST("/agents/tasks"): create_agent_task,
    POST("/agents/tasks/{agent_task_id}/revoke"): revoke_agent_task,
}
