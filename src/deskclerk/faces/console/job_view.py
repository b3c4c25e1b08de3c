"""Jobs as a page shows them: how far one has come, how fast it goes, and what became of its items."""

import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from deskclerk.catalogue import EVERY_BY_NAME
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.job import (
    BULK,
    CANCELLED,
    COUNTED,
    EXPORT,
    FAILURES,
    ITEM_DONE,
    LEFT_OUT,
    OPEN,
    OVER,
    PAUSED,
    PLANNED,
    REFUSED,
    RUNNING,
    SENT,
    SKIPPED,
    STRUCK,
    UNKNOWN,
    WAITING,
    Item,
    Job,
)
from deskclerk.desk.view.cleaning import line_of
from deskclerk.faces.console.plan_card import FACES, ago, iso_time, span

OUTCOMES = {
    ITEM_DONE: "done",
    REFUSED: "failed",
    UNKNOWN: "outcome not known",
    SKIPPED: "skipped",
    SENT: "under way",
    WAITING: "waiting",
    LEFT_OUT: "left out",
    STRUCK: "struck out",
}
"""What becomes of an item, in the words of a page."""
_TONES = {ITEM_DONE: "good", REFUSED: "bad", UNKNOWN: "bad"}
_STATES = {PLANNED: "waits for a signature", OPEN[0]: "about to begin"}
_NEVER_SIGNED = "was not signed"
_WINDOW = 10.0
"""Seconds over which a rate is taken."""
_OLDEST = 30.0
"""Seconds after which what was seen says nothing about now."""
_SHORTEST = 0.9
_MOST = 64


class Rates:
    """How fast jobs go, from how far they had come when somebody last looked; in this process's memory."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def of(self, job: Job) -> float | None:
        """Items in a second over the last ones; None while that is not known, or nothing goes on."""
        if job.status != RUNNING:
            self._seen.pop(job.id, None)
            return None
        while len(self._seen) >= _MOST and job.id not in self._seen:
            self._seen.pop(next(iter(self._seen)))
        at, seen = time.monotonic(), self._seen.setdefault(job.id, deque())
        while seen and at - seen[0][0] > _OLDEST:
            seen.popleft()
        while len(seen) > 1 and at - seen[0][0] > _WINDOW and at - seen[1][0] >= _SHORTEST:
            seen.popleft()
        passed = at - seen[0][0] if seen else 0.0
        rate = (job.finished - seen[0][1]) / passed if passed >= _SHORTEST else None
        # Whoever looks many times in a second adds nothing to what is known.
        if not seen or at - seen[-1][0] >= _SHORTEST:
            seen.append((at, job.finished))
        return None if rate is None else max(0.0, rate)


@dataclass(frozen=True, slots=True)
class Count:
    """How many items have come to one outcome."""

    outcome: str
    label: str
    number: int
    tone: str


@dataclass(frozen=True, slots=True)
class JobCard:
    """What a page shows of a job; `open` says that it moves, `live` that it may still come to move.

    `done` and `failed` are parts of the bar, in per cent.
    """

    id: str
    title: str
    state: str
    said: str
    reason: str
    open: bool
    live: bool
    over: bool
    here: bool
    instance: str
    asked_by: str
    client: str
    token: str
    age: str
    created: str
    took: str
    total: int
    finished: int
    failed: int
    bar: tuple[float, float] | None
    progress: str
    rate: str
    left: str
    counts: tuple[Count, ...]
    rule: str
    plan: str | None
    undoes: str | None
    retries: str | None
    file: str
    pauses: bool
    ends: bool
    goes_on: bool
    fails_again: bool
    comes_back: bool


def card_of(job: Job, instance: Instance, waiting: Collection[str], rate: float | None = None) -> JobCard:
    """The card of a job; `waiting` are the ids of the plans that wait."""
    caller, finished = job.caller, job.finished
    failed = sum(job.counts.get(name, 0) for name in FAILURES)
    here, state = job.instance == instance.id, job.state
    planned = job.status == PLANNED and job.plan not in waiting
    unsigned = planned or (job.status == CANCELLED and job.run == 0)
    rests = here and job.status in (PAUSED, *OVER) and job.kind != EXPORT
    return JobCard(
        id=job.id,
        title=line_of(job.title, 200),
        state=state,
        said=_NEVER_SIGNED if unsigned else _STATES.get(state, state),
        reason=line_of(job.reason or "", 400),
        open=job.status in OPEN,
        live=job.status in (*OPEN, PAUSED),
        over=job.status in OVER,
        here=here,
        instance=job.instance,
        asked_by=FACES.get(caller.face, caller.face),
        client=line_of(caller.client or "", 80),
        token=line_of(caller.token or "", 80),
        age=ago(job.created_at),
        created=iso_time(job.created_at),
        took=_took(job),
        total=job.total,
        finished=finished,
        failed=failed,
        bar=_bar(job, finished, failed),
        progress=_progress(job, finished),
        rate="" if rate is None else f"{rate:,.0f} per second" if rate >= 10 else f"{rate:.1f} per second",  # noqa: PLR2004 - one digit is enough
        left=span(round((job.total - finished) / rate * 1000)) if rate else "",
        counts=tuple(
            Count(name, OUTCOMES[name], job.counts[name], _TONES.get(name, ""))
            for name in (*COUNTED, LEFT_OUT, STRUCK)
            if job.counts.get(name)
        ),
        rule=job.stop.sentence() if job.kind == BULK else "",
        plan=job.plan,
        undoes=job.options.get("undoes"),
        retries=job.options.get("retries"),
        file=line_of(str(job.options.get("file") or ""), 300),
        pauses=here and job.status in OPEN and state == job.status,
        ends=here and (job.status == PAUSED or (job.status in OPEN and state == job.status)),
        goes_on=here and job.status == PAUSED,
        fails_again=rests and bool(job.counts.get(REFUSED)),
        comes_back=rests and bool(job.counts.get(ITEM_DONE)),
    )


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a job on a page."""

    number: int
    line: int | None
    name: str
    heading: str
    label: str
    tone: str
    error: str
    entry: str | None
    made: str


def item_row(item: Item) -> ItemRow:
    """An item, without its arguments: those may be long, and its journal entry has them."""
    action = EVERY_BY_NAME.get(item.action)
    return ItemRow(
        number=item.number,
        line=item.line,
        name=line_of(item.name, 200),
        # A wrong row became no action: what stands there is what was asked for as a whole.
        heading=action.spec.heading if action and not action.spec.by_desk else "",
        label=OUTCOMES.get(item.status, item.status),
        tone=_TONES.get(item.status, ""),
        error=line_of(item.error or "", 400),
        entry=item.entry,
        made=line_of(item.made or "", 80),
    )


def _bar(job: Job, finished: int, failed: int) -> tuple[float, float] | None:
    if not job.total:
        return None
    return round((finished - failed) / job.total * 100, 2), round(failed / job.total * 100, 2)


def _took(job: Job) -> str:
    if not job.started_at or not job.ended_at:
        return ""
    took = job.ended_at - job.started_at
    return span(took) if took >= 1000 else "less than a second"  # noqa: PLR2004 - a second


def _progress(job: Job, finished: int) -> str:
    written = job.progress.get("written")
    if job.kind == EXPORT:
        return f"{written:,} written" if isinstance(written, int) else "nothing written yet"
    return f"{finished:,} of {job.total:,}"
