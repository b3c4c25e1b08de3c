"""`kill -9` at random moments of a job: every item exactly once, every outcome true, and the job ends."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.jobs import jobs as door
from deskclerk.settings import Settings
from tests.databases import Postgres
from tests.endurance.referee import Referee, serving

WORKER = Path(__file__).with_name("job_worker.py")
KEY = "sk_live_referee"
ITEMS, KILLS = int(os.environ.get("ITEMS", "2500")), 30


async def yes(plan):
    return Signature(Decision.APPROVED, "test")


def worker(settings, log):
    known = {
        "DESKCLERK_HOME": str(settings.home),
        "CLERK_SECRET_KEY": KEY,
        "CLERK_API_URL": settings.api_url,
    }
    if settings.database:
        known["DESKCLERK_DATABASE"] = settings.database.get_secret_value()
    environment = os.environ | known
    return subprocess.Popen([sys.executable, WORKER], env=environment, stderr=log, stdin=subprocess.DEVNULL)


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


async def survives(settings, referee, log, monkeypatch, *, side_by_side):
    monkeypatch.setattr(door, "start_worker", lambda *_: False)
    async with Desk.open(settings) as desk:
        plan = await desk.jobs.propose(BanUser, ListUsers(), Caller("python"))
        job = await desk.jobs.run(plan, Caller("python"), approver=yes)
        workers = [worker(settings, log) for _ in range(side_by_side)]
        killed, before = 0, 0
        try:
            while killed < KILLS:
                # After some progress, at a moment that nobody chose.
                job = await desk.jobs.wait(job.id, seconds=0.05)
                if job.status == "done":
                    break
                if job.finished > before or (killed and random.random() < 0.005):
                    await asyncio.sleep(random.random() * 0.25)
                    before = (await desk.jobs.store.load(job.id)).finished
                    at = random.randrange(side_by_side)
                    kill(workers[at])
                    killed += 1
                    workers[at] = worker(settings, log)
            job = await desk.jobs.wait(job.id, seconds=120)
        finally:
            for process in workers:
                kill(process)
        lines = [json.loads(line) for line in desk.jobs.results(job.id).read_text().splitlines()]
        entries = await desk.journal.job_entries(job.id, 0, 100_000)
    return job, killed, lines, entries


def check(referee, job, lines, entries):
    assert job.status == "done", job.as_dict()
    twice = {user: count for user, count in referee.bans.items() if count != 1}
    assert not twice
    assert set(referee.bans) == set(referee.users)
    assert all(user["banned"] for user in referee.users.values())
    assert [line["outcome"] for line in lines] == ["done"] * ITEMS
    done = {entry["intent"]["target"] for entry in entries if entry["outcome"]["outcome"] == "done"}
    assert done == set(referee.users)


@pytest.mark.anyio
@pytest.mark.promise("a-job-survives")
async def test_a_job_survives_kills_on_postgresql_with_two_workers(tmp_path, monkeypatch):
    referee = Referee(ITEMS)
    with Postgres.started() as server, serving(referee) as origin, (tmp_path / "log").open("w") as log:
        settings = Settings(home=tmp_path / "home", secret_key=KEY, api_url=origin, database=server.new())
        monkeypatch.setattr("deskclerk.desk.desk.rate_budget", lambda *_, **__: None)
        job, killed, lines, entries = await survives(settings, referee, log, monkeypatch, side_by_side=2)
    check(referee, job, lines, entries)
    assert killed >= 10


@pytest.mark.anyio
@pytest.mark.promise("a-job-survives")
async def test_a_job_survives_kills_on_sqlite(tmp_path, monkeypatch):
    referee = Referee(ITEMS)
    with serving(referee) as origin, (tmp_path / "workers.log").open("w") as log:
        settings = Settings(home=tmp_path / "home", secret_key=KEY, api_url=origin)
        monkeypatch.setattr("deskclerk.desk.desk.rate_budget", lambda *_, **__: None)
        job, killed, lines, entries = await survives(settings, referee, log, monkeypatch, side_by_side=1)
    check(referee, job, lines, entries)
    assert killed >= 10
