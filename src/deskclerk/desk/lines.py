"""What the journal's lines say, without I/O: who asked for what, how it ended, what Clerk said."""

import time
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import Action
from deskclerk.clerk.answers import Heard
from deskclerk.desk.caller import Caller
from deskclerk.desk.view import without_secrets
from deskclerk.errors import ClerkError, DeskclerkError

if TYPE_CHECKING:
    from deskclerk.desk.instance import Instance

Said = DeskclerkError | Heard
"""What Clerk said: in an error, or beside its answer. An error of the desk's own holds nothing of it."""


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id(prefix: str) -> str:
    """A prefix and a sortable KSUID."""
    from ksuid import KsuidMs  # noqa: PLC0415 - listing tools needs no ids

    return f"{prefix}_{KsuidMs()}"


def begun(kind: str, entry: str, instance: "Instance", caller: Caller, action: Action) -> dict[str, Any]:
    """A line's columns that say who asked whom for what."""
    return {
        "at": now(),
        "kind": kind,
        "entry": entry,
        "instance": instance.id,
        "face": caller.face,
        "client": printable(caller.client),
        "token": printable(caller.token),
        "action": action.spec.name,
        "effect": str(action.spec.effect),
        "target": "/".join(str(getattr(action, name)) for name in action.spec.route.names) or None,
        "arguments": action.arguments(),
    }


def ended(intent: dict[str, Any], kind: str, outcome: str, answer: Any, note: str | None) -> dict[str, Any]:
    """A line about how an intent ended."""
    told = {"kind": kind, "at": now(), "outcome": outcome, "note": printable(note)}
    return intent | told | {"before": None, "after": without_secrets(answer)}


def printable(text: str | None) -> str | None:
    """Text as a database takes it: lone surrogates are replaced."""
    return text and text.encode("utf-8", "replace").decode()


def said_by(said: Said | None) -> dict[str, Any]:
    """The status, the trace id and, of an error, the code."""
    if isinstance(said, Heard):
        return {"status": said.status, "trace_id": printable(said.trace_id)}
    if not isinstance(said, ClerkError):
        return {}
    return {"status": said.status, "code": said.code, "trace_id": said.trace_id}
