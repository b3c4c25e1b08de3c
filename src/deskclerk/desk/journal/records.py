"""The journal's records, without I/O: what one says when it is made, and how an entry reads afterwards.

An entry is one thing that was asked for. A write leaves two records, its intent and its outcome; everything
else leaves one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import EVERY_BY_NAME, Action
from deskclerk.clerk.answers import ResponseInfo
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.view.cleaning import without_secrets
from deskclerk.errors import ClerkError, DeskclerkError

DONE, NOT_DONE, UNKNOWN = "done", "not_done", "unknown"
"""How a write ended, where it did not end with an error's kind."""
OPEN = "open"
"""The outcome of an entry whose end is not known yet."""
TOO_SOON = "too_soon"
"""The code of an `unknown` that a later look may still turn into an answer."""
ENDINGS = ("outcome", "settled")
"""The kinds of record that say how a write ended."""

Reply = DeskclerkError | ResponseInfo
"""What Clerk said: in an error, or beside its answer. An error of the desk's own holds nothing of it."""


def start_record(kind: str, entry: str, instance: Instance, caller: Caller, action: Action) -> dict[str, Any]:
    """A record's columns that say who asked whom for what."""
    return {
        "at": now(),
        "kind": kind,
        "entry": entry,
        "instance": instance.id,
        "face": caller.face,
        # What a client calls itself is its own text: it may hold what no database stores.
        "client": printable(caller.client),
        "token": printable(caller.token),
        "action": action.spec.name,
        "effect": str(action.spec.effect),
        "target": target_of(action),
        "arguments": action.arguments(),
    }


def target_of(action: Action) -> str | None:
    """The ids in an action's path, `/` between them; None if there are none."""
    return "/".join(str(getattr(action, name)) for name in action.spec.route.names) or None


def end_record(
    intent: dict[str, Any], kind: str, outcome: str, answer: Any, note: str | None
) -> dict[str, Any]:
    """A record of how an intent ended."""
    told = {"kind": kind, "at": now(), "outcome": outcome, "note": printable(note)}
    # `before` stands in the intent already; what is kept twice can contradict itself.
    return intent | told | {"before": None, "after": without_secrets(answer)}


def printable(text: str | None) -> str | None:
    """Text as a database takes it: lone surrogates are replaced."""
    return text and text.encode("utf-8", "replace").decode()


def reply_columns(reply: Reply | None) -> dict[str, Any]:
    """The status, the trace id and, of an error, the code."""
    # An answer has no code; an error of the desk's own has nothing that Clerk said.
    if isinstance(reply, ResponseInfo):
        return {"status": reply.status, "trace_id": printable(reply.trace_id)}
    if not isinstance(reply, ClerkError):
        return {}
    return {"status": reply.status, "code": reply.code, "trace_id": reply.trace_id}


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which of the journal's entries are asked for; None lets everything pass.

    `since` and `until` are milliseconds, `action` a name or a glob, `target` an id, `caller` a part of
    the face, the client's or the token's name, `caller_is` one of these by its whole name, `outcome` such
    as `done`, `unknown`, `open` or `declined`, `before` the `line` of an entry: only what was begun before
    it.
    """

    since: int | None = None
    until: int | None = None
    action: str | None = None
    target: str | None = None
    caller: str | None = None
    caller_is: str | None = None
    outcome: str | None = None
    instance: str | None = None
    before: int | None = None


def entry_summary(intent: dict[str, Any], outcome: dict[str, Any] | None) -> dict[str, Any]:
    """An entry in short: who, what, decision, how it ended."""
    ended = outcome or intent
    write = intent["kind"] == "intent"
    return {
        "entry": intent["entry"],
        "at": intent["at"],
        "kind": "write" if write else intent["kind"],
        "face": intent["face"],
        "client": intent["client"],
        "token": intent["token"],
        "instance": intent["instance"],
        "action": intent["action"],
        "target": intent["target"],
        "arguments": intent["arguments"],
        "plan": intent["plan"],
        "signed": intent["signed"],
        # A read or a refusal is over when it is noted; only a write can be open.
        "outcome": OPEN if write and outcome is None else ended["outcome"],
        "ended_at": outcome["at"] if outcome else None,
        "status": ended["status"],
        "code": ended["code"],
        "trace_id": ended["trace_id"],
        "undoes": intent["undoes"],
        "job": intent["job"],
        "note": ended["note"],
    }


def changed_fields(intent: Mapping[str, Any], outcome: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The fields of the target that differ between what was seen before and Clerk's answer."""
    seen = intent["before"]
    before = seen[0] if isinstance(seen, list) and seen else {}
    after = (outcome or {}).get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return []
    # What was seen before a creation is whom it is about, not an older state of what was made.
    if EVERY_BY_NAME[intent["action"]].spec.creates:
        return []
    return [
        {"field": field, "before": before.get(field), "after": after.get(field)}
        for field in dict.fromkeys((*before, *after))
        # An answer that leaves a field out says nothing about it, unless the whole thing is gone.
        if before.get(field) != after.get(field) and (field in after or after.get("deleted"))
    ]
