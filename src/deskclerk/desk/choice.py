"""Which of the journal's entries are asked for."""

from dataclasses import dataclass
from typing import Any

OPEN = "open"
"""The outcome of an entry whose end is not known yet."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Filters; None lets everything pass.

    `since` and `until` are milliseconds, `action` a name or a glob, `target` an id, `caller` a part of
    the face, the client's or the token's name, `outcome` such as `done`, `unknown`, `open` or `declined`,
    `before` the `line` of an entry: only what was begun before it.
    """

    since: int | None = None
    until: int | None = None
    action: str | None = None
    target: str | None = None
    caller: str | None = None
    outcome: str | None = None
    instance: str | None = None
    before: int | None = None


def one_line(intent: dict[str, Any], outcome: dict[str, Any] | None) -> dict[str, Any]:
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
        "outcome": OPEN if write and outcome is None else ended["outcome"],
        "ended_at": outcome["at"] if outcome else None,
        "status": ended["status"],
        "code": ended["code"],
        "trace_id": ended["trace_id"],
        "undoes": intent["undoes"],
        "note": ended["note"],
    }
