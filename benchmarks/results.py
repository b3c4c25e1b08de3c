"""What a benchmark finds: both sides, their ratio and the goal; printed, or gathered by `run.py`."""

import json
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

_WHOLE = 100


@dataclass(frozen=True)
class Row:
    """One comparison of one run.

    `ours` and `beside` are in `unit`; `goal` bounds the ratio ours / beside, from below with `at_least`.
    """

    what: str
    ours: float
    beside: float
    unit: str
    goal: float
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours against the other's."""
        return self.ours / self.beside

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal

    def cells(self) -> list[str]:
        """The row of a table."""
        sign = "≥" if self.at_least else "≤"
        sides = [f"{_shown(value)} {self.unit}".strip() for value in (self.ours, self.beside)]
        verdict = "yes" if self.met else "no"
        return [self.what, *sides, f"{self.ratio:.2f}", f"{sign} {self.goal:g}", verdict, self.note]


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.3g}"


def report(rows: Iterable[Row]) -> None:
    """Print the rows; as JSON lines with --json, for `benchmarks/run.py`."""
    for row in rows:
        if "--json" in sys.argv:
            print(json.dumps(asdict(row)), flush=True)
        else:
            print(" | ".join(row.cells()), flush=True)


def median_of(measure: Callable[[], float], runs: int = 5) -> float:
    """The median of some runs: one that another program disturbed does not count."""
    return statistics.median(measure() for _ in range(runs))
