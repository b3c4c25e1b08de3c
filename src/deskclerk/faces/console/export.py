"""What the journal's page shows, as a file: JSON lines, or a table for a spreadsheet."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from deskclerk.desk import Desk
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.view.cleaning import clean
from deskclerk.faces.console.cards import moment

_AT_ONCE = 2_000
_COLUMNS = (
    "time", "entry", "kind", "face", "client", "token", "instance", "action", "target", "arguments", "plan",
    "signed", "outcome", "ended", "status", "code", "trace_id", "undoes", "note",
)  # fmt: skip
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula, in any width."""
TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


async def exported(desk: Desk, choice: EntryFilter, kind: str) -> AsyncIterator[str]:
    """Every entry that fits, the newest first, some thousands in memory at a time."""
    if kind == "csv":
        yield _table([_COLUMNS])
    while found := await desk.journal.entries(choice, limit=_AT_ONCE):
        newest = list(reversed(found))
        yield _table([_cells(entry) for entry in newest]) if kind == "csv" else _lines(newest)
        choice = replace(choice, before=found[0]["line"])


def _lines(entries: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(clean(entry), ensure_ascii=False) + "\n" for entry in entries)


def _table(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(entry: dict[str, Any]) -> list[str]:
    ended = moment(entry["ended_at"]) if entry["ended_at"] else None
    values = clean(entry) | {"time": moment(entry["at"]), "ended": ended}
    return [_cell(values[name]) for name in _COLUMNS]


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet calculates."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULA) else text
