"""Jobs and their items on disk.

Every change of an item by a run is made in a transaction that has the job's row, and only while the run is
its owner: a worker that was given up for dead and is not can write nothing any more.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.job import (
    BY_A_PERSON,
    CANCEL,
    CANCELLED,
    DONE,
    OPEN,
    PAUSE,
    PAUSED,
    PLANNED,
    PLANNING,
    QUEUED,
    RUN,
    RUNNING,
    SENT,
    WAITING,
    Item,
    Job,
)
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.misses import missed
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.waking import JOBS
from deskclerk.errors import InvalidRequest

if TYPE_CHECKING:
    from deskclerk.database import Connection

_AT_ONCE = 500
"""Items in memory at a time."""


class LostJobError(Exception):
    """The job belongs to another run now."""


class ItemSeal(Protocol):
    """How the secrets of items stand in the database; of several at once, by the numbers of their items."""

    async def seal(self, job_id: str, secrets: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Any]:
        """What to keep in place of each."""

    async def open(self, job_id: str, kept: Mapping[int, Any]) -> Mapping[int, Mapping[str, Any]]:
        """What `seal` was given."""


class Unsealed:
    """As they are: in a database that only this user can read, until the item is over."""

    async def seal(self, job_id: str, secrets: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Any]:
        """The same."""
        del job_id
        return {number: dict(given) for number, given in secrets.items()}

    async def open(self, job_id: str, kept: Mapping[int, Any]) -> Mapping[int, Mapping[str, Any]]:
        """The same."""
        del job_id
        return kept


class JobStore:
    """The jobs in the desk's database, of every instance."""

    def __init__(self, journal: Journal, seal: ItemSeal | None = None) -> None:
        self._journal = journal
        self._seal = seal or Unsealed()

    # Made and looked at.

    def planner(self) -> str:
        """The name of the lock that tells whether the process that plans a job is still there."""
        return self._journal.process_name()

    async def drop_expired(self) -> None:
        """End the jobs that nobody signed in time; with them go the secrets of their items."""
        from sqlalchemy import select  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.journal.tables import jobs, plans  # noqa: PLC0415

        late = select(plans.c.id).where(plans.c.expires_at < now())
        query = select(jobs.c.id).where(jobs.c.status == PLANNED, jobs.c.plan.in_(late))
        database = await self._journal.database()
        async with database.reading() as connection:
            found = [row.id for row in await connection.execute(query)]
        for job_id in found:
            async with self._journal.writing(JOBS) as connection:
                await self.cancel(connection, job_id)

    async def sweep(self) -> None:
        """Take away what processes that are gone were planning."""
        for job in await self.with_status(PLANNING):
            async with self._journal.gone(job.owner or "") as gone:
                if gone:
                    await self.forget(job.id)

    async def begin(
        self,
        job_id: str,
        instance: Instance,
        caller: Caller,
        kind: str,
        *,
        title: str,
        options: Mapping[str, Any],
        owner: str | None,
        status: str = PLANNING,
    ) -> None:
        """Keep a new job, which has no items yet; `owner` is the lock of the process that plans it."""
        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415 - opened when needed

        row = {
            "id": job_id,
            "created_at": now(),
            "instance": instance.id,
            "face": caller.face,
            "client": caller.client,
            "token": caller.token,
            "kind": kind,
            "title": title,
            "digest": "",
            "total": 0,
            "options": dict(options),
            "progress": {},
            "status": status,
            "wanted": RUN,
            "run": 0,
            "owner": owner,
        }
        async with self._journal.writing(JOBS) as connection:
            await self._journal.bounds.job(connection)
            await connection.execute(jobs.insert(), row)

    async def add_items(self, job_id: str, items: Sequence[Item]) -> None:
        """Add items to a job that is being planned."""
        from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

        if not items:
            return
        secrets = {item.number: item.secrets for item in items if item.secrets}
        kept = await self._seal.seal(job_id, secrets) if secrets else {}
        rows = [
            {
                "job": job_id,
                "number": item.number,
                "action": item.action,
                "arguments": dict(item.arguments),
                "secrets": kept.get(item.number),
                "name": item.name,
                "line": item.line,
                "target": item.target,
                "undoes": item.undoes,
                "status": item.status,
                "error": item.error,
            }
            for item in items
        ]
        database = await self._journal.database()
        async with database.writing() as connection:
            await connection.execute(job_items.insert(), rows)

    async def planned(
        self, connection: "Connection", job_id: str, *, plan: str, digest: str, total: int, title: str
    ) -> None:
        """A job whose items are all there waits for its signature."""
        await _set(
            connection, job_id, status=PLANNED, plan=plan, digest=digest, total=total, title=title, owner=None
        )

    async def forget(self, job_id: str) -> None:
        """Take a job away that was never planned to the end, or only to be looked at."""
        from deskclerk.desk.journal.tables import job_items, jobs  # noqa: PLC0415

        async with self._journal.writing(JOBS) as connection:
            await connection.execute(job_items.delete().where(job_items.c.job == job_id))
            await connection.execute(jobs.delete().where(jobs.c.id == job_id))

    async def load(self, job_id: str) -> Job:
        """A job with its counts; InvalidRequest if there is none."""
        found = await self._jobs([job_id])
        if not found:
            missed(job_id)
            problem = "no job has this id"
            raise InvalidRequest(
                f"job_id: {problem}.",
                problems=[("job_id", problem)],
                next_step=f"{self._journal.where('jobs list', 'Jobs')}, or clerk_jobs_list, names them.",
            )
        return found[0]

    async def count(self, instance: str) -> int:
        """How many jobs of an instance there are, but for those that are being planned."""
        from sqlalchemy import func, select  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

        query = select(func.count()).where(jobs.c.instance == instance, jobs.c.status != PLANNING)
        database = await self._journal.database()
        async with database.reading() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def listed(self, instance: str | None = None, limit: int = 20, offset: int = 0) -> list[Job]:
        """The newest jobs, but those that are still being planned."""
        from sqlalchemy import select  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

        query = select(jobs.c.id).where(jobs.c.status != PLANNING)
        if instance:
            query = query.where(jobs.c.instance == instance)
        query = query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit).offset(offset)
        database = await self._journal.database()
        async with database.reading() as connection:
            ids = [row.id for row in await connection.execute(query)]
        return await self._jobs(ids)

    async def with_status(self, *statuses: str) -> list[Job]:
        """The jobs of these statuses, the oldest first, without counts."""
        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

        query = jobs.select().where(jobs.c.status.in_(statuses)).order_by(jobs.c.created_at, jobs.c.id)
        database = await self._journal.database()
        async with database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
            return [job_of(row, {}) for row in rows]

    async def items(
        self, job_id: str, statuses: Iterable[str] | None = None, after: int = 0, limit: int = _AT_ONCE
    ) -> list[Item]:
        """Items of a job behind a number, in order."""
        from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

        query = job_items.select().where(job_items.c.job == job_id, job_items.c.number > after)
        if statuses is not None:
            query = query.where(job_items.c.status.in_(list(statuses)))
        database = await self._journal.database()
        async with database.reading() as connection:
            rows = (
                (await connection.execute(query.order_by(job_items.c.number).limit(limit))).mappings().all()
            )
        kept = {row["number"]: row["secrets"] for row in rows if row["secrets"] is not None}
        # Behind the transaction: what opens them may have to ask elsewhere for its key.
        secrets = await self._seal.open(job_id, kept) if kept else {}
        return [_item(row, secrets.get(row["number"])) for row in rows]

    async def every_item(self, job_id: str, statuses: Iterable[str] | None = None) -> AsyncIterator[Item]:
        """All items of a job, some hundreds in memory at a time."""
        wanted, after = None if statuses is None else list(statuses), 0
        while found := await self.items(job_id, wanted, after):
            for item in found:
                yield item
            after = found[-1].number

    async def _jobs(self, ids: Sequence[str]) -> list[Job]:
        from sqlalchemy import func, select  # noqa: PLC0415

        from deskclerk.desk.journal.tables import job_items, jobs  # noqa: PLC0415

        if not ids:
            return []
        counted = (
            select(job_items.c.job, job_items.c.status, func.count().label("count"))
            .where(job_items.c.job.in_(ids))
            .group_by(job_items.c.job, job_items.c.status)
        )
        counts: dict[str, dict[str, int]] = {}
        database = await self._journal.database()
        async with database.reading() as connection:
            rows = (await connection.execute(jobs.select().where(jobs.c.id.in_(ids)))).mappings().all()
            for row in await connection.execute(counted):
                counts.setdefault(row.job, {})[row.status] = row[2]
        found = {row["id"]: job_of(row, counts.get(row["id"], {})) for row in rows}
        return [found[job_id] for job_id in ids if job_id in found]

    # Set going and stopped by people.

    async def start(self, connection: "Connection", job_id: str) -> bool:
        """Set a signed job going, in the transaction that uses its signature up; whether it was there."""
        return await _step(connection, job_id, (PLANNED,), status=QUEUED, wanted=RUN, run=1)

    async def pause(self, connection: "Connection", job_id: str) -> bool:
        """Have a job pause, in the transaction that notes it; False if there is nothing left to pause."""
        if await _step(connection, job_id, (QUEUED,), status=PAUSED, wanted=RUN, reason=BY_A_PERSON):
            return True
        return await _step(connection, job_id, (RUNNING,), only_wanted=RUN, wanted=PAUSE)

    async def cancel(self, connection: "Connection", job_id: str) -> bool:
        """End a job for good; what is under way ends first. False if it is over."""
        ended: dict[str, Any] = {"status": CANCELLED, "ended_at": now()}
        if await _step(connection, job_id, (PLANNED, QUEUED, PAUSED), **ended):
            await _forget_secrets(connection, job_id)
            return True
        return await _step(connection, job_id, (RUNNING,), wanted=CANCEL)

    async def resume(
        self, connection: "Connection", job: Job, again: Sequence[str] = (), unsure: Sequence[str] = ()
    ) -> bool:
        """Let a paused job go on; failures so far count no more towards its stop rules.

        Items of the statuses in `again` wait once more, of those in `unsure` it is found out first how they
        ended.
        """
        from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

        progress = dict(job.progress) | {"counted_from": dict(job.counts)}
        values: dict[str, Any] = {"status": QUEUED, "wanted": RUN, "reason": None, "progress": progress}
        if not await _step(connection, job.id, (PAUSED,), run=job.run + 1, **values):
            return False
        failed = job_items.update().where(job_items.c.job == job.id, job_items.c.status.in_(list(again)))
        await connection.execute(failed.values(status=WAITING, entry=None, error=None))
        open_ones = job_items.update().where(job_items.c.job == job.id, job_items.c.status.in_(list(unsure)))
        await connection.execute(open_ones.values(status=SENT))
        return True

    # Carried out by a run.

    async def own(self, job_id: str, owner: str) -> Job:
        """Take a job over for a run: whoever had it before can change nothing any more."""
        job = await self.load(job_id)
        async with self._journal.writing(JOBS) as connection:
            await _step(
                connection, job_id, OPEN, status=RUNNING, owner=owner, started_at=job.started_at or now()
            )
        return await self.load(job_id)

    async def check_owner(self, connection: "Connection", job_id: str, owner: str) -> None:
        """LostJobError if another run has the job; it stays this one's until the transaction ends."""
        from sqlalchemy import select  # noqa: PLC0415

        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

        query = select(jobs.c.owner).where(jobs.c.id == job_id).with_for_update()
        if (await connection.execute(query)).scalar() != owner:
            raise LostJobError(job_id)

    async def change_items(
        self, connection: "Connection", job_id: str, changes: Sequence[Mapping[str, Any]]
    ) -> None:
        """Set columns of items; each change names its item's `number`, and all name the same columns."""
        from sqlalchemy import bindparam  # noqa: PLC0415

        from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

        if not changes:
            return
        columns = [name for name in changes[0] if name != "number"]
        statement = (
            job_items.update()
            .where(job_items.c.job == bindparam("of_job"), job_items.c.number == bindparam("of_number"))
            .values({name: bindparam(f"new_{name}") for name in columns})
        )
        rows = [
            {"of_job": job_id, "of_number": change["number"]}
            | {f"new_{name}": change[name] for name in columns}
            for change in changes
        ]
        await connection.execute(statement, rows)

    async def wanted(self, job_id: str) -> tuple[str, str | None]:
        """What a person wants of a job now, and which run has it."""
        from sqlalchemy import select  # noqa: PLC0415

        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

        database = await self._journal.database()
        async with database.reading() as connection:
            row = (
                await connection.execute(select(jobs.c.wanted, jobs.c.owner).where(jobs.c.id == job_id))
            ).one()
        return row.wanted, row.owner

    async def say(self, job_id: str, owner: str, reason: str | None) -> None:
        """Keep why a running job waits; None when it goes on."""
        async with self._journal.writing(JOBS, synced=False) as connection:
            await self.check_owner(connection, job_id, owner)
            await _set(connection, job_id, reason=reason)

    async def progress(self, job_id: str, owner: str, progress: Mapping[str, Any]) -> None:
        """Keep how far an export has come."""
        async with self._journal.writing(JOBS) as connection:
            await self.check_owner(connection, job_id, owner)
            await _set(connection, job_id, progress=dict(progress))

    async def ended(self, job_id: str, owner: str, status: str, reason: str | None = None) -> None:
        """A run is over: the job is paused, done or cancelled."""
        over: dict[str, Any] = {"ended_at": now()} if status in (DONE, CANCELLED) else {}
        async with self._journal.writing(JOBS) as connection:
            await self.check_owner(connection, job_id, owner)
            await _set(connection, job_id, status=status, reason=reason, owner=None, wanted=RUN, **over)
            if status in (DONE, CANCELLED):
                await _forget_secrets(connection, job_id)

    async def any_open(self, job_id: str, numbers: Iterable[int]) -> bool:
        """Whether any of these items waits, or is under way."""
        from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

        query = job_items.select().where(
            job_items.c.job == job_id,
            job_items.c.number.in_(list(numbers)),
            job_items.c.status.in_((WAITING, SENT)),
        )
        database = await self._journal.database()
        async with database.reading() as connection:
            return (await connection.execute(query.limit(1))).first() is not None

    async def run_again(self, job: Job) -> None:
        """Have an open job carried out by another run than the one that it names."""
        from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

        same = jobs.update().where(jobs.c.id == job.id, jobs.c.run == job.run, jobs.c.status.in_(OPEN))
        async with self._journal.writing(JOBS) as connection:
            await connection.execute(same.values(run=job.run + 1, status=QUEUED))

    async def pause_after_fault(self, job_id: str) -> None:
        """Pause a job whose run broke: tried again at once it would break again."""
        reason = "it failed inside deskclerk; the worker's log says where"
        async with self._journal.writing(JOBS) as connection:
            await _step(connection, job_id, OPEN, status=PAUSED, wanted=RUN, reason=reason, owner=None)

    async def open_numbers(self, job_id: str) -> int:
        """How many items are still to be carried out, or found out about."""
        from sqlalchemy import func, select  # noqa: PLC0415

        from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

        query = select(func.count()).where(job_items.c.job == job_id, job_items.c.status.in_((WAITING, SENT)))
        database = await self._journal.database()
        async with database.reading() as connection:
            return int((await connection.execute(query)).scalar_one())


