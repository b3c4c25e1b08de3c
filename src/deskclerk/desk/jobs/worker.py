"""The process that carries jobs out: `deskclerk jobs work`, started by itself when a job is signed.

It takes the jobs of the instances whose keys its settings have. Any number of them may work side by side;
of one that died another goes on with what it had, in the same way whether it died while a job was running or
while it was to pause.
"""

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.job import BY_A_PERSON, EXPORT, OPEN, OVER, PAUSED, Job
from deskclerk.desk.jobs.results import write_results
from deskclerk.desk.jobs.running import Run, Tools, paused_job
from deskclerk.desk.jobs.store import JobStore, LostJobError
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.process_locks import ProcessLock, claim, take_lock
from deskclerk.errors import StorageUnavailable
from deskclerk.settings import Settings
from deskclerk.system.private_files import make_private_folder, open_private
from deskclerk.system.processes import detached, on_signals

if TYPE_CHECKING:
    from deskclerk.desk.jobs.engine import Engine

logger = logging.getLogger("deskclerk.jobs")

_PART_SECONDS = 5.0
_POLL_SECONDS = 0.5
_IDLE_POLLS = 4
"""Polls without any job after which a worker that was started for one ends."""
_MISSED_POLLS = 6
"""Polls after which a run that DBOS does not have is asked for anew."""
_AGAIN_SECONDS = 10.0
"""After which a job is looked at again that could not be looked after."""
_DROPPED_SECONDS = 10.0
"""After which a run that is this process's, and that nothing here carries out, is taken for dropped."""
_NOTE_SECONDS = 20.0
"""For how long a worker that ends waits for the ends of its jobs to be noted; of one that was not, DBOS asks
another worker, which finds it over."""


class Workplace(Protocol):
    """The jobs that a worker takes, and with what it carries them out."""

    async def begin(self) -> str:
        """Ready the databases; this process's name, under which it holds a lock as long as it lives."""

    @property
    def runs(self) -> Path | str:
        """Where DBOS keeps its runs: a file, or a PostgreSQL URL."""

    @property
    def queues(self) -> Sequence[str]:
        """The names of the queues that runs wait in."""

    def queue(self, job: Job) -> str:
        """The queue of a job."""

    async def open_jobs(self) -> list[Job]:
        """The jobs that somebody has to see to."""

    async def tools(self, job_id: str) -> Tools:
        """What a job is carried out with; LostJobError if it is over because that is gone.

        InvalidRequest if there is none of this id.
        """

    def gone(self, process: str) -> AbstractAsyncContextManager[bool]:
        """Whether a process has ended; within the block nobody else finds it so."""

    def results_file(self, job_id: str) -> Path | None:
        """Where the result of a job is written, if it is."""

    def show(self) -> None:
        """Show whoever starts workers that there is one, again and again."""

    def hide(self) -> None:
        """Take that back: whoever has a job from here on starts another worker."""


class OwnWorkplace:
    """The jobs of the instances whose keys the settings have, in the desk's own database."""

    def __init__(self, settings: Settings, tools: Sequence[Tools]) -> None:
        self._settings = settings
        self._places = {item.instance.id: item for item in tools}
        self._journal = tools[0].journal
        self._store = JobStore(self._journal)
        self._locks: dict[str, ProcessLock] = {}

    async def begin(self) -> str:
        """Open the database, and take away what dead processes were planning."""
        await self._journal.database()
        name = self._journal.process_name()
        if isinstance(self.runs, Path):
            make_private_folder(self.runs.parent)
        await self._store.sweep()
        return name

    @property
    def runs(self) -> Path | str:
        """Beside the desk's own file, or in the same PostgreSQL database."""
        return jobs_database(self._settings)

    @property
    def queues(self) -> Sequence[str]:
        """One for each instance: who has not its key leaves its jobs alone."""
        return list(self._places)

    def queue(self, job: Job) -> str:
        """Its instance's."""
        return job.instance

    async def open_jobs(self) -> list[Job]:
        """Those of these instances."""
        return [job for job in await self._store.with_status(*OPEN) if job.instance in self._places]

    async def tools(self, job_id: str) -> Tools:
        """Those of the job's instance."""
        return self._places[(await self._store.load(job_id)).instance]

    def gone(self, process: str) -> AbstractAsyncContextManager[bool]:
        """Whether a process has ended."""
        return self._journal.gone(process)

    def results_file(self, job_id: str) -> Path | None:
        """In the data folder."""
        return results_file(self._settings, job_id)

    def show(self) -> None:
        """As far as no other worker shows it."""
        for instance in self._places.keys() - self._locks.keys():
            with contextlib.suppress(OSError, StorageUnavailable):
                self._locks[instance] = take_lock(self._journal.locks(), worker_lock(instance))

    def hide(self) -> None:
        """Give the locks back."""
        while self._locks:
            self._locks.popitem()[1].end()


