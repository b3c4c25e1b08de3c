"""Reads, writes and refusals by day, as a drawing and as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

DAYS = 14
WIDTH, HEIGHT = 44, 76
KINDS = {"read": "reads", "intent": "writes", "refused": "refusals"}


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
