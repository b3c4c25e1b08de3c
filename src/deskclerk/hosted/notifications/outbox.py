"""What is to be told, of all workspaces: put there with what it is about, and taken by one process at a time.

Plans are put there by the call that begins to wait, before it answers. Pauses of jobs are found from the jobs
themselves, so that none is missed of a process that dies between a pause and its notice.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, exists, func, select, update
from sqlalchemy import literal as value
from sqlalchemy.dialects.postgresql import insert as insert_or

from deskclerk.database import Connection, Database
from deskclerk.desk.jobs.job import BY_A_PERSON, PAUSED
from deskclerk.desk.journal.tables import jobs
from deskclerk.desk.notifications.messages import JOB_PAUSES, PLAN_WAITS, PausedJob
from deskclerk.desk.notifications.notifications import DELIVERED, FAILED, NOT_NEEDED
from deskclerk.desk.plans.store import StoredPlan
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.errors import DeskclerkError
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.limits import MESSAGES_PER_MINUTE
from deskclerk.hosted.notifications.destinations import notice
from deskclerk.hosted.notifications.tables import destinations, notices
from deskclerk.hosted.redis_connection import PREFIX
from deskclerk.hosted.schema import workspace_of
from deskclerk.hosted.workspaces.tables import workspaces

logger = logging.getLogger("deskclerk.notify")

CHANNEL = f"{PREFIX}:notices"
"""Rung when there is something to send, for whoever sends for all workspaces."""
MOST_QUEUED = 500
"""Messages of one workspace that wait to be sent; what comes then is a line in the log."""
LEASE = 60_000
"""Milliseconds after which a message that somebody took and did not end is taken by another."""
AT_ONCE = 4
"""Messages of one workspace that one process has under way."""
_MOST_TAKEN = 100
_MOST_JOBS = 200
_MINUTE, _DAY = 60_000, 86_400_000
_JOB_DAYS = 1
_KEPT = 30 * _DAY


class OutboxTeller:
    """A hosted desk's door to notifications."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        """`database` is the workspace's part; `wake` tells whoever sends that there is something to send."""
        self._database = database
        self._wake = wake
        # A desk is opened anew when they change.
        self._destinations: list[str] | None = None

    async def plan_waits(self, stored: StoredPlan) -> None:
        """Put it in the outbox; what goes wrong with that is a line in the log, and the plan waits."""
        try:
            if self._destinations is None:
                async with self._database.reading() as connection:
                    self._destinations = list((await connection.execute(select(destinations.c.id))).scalars())
            if self._destinations:
                await self._put(stored)
                self._wake()
        except DeskclerkError as error:
            logger.warning("Nobody is told of %s: %s", stored.plan.id, error)

    def job_pauses(self, job: PausedJob, still: Callable[[], Awaitable[bool]]) -> None:
        """Have whoever sends look: it finds the pause in the job."""
        del job, still
        self._wake()

    async def _put(self, stored: StoredPlan) -> None:
        at = now()
        rows = [
            notice(destination, stored.plan.id, PLAN_WAITS, at, stored.plan.expires_at)
            for destination in self._destinations or ()
        ]
        waiting = select(func.count()).where(notices.c.ended_at.is_(None))
        async with self._database.writing() as connection:
            if (await connection.execute(waiting)).scalar_one() >= MOST_QUEUED:
                logger.warning("Nobody is told of %s: %d messages wait already.", stored.plan.id, MOST_QUEUED)
                return
            await connection.execute(insert_or(notices).on_conflict_do_nothing(), rows)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that this process is to send now; `tries` counts this one, and says whose it is."""

    id: str
    workspace: str
    destination: str
    subject: str
    kind: str
    expires_at: int
    tries: int


