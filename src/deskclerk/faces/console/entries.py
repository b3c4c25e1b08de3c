"""The journal's entries as a person reads them on a page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import BY_NAME
from deskclerk.desk.journal.records import changed_fields, entry_summary
from deskclerk.desk.view.cleaning import clean, line_of
from deskclerk.faces.console.cards import FACES, Row, moment, value_text

MOST_TEXT = 20_000
"""Characters of one JSON text on a page."""
_GOOD, _OPEN = ("done", "signed"), ("open", "unknown", "outcome_unknown")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry in short; `tone` says how it ended: good, open or bad."""

    entry: str
    at: str
    day: str
    clock: str
    kind: str
    heading: str
    action: str
    target: str
    asked_by: str
    client: str
    outcome: str
    tone: str
    note: str


def item_of(entry: Mapping[str, Any]) -> Item:
    """An entry of the journal, in short."""
    at = moment(entry["at"])
    action = BY_NAME.get(entry["action"])
    client = " ".join(str(entry[name]) for name in ("client", "token") if entry[name])
    outcome = str(entry["outcome"] or "done")
    return Item(
        entry=entry["entry"],
        at=at,
        day=at[:10],
        clock=at[11:19],
        kind=entry["kind"],
        heading=action.spec.heading if action else line_of(entry["action"]),
        action=entry["action"],
        target=line_of(entry["target"] or "", 120),
        asked_by=FACES.get(entry["face"], entry["face"]),
        client=line_of(client, 80),
        outcome=outcome.replace("_", " "),
        tone="good" if outcome in _GOOD else "open" if outcome in _OPEN else "bad",
        note=line_of(entry["note"] or "", 300),
    )


def whole_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """One entry in full: what its page shows."""
    intent, outcome = found["intent"], found["outcome"]
    line = entry_summary(intent, outcome)
    return {
        "item": item_of(line),
        "line": line,
        "arguments": pretty(intent["arguments"]),
        "rows": [row_of(change) for change in changed_fields(intent, outcome)],
        "before": pretty(intent["before"]) if intent["before"] else None,
        "after": pretty((outcome or {}).get("after")) if (outcome or {}).get("after") else None,
        "ended": moment(line["ended_at"]) if line["ended_at"] else None,
    }


def row_of(change: Mapping[str, Any]) -> Row:
    """A field before and after, as a row of a diff."""
    old, new = change["before"], change["after"]
    kind = "removed" if new is None else "added" if old is None else "changed"
    return Row(
        line_of(change["field"]),
        None if old is None else value_text(old),
        None if new is None else value_text(new),
        kind,
    )


def pretty(value: Any) -> str:
    """JSON to read, cleaned, and cut with a mark where it is long."""
    text = json.dumps(clean(value), ensure_ascii=False, indent=2)
    return (
        text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}\n… [{len(text) - MOST_TEXT} more characters]"
    )
