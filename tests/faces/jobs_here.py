"""What the tests of jobs share: a sandbox with many users alike, and a worker within the test's own loop."""

import asyncio
import contextlib
import io
import shutil

import pytest

from deskclerk.desk import Desk
from deskclerk.desk.jobs.exporting import Export
from deskclerk.desk.jobs.job import EXPORT, OPEN
from deskclerk.desk.jobs.results import write_results
from deskclerk.desk.jobs.running import Run
from deskclerk.faces.cli.main import main

START_WORKER = "deskclerk.desk.jobs.jobs.start_worker"


def spam(number):
    """The id of one of many users alike, whose address is `sNNN@spam.example`."""
    return f"user_spam{number:03}"


def with_spammers(folder, count):
    """A sandbox's database in a folder: so many users alike, one other, and an organization of hers."""
    lines = [
        f"  - {{id: {spam(number)}, first_name: Spam, email_address: [s{number:03}@spam.example]}}"
        for number in range(count)
    ]
    people = "\n".join(
        [
            "users:",
            "  - {id: user_ada, first_name: Ada, email_address: [ada@example.com]}",
            *lines,
            "organizations:",
            "  - {id: org_acme, name: Acme, created_by: user_ada}",
        ]
    )
    (folder / "people.yaml").write_text(people)
    place = folder / "sandbox.db"
    with pytest.MonkeyPatch.context() as patches, contextlib.redirect_stdout(io.StringIO()):
        patches.setenv("DESKCLERK_HOME", str(folder / "unused"))
        assert main(["sandbox", "--db", str(place), "reset"]) == 0
        assert main(["sandbox", "--db", str(place), "seed", str(folder / "people.yaml")]) == 0
    return place


def at_home(place, home):
    """A copy of it, as the sandbox of a home folder."""
    shutil.copy(place, home / "sandbox.db")


async def carry_out(settings):
    """What a worker does with every open job, without its engine."""
    async with Desk(settings, yields=True) as desk:
        for job in await desk.jobs.store.with_status(*OPEN):
            owned = await desk.jobs.store.own(job.id, "test:1")
            run = (Export if job.kind == EXPORT else Run)(owned, "test:1", desk.jobs.tools)
            while (ended := await run.part(5)) is None:
                pass
            if job.kind != EXPORT:
                await write_results(desk.jobs.store, job.id, desk.jobs.results(job.id))
            await desk.jobs.store.ended(job.id, "test:1", *ended)


class WorkerHere:
    """In the place of `start_worker`: a task of the loop in which a job is signed; it ends with the loop."""

    def __init__(self):
        self.tasks = set()
        self.asleep = False
        """Whether nobody works, as between the signature and a worker's first look."""
        self.starts_in = 0.0
        """Seconds that it takes to start, as a process does."""

    def __call__(self, settings, _journal, _instance):
        if self.asleep or any(not task.done() for task in self.tasks):
            return False
        self.tasks = {asyncio.get_running_loop().create_task(self._work(settings))}
        return True

    async def _work(self, settings):
        await asyncio.sleep(self.starts_in)
        await carry_out(settings)