class Outbox:
    """The messages of all workspaces, for whoever sends them."""

    def __init__(self, hosted: HostedDatabase, clock: Callable[[], int] = now) -> None:
        self._hosted = hosted
        self._clock = clock

    async def take(self, busy: Collection[str] = (), most: int = _MOST_TAKEN) -> list[Taken]:
        """What is due, taken for this process: of each workspace as much as its limit leaves for this minute.

        Nothing of `busy` workspaces. What nobody needs any more ends here.
        """
        at = self._clock()
        async with self._hosted.whole.reading() as connection:
            due = (notices.c.ended_at.is_(None)) & (notices.c.next_at <= at)
            anything = select(exists().where(due) | exists(_untold()))
            if not (await connection.execute(anything)).scalar():
                return []
        # Those who take do so one after another: of two no one sends what the other has, and the limit of a
        # workspace is counted with what the other took.
        async with self._hosted.whole.writing() as connection:
            await self._find_pauses(connection, at)
            late = due & (notices.c.expires_at <= at)
            ended = {"ended_at": at, "outcome": NOT_NEEDED, "why": "it came too late"}
            await connection.execute(update(notices).where(late).values(**ended))
            ids = [row.id for row in await connection.execute(_next(due, at, busy, most))]
            if not ids:
                return []
            taken = update(notices).where(notices.c.id.in_(ids)).returning(notices)
            taken = taken.values(next_at=at + LEASE, tries=notices.c.tries + 1, tried_at=at)
            rows = (await connection.execute(taken)).mappings().all()
        names = ("id", "workspace", "destination", "subject", "kind", "expires_at", "tries")
        return [Taken(**{name: row[name] for name in names}) for row in rows]

    async def delivered(self, taken: Taken) -> None:
        """It arrived."""
        await self._end(taken, DELIVERED, None)

    async def not_needed(self, taken: Taken, why: str) -> None:
        """There is nothing to tell any more."""
        await self._end(taken, NOT_NEEDED, why)

    async def failed(self, taken: Taken, why: str) -> None:
        """It did not arrive, and is given up."""
        await self._end(taken, FAILED, why)

    async def again(self, taken: Taken, why: str, after: int) -> None:
        """It did not arrive, and is tried again after so many milliseconds, unless it is too late then."""
        at = self._clock()
        if at + after >= taken.expires_at:
            await self.failed(taken, why)
            return
        await self._note(taken, next_at=at + after, why=why)

    async def forget(self) -> None:
        """Let go of what ended long ago; a job that is paused still is told of once all the same."""
        paused = exists().where(_subject() == notices.c.subject, jobs.c.status == PAUSED)
        old = delete(notices).where(notices.c.ended_at < self._clock() - _KEPT, ~paused)
        async with self._hosted.whole.writing() as connection:
            await connection.execute(old)

    async def _end(self, taken: Taken, outcome: str, why: str | None) -> None:
        await self._note(taken, ended_at=self._clock(), outcome=outcome, why=why)

    async def _note(self, taken: Taken, **values: Any) -> None:
        # Whoever took it after this one's time was over has it now.
        mine = (notices.c.id == taken.id, notices.c.tries == taken.tries, notices.c.ended_at.is_(None))
        async with self._hosted.of(taken.workspace).writing() as connection:
            await connection.execute(update(notices).where(*mine).values(**values))

    async def _find_pauses(self, connection: Connection, at: int) -> None:
        """Put there what is to be told of jobs that have paused by themselves."""
        found = (await connection.execute(_untold().limit(_MOST_JOBS))).mappings().all()
        rows = [
            notice(row["destination"], row["subject"], JOB_PAUSES, at, at + _JOB_DAYS * _DAY)
            | {"workspace": row["workspace"], "id": new_id("msg")}
            for row in found
        ]
        if rows:
            await connection.execute(insert_or(notices).on_conflict_do_nothing(), rows)


def _subject() -> ColumnElement[str]:
    """What a pause is called: a job may pause many times."""
    return jobs.c.id + value(".") + cast(jobs.c.run, String)


def _untold() -> Any:
    """The pauses, each with a destination that it was not told to yet."""
    mine = workspace_of(jobs)
    told = exists().where(
        notices.c.workspace == mine,
        notices.c.destination == destinations.c.id,
        notices.c.subject == _subject(),
    )
    return (
        select(mine, destinations.c.id.label("destination"), _subject().label("subject"))
        .select_from(jobs)
        .join(destinations, destinations.c.workspace == mine)
        .where(jobs.c.status == PAUSED, func.coalesce(jobs.c.reason, "") != BY_A_PERSON, ~told)
    )


def _next(due: ColumnElement[bool], at: int, busy: Collection[str], most: int) -> Any:
    """The ids of what is due, the oldest first, of each workspace as many as it may send now.

    Each workspace that has something due is looked at by itself: to number all that waits of all of them
    takes long when there is much of it.
    """
    free = due & notices.c.workspace.not_in(list(busy))
    waiting = select(notices.c.workspace).where(free).distinct().subquery()
    mine = notices.alias()
    sent = (
        select(func.count())
        .select_from(mine)
        .where(mine.c.workspace == workspaces.c.id, mine.c.tried_at > at - _MINUTE)
        .scalar_subquery()
    )
    limit = func.coalesce(workspaces.c.limits["messages_per_minute"].as_integer(), MESSAGES_PER_MINUTE)
    allowed = (
        select(workspaces.c.id.label("workspace"), (limit - sent).label("left"))
        .join(waiting, waiting.c.workspace == workspaces.c.id)
        .cte("allowed")
    )
    number = func.row_number().over(order_by=(notices.c.next_at, notices.c.id))
    first = (
        select(notices.c.id, notices.c.next_at, number.label("number"))
        .where(due, notices.c.workspace == allowed.c.workspace)
        .order_by(notices.c.next_at, notices.c.id)
        .limit(AT_ONCE)
        .lateral("first")
    )
    return (
        select(first.c.id)
        .select_from(allowed.join(first, first.c.number <= allowed.c.left))
        .order_by(first.c.next_at, first.c.id)
        .limit(most)
    )
