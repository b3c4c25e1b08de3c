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

from sqlalchemy import Table, func, select

from deskclerk.database import Connection, Database
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
        waiting = (plans.c.status == WAITING, plans.c.expires_at > now())
        if await _count(connection, plans, *waiting) >= self._limits.plans_waiting:
            raise reached("plans_waiting", self._limits.plans_waiting)

    async def job(self, connection: Connection) -> None:
        """LimitReached if as many jobs are not over as may be."""
        if await _count(connection, jobs, jobs.c.status.not_in(OVER)) >= self._limits.open_jobs:
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
    async with database.reading() as connection:
        first_and_last = select(func.min(events.c.seq), func.max(events.c.seq)).select_from(events)
        first, last = (await connection.execute(first_and_last)).one()
        lines = 0 if last is None else int(last) - int(first) + 1
        planned = select(func.coalesce(func.sum(jobs.c.total), 0)).select_from(jobs)
        items = int((await connection.execute(planned)).scalar_one())
        newest = select(_size(events).label("size")).order_by(events.c.seq.desc()).limit(_SAMPLE)
        some = select(_size(job_items).label("size")).limit(_SAMPLE)
        line_bytes = await _average(connection, newest)
        item_bytes = await _average(connection, some) if items else 0.0
    return Stored(lines, items, round(lines * line_bytes + items * item_bytes))


def _size(table: Table) -> Any:
    columns = [func.coalesce(func.pg_column_size(column), 0) for column in table.c]
    return sum(columns[1:], columns[0]) + _BESIDE


async def _average(connection: Connection, sizes: Any) -> float:
    sample = sizes.subquery()
    query = select(func.coalesce(func.avg(sample.c.size), 0)).select_from(sample)
    return float((await connection.execute(query)).scalar_one())


async def _count(connection: Connection, table: Table, *conditions: Any) -> int:
    query = select(func.count()).select_from(table).where(*conditions)
    return int((await connection.execute(query)).scalar_one())
