"""The bounds of what a workspace stores: plans that wait, jobs that are not over, journal and items.

Plans and jobs are counted in the transaction that adds one, which holds the workspace's write lock: no two
replicas see the last free place. What is stored is estimated, and the estimate is good for a minute: it costs
the ends of two indexes and a sample of rows, whatever there is.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Table, bindparam, func, select

from deskclerk.database import Connection, Database, Statement
from deskclerk.desk.jobs.job import OVER
from deskclerk.desk.journal.tables import events, job_items, jobs, plans
from deskclerk.desk.plans.store import WAITING
from deskclerk.desk.time_and_ids import now
from deskclerk.hosted.limits import WorkspaceLimits, reached

_GOOD_SECONDS = 60.0
_SAMPLE = 200
"""Rows whose size is taken for that of all."""
_BESIDE = 400
"""Bytes of a row beside its columns: its header, and what the indexes keep of it."""


def _size(table: Table) -> Any:
    columns = [func.coalesce(func.pg_column_size(column), 0) for column in table.c]
    return sum(columns[1:], columns[0]) + _BESIDE


def _average(sizes: Any) -> Any:
    sample = sizes.subquery()
    return select(func.coalesce(func.avg(sample.c.size), 0)).select_from(sample).scalar_subquery()


def _of(what: Any, table: Table) -> Any:
    return select(what).select_from(table).scalar_subquery()


_STORED = Statement(
    select(
        _of(func.min(events.c.seq), events),
        _of(func.max(events.c.seq), events),
        _of(func.coalesce(func.sum(jobs.c.total), 0), jobs),
        _average(select(_size(events).label("size")).order_by(events.c.seq.desc()).limit(_SAMPLE)),
        _average(select(_size(job_items).label("size")).limit(_SAMPLE)),
    )
)
_PLANS_WAITING = Statement(
    select(func.count())
    .select_from(plans)
    .where(plans.c.status == WAITING, plans.c.expires_at > bindparam("now"))
)
_OPEN_JOBS = Statement(
    select(func.count()).select_from(jobs).where(*(jobs.c.status != over for over in OVER))
)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a workspace stores, by estimate."""

    lines: int
    items: int
    bytes: int


class StoredBounds:
    """The desk's door to the limits of one workspace."""

    def __init__(self, database: Database, limits: WorkspaceLimits) -> None:
        """`database` is the workspace's part."""
        self._database = database
        self._limits = limits
        self._estimate: Stored | None = None
        self._until = 0.0
        self._estimating = asyncio.Lock()

    async def action(self) -> None:
        """LimitReached if as much is stored as may be: each action adds lines to the journal."""
        stored = await self.stored()
        if stored.lines >= self._limits.journal_lines:
            raise reached("journal_lines", self._limits.journal_lines)
        if stored.bytes >= self._limits.stored_bytes:
            raise reached("stored_bytes", self._limits.stored_bytes)

    async def plan(self, connection: Connection) -> None:
        """LimitReached if as many plans wait as may."""
        ((waiting,),) = await connection.fetch(_PLANS_WAITING, now=now())
        if waiting >= self._limits.plans_waiting:
            raise reached("plans_waiting", self._limits.plans_waiting)

    async def job(self, connection: Connection) -> None:
        """LimitReached if as many jobs are not over as may be."""
        ((open_jobs,),) = await connection.fetch(_OPEN_JOBS)
        if open_jobs >= self._limits.open_jobs:
            raise reached("open_jobs", self._limits.open_jobs)

    async def stored(self, clock: Callable[[], float] = monotonic) -> Stored:
        """What is stored, as of the last minute."""
        async with self._estimating:
            if self._estimate is None or clock() >= self._until:
                self._estimate = await estimate(self._database)
                self._until = clock() + _GOOD_SECONDS
            return self._estimate


async def estimate(database: Database) -> Stored:
    """What is stored now: of the journal and of the items of jobs."""
    ((first, last, items, line_bytes, item_bytes),) = await database.ask(_STORED)
    lines = 0 if last is None else int(last) - int(first) + 1
    return Stored(lines, int(items), round(lines * float(line_bytes) + int(items) * float(item_bytes)))
