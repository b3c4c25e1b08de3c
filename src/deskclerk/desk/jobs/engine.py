"""Durable execution by DBOS: the only module that knows it, imported only where jobs run.

A run of a job is a workflow, which carries the job out in parts of some seconds, a step each. The desk's own
database says what has become of every item; DBOS sees to it that somebody goes on: a workflow whose process
has died is given to another one, on whichever machine shares the database. Each instance has a queue of its
own, to which those processes listen that have its key.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from sqlalchemy.exc import OperationalError

from deskclerk.database.failures import unusable
from deskclerk.database.location import read_url

_VERSION = "1"
"""Workflows of one version can be gone on with by any process of it: raised when their steps change."""
_SIDE_BY_SIDE = 4
"""Jobs of one instance at a time: a long export keeps nobody from banning."""
_POLL_SECONDS = 0.2
_SCHEMA = "deskclerk_jobs"

Part = Callable[[str, int], Coroutine[Any, Any, str | None]]
"""Carries out a part of a job's run; how the run ended, or None if there is more to do."""


class Engine:
    """Runs workflows in this process; one at a time in a process, since DBOS is."""

    def __init__(self, place: Path | str, name: str) -> None:
        """Beside a file at `place`, or in the PostgreSQL database of a URL; `name` is this process's."""
        self._url = place if isinstance(place, str) else f"sqlite:///{place}"
        self._name = name
        self._dbos: DBOS | None = None
        self._run: Any = None
        self._queues: list[str] = []

    async def launch(self, instances: Sequence[str], part: Part) -> None:
        """Begin to take runs of these instances; they are carried out in the event loop of the caller.

        StorageUnavailable where the database cannot be used.
        """
        for noisy in ("dbos", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        config: DBOSConfig = {
            "name": "deskclerk",
            "system_database_url": self._url,
            "dbos_system_schema": _SCHEMA,
            "executor_id": self._name,
            "application_version": _VERSION,
            "log_level": "ERROR",
            "use_listen_notify": False,
        }
        self._dbos = DBOS(config=config)

        @DBOS.workflow(name="run", max_recovery_attempts=None)
        async def run(job_id: str, number: int) -> str:
            while True:
                ended = await DBOS.run_step_async({"name": "part"}, part, job_id, number)
                if ended is not None:
                    return ended

        self._run = run
        self._queues = [_queue(instance) for instance in instances]
        DBOS.listen_queues(self._queues)
        try:
            DBOS.launch()
            for queue in self._queues:
                await DBOS.register_queue_async(
                    queue,
                    global_concurrency=_SIDE_BY_SIDE,
                    polling_interval_sec=_POLL_SECONDS,
                    on_conflict="always_update",
                )
        except OperationalError as error:
            # As of any other database: it is the operator's to mend, and no fault of ours.
            raise unusable(read_url(self._url), error.orig) from None

    async def enqueue(self, instance: str, job_id: str, number: int) -> None:
        """Have a run carried out by whichever process is free; asked for twice it is still one."""
        with SetWorkflowID(f"{job_id}:{number}"), SetEnqueueOptions(app_version=_VERSION):
            await DBOS.enqueue_workflow_async(_queue(instance), self._run, job_id, number)

    async def open_runs(self) -> dict[tuple[str, int], str | None]:
        """The runs that wait (None) or are under way, with the name of the process that has each."""
        found = await DBOS.list_workflows_async(
            status=["ENQUEUED", "PENDING"], name="run", queue_name=self._queues, load_input=False
        )
        runs: dict[tuple[str, int], str | None] = {}
        for one in found:
            job_id, _, number = one.workflow_id.rpartition(":")
            runs[job_id, int(number)] = one.executor_id if one.status == "PENDING" else None
        return runs

    async def recover(self, job_id: str, number: int) -> None:
        """Give the run of a process that has died to one that lives, in the queue that it came from."""
        run = await DBOS.get_workflow_status_async(f"{job_id}:{number}")
        if run:
            await DBOS.resume_workflow_async(run.workflow_id, queue_name=run.queue_name)

    def take_no_more(self) -> None:
        """Take nothing more from the queues; what is under way goes on and is noted."""
        # As `DBOS.destroy` begins. All that it does behind that would end what is under way too.
        for event in self._dbos.background_thread_stop_events if self._dbos else ():
            event.set()

    def close(self) -> None:
        """Take no more runs; those under way are left to another process. Called within the event loop."""
        DBOS.destroy()
        # DBOS has put its threads in the place of the loop's, and leaves them ended.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


def _queue(instance: str) -> str:
    return f"jobs {instance}"
