"""The journal as a person reads it on a page: entries, whether it is whole, as a file, as a drawing."""

import asyncio
import csv
import io
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from deskclerk.catalogue import EVERY_BY_NAME, Action, GetOrganization, GetUser
from deskclerk.desk import Desk
from deskclerk.desk.journal.chain import ChainFault
from deskclerk.desk.journal.records import OPEN, EntryFilter, changed_fields
from deskclerk.desk.target_names import TargetLabels
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.view.cleaning import clean, line_of
from deskclerk.faces.console.plan_card import FACES, Row, iso_time, value_text

MOST_TEXT = 20_000
"""Characters of one JSON text on a page."""
_GOOD, _OPEN = ("done", "signed", "paused", "resumed", "cancelled"), ("open", "unknown", "outcome_unknown")
_SECONDS = 20.0
_PATIENCE = 1.0
_AT_ONCE = 2_000
_COLUMNS = (
    "time", "entry", "kind", "face", "client", "token", "instance", "action", "target", "arguments", "plan",
    "signed", "outcome", "ended", "status", "code", "trace_id", "undoes", "note",
)  # fmt: skip
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula, in any width."""
TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
DAYS = 14
WIDTH, HEIGHT = 44, 76
KINDS = {"read": "reads", "intent": "writes", "refused": "refusals"}


_PAGES: dict[type[Action], str] = {GetUser: "/people/users", GetOrganization: "/people/organizations"}
"""The console's own pages of things, by the action that reads one."""
_PAGES_BY_PARAMETER = {action.spec.route.names[0]: page for action, page in _PAGES.items()}
_PAGES_BY_RESOURCE = {action.spec.resource: page for action, page in _PAGES.items()}


@dataclass(frozen=True, slots=True)
class Subject:
    """One of the ids of a target, and the page of what has it; empty where there is none."""

    id: str
    page: str


@dataclass(frozen=True, slots=True)
class Item:
    """One entry in short; `tone` says how it ended: good, open or bad.

    `subjects` are the ids of its target, `page` that of what has its name.
    """

    entry: str
    at: str
    day: str
    clock: str
    kind: str
    heading: str
    action: str
    target: str
    subjects: tuple[Subject, ...]
    name: str
    page: str
    asked_by: str
    client: str
    outcome: str
    tone: str
    note: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to filter by: `value` is what the address says, `title` what a person reads."""

    value: str
    title: str


def choices_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Choice]]:
    """What the journal's records have to choose from, by filter: actions, callers, outcomes."""
    actions, faces, clients, tokens = (
        {row[name] for row in rows if row[name]} for name in ("action", "face", "client", "token")
    )
    outcomes = {row["outcome"] for row in rows if row["outcome"]}
    # An intent has no outcome of its own; whether one is open is asked, not noted.
    outcomes |= {OPEN} if any(row["kind"] == "intent" for row in rows) else set()
    return {
        "action": sorted((Choice(name, _heading(name)) for name in actions), key=lambda item: item.title),
        "caller": [
            *(Choice(name, title) for name, title in FACES.items() if name in faces),
            *(Choice(name, line_of(name, 80)) for name in sorted(clients - FACES.keys())),
            *(Choice(name, f"token {line_of(name, 80)}") for name in sorted(tokens - clients - FACES.keys())),
        ],
        "outcome": [Choice(name, name.replace("_", " ")) for name in sorted(outcomes)],
    }


def _heading(name: str) -> str:
    action = EVERY_BY_NAME.get(name)
    return action.spec.heading if action else line_of(name)


def item_of(entry: Mapping[str, Any], labels: TargetLabels, instance: str) -> Item:
    """An entry of the journal, in short; only things of this `instance` have pages."""
    at = iso_time(entry["at"])
    here = entry["instance"] == instance
    subjects, made = _subjects(entry, here=here), labels.made.get(entry["entry"])
    page = _page_of_the_made(entry["action"], made) if made and here else ""
    client = " ".join(str(entry[name]) for name in ("client", "token") if entry[name])
    outcome = str(entry["outcome"] or "done")
    return Item(
        entry=entry["entry"],
        at=at,
        day=at[:10],
        clock=at[11:19],
        kind=entry["kind"],
        heading=_heading(entry["action"]),
        action=entry["action"],
        target=line_of(entry["target"] or "", 120),
        subjects=subjects,
        name=line_of(labels.names.get(entry["entry"], ""), 160),
        page=page or (subjects[-1].page if subjects and not made else ""),
        asked_by=FACES.get(entry["face"], entry["face"]),
        client=line_of(client, 80),
        outcome=outcome.replace("_", " "),
        tone="good" if outcome in _GOOD else "open" if outcome in _OPEN else "bad",
        note=line_of(entry["note"] or "", 300),
    )


def _subjects(entry: Mapping[str, Any], *, here: bool) -> tuple[Subject, ...]:
    action = EVERY_BY_NAME.get(entry["action"])
    ids = entry["target"].split("/") if entry["target"] else []
    names = action.spec.route.names if action else ()
    if action is None or len(names) != len(ids):
        names = ("",) * len(ids)
    found = []
    for name, one in zip(names, ids, strict=True):
        page = _PAGES_BY_PARAMETER.get(name, "") if here else ""
        # Who was deleted has no page any more.
        if action and action.spec.removes and entry["outcome"] == "done":
            page = "" if page == _PAGES_BY_RESOURCE.get(action.spec.resource) else page
        found.append(Subject(line_of(one, 120), page and f"{page}/{quote(one, safe='')}"))
    return tuple(found)