async def cancel_all(connection: "Connection", instance: str) -> int:
    """End the jobs of an instance for good, in the transaction with which it goes; how many there were.

    As `JobStore.cancel`: what is under way ends first.
    """
    from sqlalchemy import select  # noqa: PLC0415 - opened when needed

    from deskclerk.desk.journal.tables import job_items, jobs  # noqa: PLC0415

    mine = jobs.update().where(jobs.c.instance == instance)
    running = mine.where(jobs.c.status == RUNNING).values(wanted=CANCEL)
    # In this order: one that begins in between is found running.
    ended = mine.where(jobs.c.status.in_((PLANNED, QUEUED, PAUSED)))
    number = (await connection.execute(ended.values(status=CANCELLED, ended_at=now()))).rowcount
    number += (await connection.execute(running)).rowcount
    over = select(jobs.c.id).where(jobs.c.instance == instance, jobs.c.status == CANCELLED)
    having = job_items.update().where(job_items.c.job.in_(over), job_items.c.secrets.is_not(None))
    await connection.execute(having.values(secrets=None))
    return number


async def end_abandoned(connection: "Connection", job_id: str) -> None:
    """End a job that nobody carries out any more, nor can."""
    if await _step(connection, job_id, OPEN, status=CANCELLED, ended_at=now(), owner=None):
        await _forget_secrets(connection, job_id)