class Worker:
    """Carries jobs out until it is told to stop; `until_idle` ends it when none are left."""

    def __init__(self, workplace: Workplace, *, until_idle: bool = False) -> None:
        self._workplace = workplace
        self._until_idle = until_idle
        self._name = ""
        self._runs: dict[tuple[str, int], Run | Any] = {}
        self._tools: dict[tuple[str, int], Tools] = {}
        self._numbers = count(1)
        self._missed: dict[tuple[str, int], int] = {}
        self._left: dict[str, float] = {}
        """The jobs that could not be looked after, and when they are looked at again."""
        self._working: dict[asyncio.Task[Any], tuple[str, int]] = {}
        """The tasks of the engine's that have a run under way, until the run's end is noted."""
        self._dropped: dict[tuple[str, int], float] = {}
        """The runs that are this process's and that it has no task for, and since when."""
        self._one_each: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()
        self._stopping = asyncio.Event()
        self._looked_at = monotonic()
        self._engine: Engine | None = None

    @property
    def unlooked_seconds(self) -> float:
        """For how long it has not looked at the jobs: twice a second, while all is well."""
        return monotonic() - self._looked_at

    def stop(self) -> None:
        """Begin nothing more; what is under way ends, and another worker goes on."""
        self._stopping.set()
        if self._engine:
            self._engine.take_no_more()
        for run in self._runs.values():
            run.stopping = True

    async def work(self) -> None:
        """Take jobs and carry them out."""
        from deskclerk.desk.jobs.engine import Engine  # noqa: PLC0415 - takes a second to import

        self._name = await self._workplace.begin()
        self._engine = Engine(self._workplace.runs, self._name)
        await self._engine.launch(list(self._workplace.queues), self._asked)
        idle = 0
        while not self._stopping.is_set():
            self._workplace.show()
            try:
                idle = 0 if await self._look_after_jobs() else idle + 1
                self._looked_at = monotonic()
            except StorageUnavailable as error:
                logger.warning("The jobs cannot be looked at now: %s", error)
            if self._until_idle and idle >= _IDLE_POLLS:
                # Given back first: whoever signs a job from here on starts another worker.
                self._workplace.hide()
                if not await self._look_after_jobs():
                    break
                idle = 0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _POLL_SECONDS)
        await self._end()

    async def _look_after_jobs(self) -> bool:
        """See to it that every open job has a run that lives; whether there are any."""
        engine = self._engine
        assert engine is not None  # noqa: S101 - launched before
        jobs = await self._workplace.open_jobs()
        runs = await engine.open_runs()
        await self._take_over(runs)
        at = monotonic()
        self._left = {job_id: until for job_id, until in self._left.items() if until > at}
        for job in jobs:
            if job.id in self._left:
                continue
            key = (job.id, job.run)
            try:
                if key in runs:
                    self._missed.pop(key, None)
                else:
                    await self._ask_for(job)
            except LostJobError:
                continue
            except Exception:
                # Whatever is wrong with one, a workspace's vault perhaps, the others go on.
                logger.exception("%s cannot be looked after now", job.id)
                self._left[job.id] = at + _AGAIN_SECONDS
        return bool(jobs)

    async def _take_over(self, runs: Mapping[tuple[str, int], str | None]) -> None:
        """Give on the runs of processes that have died, whatever has become of their jobs.

        One whose process died when its job was over, and before that was noted, would take up room for ever.
        """
        engine = self._engine
        assert engine is not None  # noqa: S101
        for executor in {executor for executor in runs.values() if executor and executor != self._name}:
            # Under the lock of the one that died: of several workers one gives its runs on.
            async with self._workplace.gone(executor) as gone:
                if gone:
                    for key, owner in (await engine.open_runs()).items():
                        if owner == executor:
                            await engine.recover(*key)
        await self._take_up_again(
            {key for key, executor in runs.items() if executor == self._name} - set(self._working.values())
        )

    async def _take_up_again(self, dropped: set[tuple[str, int]]) -> None:
        """Give on runs of this very process that it dropped, which others leave to it as long as it lives.

        Where the database is away between two parts, the engine may end a run and not be able to note it.
        """
        engine, at = self._engine, monotonic()
        assert engine is not None  # noqa: S101
        self._dropped = {key: self._dropped.get(key, at) for key in dropped}
        for key, since in list(self._dropped.items()):
            # One that was only just taken has no task yet.
            if at - since > _DROPPED_SECONDS:
                logger.warning("%s had nobody any more who carries it out, and is taken up again", key[0])
                del self._dropped[key]
                await engine.recover(*key)

    async def _ask_for(self, job: Job) -> None:
        """Ask for the run of a job; one that ended without ending its job is followed by another."""
        engine = self._engine
        assert engine is not None  # noqa: S101
        key = (job.id, job.run)
        self._missed[key] = self._missed.get(key, 0) + 1
        if self._missed[key] > _MISSED_POLLS:
            del self._missed[key]
            tools = await self._workplace.tools(job.id)
            await tools.store.run_again(job)
            return
        await engine.enqueue(self._workplace.queue(job), *key)

    async def _asked(self, job_id: str, number: int) -> str | None:
        """One part of a run, as the engine asks for it; none begins once the process ends."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        if self._stopping.is_set():
            # Whoever goes on finds this run under way and its process gone.
            self._working.pop(task, None)
            await asyncio.Event().wait()
        if task not in self._working:
            self._working[task] = (job_id, number)
            task.add_done_callback(lambda ended: self._working.pop(ended, None))
        # A run that was given on by others, who had taken this process for gone, may come back to it.
        one = self._one_each.setdefault((job_id, number), asyncio.Lock())
        async with one:
            return await self._part(job_id, number)

    async def _part(self, job_id: str, number: int) -> str | None:
        """One part of a run; how the run ended, or None if there is more to do."""
        key = (job_id, number)
        try:
            tools = await self._workplace.tools(job_id)
        except LostJobError:
            self._forget(key)
            return "taken over"
        except Exception:
            # Without them nothing can be paused either. Another run is asked for by the looks to come; until
            # then its place in the queue, in which the jobs of others wait, is free.
            logger.exception("%s cannot be carried out now", job_id)
            self._forget(key)
            return "failed"
        try:
            run = self._runs.get(key)
            # Begun again with what there is now, such as another key, where that changed under way.
            if run is None or self._tools[key] is not tools:
                run = await self._begin(job_id, number, tools)
                if run is None:
                    return "over already"
                self._runs[key], self._tools[key] = run, tools
            # It may have been told to stop while the run was begun, which then was not among those told.
            run.stopping = self._stopping.is_set()
            ended = await run.part(_PART_SECONDS)
            if ended is None:
                return None
            status, reason = ended
            await self._end_job(tools, run.job, status, reason, run.owner)
        except LostJobError:
            self._forget(key)
            return "taken over"
        except StorageUnavailable as error:
            logger.warning("%s waits for the desk's database: %s", job_id, error)
            self._forget(key)
            await asyncio.sleep(1)
            return None
        except Exception:
            # Asked for again with the next poll; a fault that stays shows in the log, and ends nothing.
            logger.exception("%s failed inside deskclerk", job_id)
            self._forget(key)
            await self._pause_after_fault(tools, job_id)
            return "failed"
        self._forget(key)
        return status

    async def _pause_after_fault(self, tools: Tools, job_id: str) -> None:
        try:
            await tools.store.pause_after_fault(job_id)
            await self._tell_of_pause(tools, job_id)
        except Exception:
            # It stays open, and is asked for again.
            logger.exception("%s could not be paused", job_id)

    def _forget(self, key: tuple[str, int]) -> None:
        self._runs.pop(key, None)
        self._tools.pop(key, None)

    async def _begin(self, job_id: str, number: int, tools: Tools) -> "Run | Any | None":
        job = await tools.store.load(job_id)
        if job.run != number or job.status not in OPEN:
            return None
        owner = f"{self._name}:{next(self._numbers)}"
        job = await tools.store.own(job_id, owner)
        if job.kind == EXPORT:
            from deskclerk.desk.jobs.exporting import Export  # noqa: PLC0415 - few jobs are one

            return Export(job, owner, tools)
        run = Run(job, owner, tools)
        await run.settle()
        return run

    async def _end_job(self, tools: Tools, job: Job, status: str, reason: str | None, owner: str) -> None:
        file = self._workplace.results_file(job.id)
        # Before the job says that it is over: whoever is told so finds the file.
        if file and job.kind != EXPORT and (status in OVER or status == PAUSED):
            await write_results(tools.store, job.id, file)
        await tools.store.ended(job.id, owner, status, reason)
        if status == PAUSED and reason != BY_A_PERSON:
            await self._tell_of_pause(tools, job.id)

    async def _tell_of_pause(self, tools: Tools, job_id: str) -> None:
        """Tell people that a job asks; this returns before they are told."""
        job = await tools.store.load(job_id)
        if job.status != PAUSED:
            return

        async def still() -> bool:
            now = await tools.store.load(job_id)
            return (now.status, now.run) == (PAUSED, job.run)

        tools.teller.job_pauses(paused_job(job), still)

    async def _end(self) -> None:
        if self._engine:
            self._engine.take_no_more()
        for run in list(self._runs.values()):
            await run.idle.wait()
        # Then what a part does behind its last item, and what the engine notes of it.
        until = monotonic() + _NOTE_SECONDS
        while self._working and monotonic() < until:  # noqa: ASYNC110 - each goes its own way to its end
            await asyncio.sleep(0.05)
        self._workplace.hide()

    def close(self) -> None:
        """Let go of the engine."""
        if self._engine:
            self._engine.close()


def worker_lock(instance: str) -> str:
    """The lock that a worker for an instance holds as long as it lives."""
    return f"worker-{instance.replace(':', '-')}"


def jobs_database(settings: Settings) -> Path | str:
    """Where DBOS keeps its runs: a file beside the desk's own, or the same PostgreSQL database."""
    return settings.database.get_secret_value() if settings.database else settings.data / "jobs" / "runs.db"


def results_file(settings: Settings, job_id: str) -> Path:
    """Where the result of a job is written: one JSON line an item."""
    return settings.data / "jobs" / f"{job_id}.ndjson"


_started: list[subprocess.Popen[bytes]] = []
"""The workers that this process has started, which go on when it ends."""


def start_worker(settings: Settings, journal: Journal, instance: Instance) -> bool:
    """Start a worker for an instance in a process of its own, unless one is there; whether it was started."""
    with claim(journal.locks(), worker_lock(instance.id)) as none:
        if not none:
            return False
    # Those that ended meanwhile are let go: whoever serves for days starts many.
    _started[:] = [process for process in _started if process.poll() is None]
    folder = settings.data / "jobs"
    make_private_folder(folder)
    log = open_private(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "deskclerk", "jobs", "work", "--until-idle"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=settings.environment(),
            **detached(),
        )
    finally:
        os.close(log)
    _started.append(process)
    return True


def stop_at_signals(stop: Callable[[], None]) -> None:
    """Have the signals that ask a process to end do so in order."""
    on_signals(lambda _: stop())