def _page_of_the_made(name: str, made: str) -> str:
    page = _PAGES_BY_RESOURCE.get(EVERY_BY_NAME[name].spec.resource, "")
    return page and f"{page}/{quote(made, safe='')}"


def whole_of(
    found: Mapping[str, Any], line: Mapping[str, Any], labels: TargetLabels, instance: str
) -> dict[str, Any]:
    """One entry in full: what its page shows; `line` is the same in short."""
    intent, outcome = found["intent"], found["outcome"]
    return {
        "item": item_of(line, labels, instance),
        "line": line,
        "arguments": pretty(intent["arguments"]),
        "rows": [changed_row(change) for change in changed_fields(intent, outcome)],
        "before": pretty(intent["before"]) if intent["before"] else None,
        "after": pretty((outcome or {}).get("after")) if (outcome or {}).get("after") else None,
        "ended": iso_time(line["ended_at"]) if line["ended_at"] else None,
    }


def changed_row(change: Mapping[str, Any]) -> Row:
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check found, and when that was."""

    lines: int
    fault: ChainFault | None
    at: str


class ChainChecks:
    """One check at a time, its verdict kept for some seconds and found out behind whoever will not wait."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._verdict: Verdict | None = None
        self._checked = 0.0
        self._checking: asyncio.Task[None] | None = None

    async def verdict(self) -> Verdict | None:
        """The newest verdict; an older one, or None, while a long journal is still being checked."""
        if self._verdict and time.monotonic() - self._checked < _SECONDS:
            return self._verdict
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        # A page does not wait for a hundred thousand hashes; the verdict comes with the next one.
        await asyncio.wait({self._checking}, timeout=_PATIENCE)
        if self._checking.done():
            await self._checking
        return self._verdict

    def end(self) -> None:
        """Nobody wants to know any more."""
        if self._checking:
            self._checking.cancel()

    async def _check(self) -> None:
        found = await self._desk.journal.verify()
        self._verdict = Verdict(found.head.seq, found.fault, iso_time(now()))
        self._checked = time.monotonic()


async def exported(desk: Desk, choice: EntryFilter, kind: str) -> AsyncIterator[str]:
    """Every entry that fits, the newest first, some thousands in memory at a time."""
    if kind == "csv":
        yield _table([_COLUMNS])
    while found := await desk.journal.entries(choice, limit=_AT_ONCE):
        newest = list(reversed(found))
        yield _table([_cells(entry) for entry in newest]) if kind == "csv" else _lines(newest)
        # From where the last part ended and not by an offset: entries come in while a file is written.
        choice = replace(choice, before=found[0]["line"])


def _lines(entries: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(clean(entry), ensure_ascii=False) + "\n" for entry in entries)


def _table(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(entry: dict[str, Any]) -> list[str]:
    ended = iso_time(entry["ended_at"]) if entry["ended_at"] else None
    values = clean(entry) | {"time": iso_time(entry["at"]), "ended": ended}
    return [_cell(values[name]) for name in _COLUMNS]


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet calculates."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A spreadsheet runs what begins like a formula, and these are end users' words.
    return f"'{text}" if text.lstrip(" \n").startswith(_FORMULA) else text


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's column, in units of the drawing."""

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day and how many there were of each kind."""

    date: str
    label: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Chart:
    """The last days, the newest last."""

    days: tuple[Day, ...]
    bars: tuple[Bar, ...]
    totals: dict[str, int]
    width: int = WIDTH * DAYS
    height: int = HEIGHT


def since(today: date) -> int:
    """Where the first of the days begins, in milliseconds."""
    first = today - timedelta(days=DAYS - 1)
    return round(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1000)


def chart_of(rows: Sequence[dict[str, Any]], today: date) -> Chart:
    """The chart of `{day, kind, count}`."""
    epoch = date(1970, 1, 1)
    counted = {(row["day"], row["kind"]): row["count"] for row in rows}
    days = []
    for back in reversed(range(DAYS)):
        day = today - timedelta(days=back)
        number = (day - epoch).days
        counts = {name: counted.get((number, kind), 0) for kind, name in KINDS.items()}
        days.append(Day(day.isoformat(), f"{day.day} {day:%b}", counts))
    tallest = max(1, *(day.total for day in days))
    bars = [bar for place, day in enumerate(days) for bar in _column(day, place, tallest)]
    totals = {name: sum(day.counts[name] for day in days) for name in KINDS.values()}
    return Chart(tuple(days), tuple(bars), totals)


def _column(day: Day, place: int, tallest: int) -> list[Bar]:
    """Parts upon each other; whatever happened at all can be seen."""
    found: list[Bar] = []
    top = float(HEIGHT)
    for name, count in day.counts.items():
        if count:
            height = max(1.5, count / tallest * (HEIGHT - 6))
            top = round(top - height, 1)
            found.append(Bar(name, place * WIDTH + 8, top, round(height, 1)))
    return found
