"""The jobs of all workspaces, for the worker of a replica: any worker takes any of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select, tuple_

from deskclerk.desk import Desk
from deskclerk.desk.jobs.job import OPEN, PLANNED, Job
from deskclerk.desk.jobs.running import Tools
from deskclerk.desk.jobs.store import LostJobError, end_abandoned, job_of
from deskclerk.desk.journal.process_locks import claim, claimed
from deskclerk.desk.journal.records import ENDINGS, TOO_SOON
from deskclerk.desk.journal.tables import events, jobs, plans
from deskclerk.desk.plans.store import SIGNED
from deskclerk.desk.time_and_ids import now
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.schema import workspace_of
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.hosted.workspaces.tables import instances, workspaces

logger = logging.getLogger("deskclerk.jobs")

_QUEUE = "hosted"
_SETTLE_SECONDS = 10.0
"""Between two looks for writes whose replica died."""
_AGAIN_SECONDS = 10.0
"""After which a desk is used again for this at which something was wrong."""
_LOOK_BACK = 2 * 86_400_000
"""Milliseconds: what is older a look at its beginning has settled, or nothing will."""
_MOST = 500
"""Open jobs that are looked at in one turn, the oldest first; the others wait for them to end."""


class HostedWorkplace:
    """The open jobs of instances whose keys the workspaces have."""

    def __init__(self, hosted: HostedDatabase, desks: Desks[Desk]) -> None:
        self._hosted = hosted
        self._desks = desks
        self._settle_at = 0.0
        self._left: dict[Place, float] = {}
        """The desks at which something was wrong, and when they are used again."""

    async def begin(self) -> str:
        """This worker's name."""
        return await self._hosted.name()

    @property
    def runs(self) -> Path | str:
        """In the same database, in a schema of their own; they name jobs and hold nothing of them."""
        return self._hosted.url

    @property
    def queues(self) -> Sequence[str]:
        """One for all."""
        return (_QUEUE,)

    def queue(self, job: Job) -> str:
        """The one for all."""
        del job
        return _QUEUE

    async def open_jobs(self) -> list[Job]:
        """Those of every workspace; a job that was signed while its replica died is set going first."""
        await self._set_going()
        await self._settle()
        # Those as well whose instance was removed under way: a worker ends them.
        query = _placed(jobs.c.status.in_(OPEN), removed=True)
        query = query.order_by(jobs.c.created_at, jobs.c.id).limit(_MOST)
        async with self._hosted.whole.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [job_of(row, {}) for row in rows]

    async def tools(self, job_id: str) -> Tools:
        """Those of the desk of the job's instance, as its workspace is now.

        LostJobError where the instance was removed: the job is over then.
        """
        async with self._desks.use(await self._place(job_id)) as desk:
            return desk.jobs.tools

    def gone(self, process: str) -> AbstractAsyncContextManager[bool]:
        """Whether a replica has ended."""
        return claimed(self._hosted.url, process)

    def results_file(self, job_id: str) -> Path | None:
        """None: what became of the items is read from the database."""
        del job_id
        return None

    def show(self) -> None:
        """Nothing: every replica has a worker, and nobody starts one for a job."""

    def hide(self) -> None:
        """Nothing."""

    async def _settle(self) -> None:
        """Find out how writes ended whose replica died, now and then: nobody else comes back to them.

        A desk does so when it is opened; on a replica that lives for weeks it is opened once.
        """
        if monotonic() < self._settle_at:
            return
        self._settle_at = monotonic() + _SETTLE_SECONDS
        for place, owners in (await self._open_intents()).items():
            if await asyncio.to_thread(self._any_gone, owners):
                await self._at(place, lambda desk: desk.settling.orphans())

    async def _open_intents(self) -> dict[Place, set[str]]:
        """The desks that have writes whose end is not known, with the processes that these belong to."""
        mine, ended = workspace_of(events), events.alias()
        over = ended.select().where(
            workspace_of(ended) == mine,
            ended.c.entry == events.c.entry,
            ended.c.kind.in_(ENDINGS),
            func.coalesce(ended.c.code, "") != TOO_SOON,
        )
        query = (
            select(mine, instances.c.name, workspaces.c.version, events.c.owner)
            .select_from(events)
            .join(instances, _instance_of(events))
            .join(workspaces, workspaces.c.id == mine)
            .where(
                events.c.kind == "intent",
                events.c.owner.is_not(None),
                events.c.at > now() - _LOOK_BACK,
                ~over.exists(),
            )
            .distinct()
            .limit(_MOST)
        )
        found: dict[Place, set[str]] = {}
        async with self._hosted.whole.reading() as connection:
            for row in (await connection.execute(query)).mappings():
                place = Place(row["workspace"], row["name"], row["version"])
                found.setdefault(place, set()).add(row["owner"])
        return found

    def _any_gone(self, processes: set[str]) -> bool:
        for process in processes:
            with claim(self._hosted.url, process) as gone:
                if gone:
                    return True
        return False

    async def _place(self, job_id: str) -> Place:
        async with self._hosted.whole.reading() as connection:
            row = (await connection.execute(_placed(jobs.c.id == job_id))).mappings().one_or_none()
        if row is None:
            # Nobody has the key any more to go on with it, nor to find out how what was sent has ended.
            async with self._hosted.whole.writing() as connection:
                await end_abandoned(connection, job_id)
            raise LostJobError(job_id)
        return Place(row["workspace"], row["name"], row["version"])

    async def _set_going(self) -> None:
        # A plan of another workspace has another id: ids are unique in all of them.
        signed_plans = select(plans.c.id).where(plans.c.status == SIGNED, plans.c.expires_at > now())
        signed = _placed((jobs.c.status == PLANNED) & jobs.c.plan.in_(signed_plans))
        async with self._hosted.whole.reading() as connection:
            rows = (await connection.execute(signed.limit(_MOST))).mappings().all()
        for place in {Place(row["workspace"], row["name"], row["version"]) for row in rows}:
            await self._at(place, lambda desk: desk.jobs.look_after())

    async def _at(self, place: Place, see_to: Callable[[Desk], Awaitable[object]]) -> None:
        """See to something at a desk; whatever is wrong there, those of the other workspaces go on."""
        at = monotonic()
        if self._left.get(place, at) > at:
            return
        try:
            async with self._desks.use(place) as desk:
                await see_to(desk)
        except Exception:
            logger.exception("The desk of %s in %s cannot be used now", place.instance, place.workspace)
            self._left = {other: until for other, until in self._left.items() if until > at}
            self._left[place] = at + _AGAIN_SECONDS


def _placed(condition: ColumnElement[bool], *, removed: bool = False) -> Select[Any]:
    """Jobs with the workspace and the name of the instance that they are of, as it is now.

    `removed`: with those of which there is no such instance any more.
    """
    mine = workspace_of(jobs)
    return (
        select(jobs, mine, instances.c.name, workspaces.c.version)
        .select_from(jobs)
        .join(instances, _instance_of(jobs), isouter=removed)
        .join(workspaces, workspaces.c.id == mine)
        .where(condition)
    )


def _instance_of(table: Table) -> ColumnElement[bool]:
    """Which instance a row is of: under the oldest of its names, for one that has several is one."""
    other = instances.alias()
    older = other.select().where(
        other.c.workspace == instances.c.workspace,
        other.c.instance == instances.c.instance,
        tuple_(other.c.created_at, other.c.name) < tuple_(instances.c.created_at, instances.c.name),
    )
    mine = (instances.c.workspace == workspace_of(table)) & (instances.c.instance == table.c.instance)
    return mine & ~older.exists()