async def _set(connection: "Connection", job_id: str, **values: Any) -> None:
    from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415 - opened when needed

    await connection.execute(jobs.update().where(jobs.c.id == job_id).values(values))


async def _step(
    connection: "Connection",
    job_id: str,
    before: Sequence[str],
    only_wanted: str | None = None,
    **values: Any,
) -> bool:
    """Whether this call was the one that took the step."""
    from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415

    change = jobs.update().where(jobs.c.id == job_id, jobs.c.status.in_(before))
    if only_wanted:
        change = change.where(jobs.c.wanted == only_wanted)
    return (await connection.execute(change.values(values))).rowcount == 1


async def _forget_secrets(connection: "Connection", job_id: str) -> None:
    """What is over needs its secrets no more."""
    from deskclerk.desk.journal.tables import job_items  # noqa: PLC0415

    having = job_items.update().where(job_items.c.job == job_id, job_items.c.secrets.is_not(None))
    await connection.execute(having.values(secrets=None))


def job_of(row: Mapping[Any, Any], counts: Mapping[str, int]) -> Job:
    """A job from its row, with what became of its items."""
    from deskclerk.desk.journal.tables import jobs  # noqa: PLC0415 - opened when needed

    callers = ("face", "client", "token")
    values = {column.name: row[column.name] for column in jobs.columns if column.name not in callers}
    return Job(**values, caller=Caller(row["face"], row["client"], row["token"]), counts=counts)


def _item(row: Mapping[Any, Any], secrets: Mapping[str, Any] | None) -> Item:
    return Item(**{name: row[name] for name in row if name not in ("job", "secrets")}, secrets=secrets)
