"""What jobs cost: at the rate that Clerk allows, beside it, and in planning.

Run: python benchmarks/jobs.py
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from results import Row, report
from tests.databases import Postgres

from deskclerk.catalogue import BanUser, ListUsers, LockUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.jobs import jobs as door
from deskclerk.settings import Settings

ME = Caller("python")
LIVE = "sk_live_benchmark000000000000000000000000000000"
ITEMS, FEWER = 10_000, 3_000
PORT = 8793


async def yes(_plan: object) -> Signature:
    """Sign."""
    return Signature(Decision.APPROVED, "benchmark")


@contextmanager
def program(*words: str, wait: float = 2.0, **environment: str):
    """A process that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, *words], env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(wait)
        yield process
    finally:
        process.kill()
        process.wait()


def resident(process: subprocess.Popen[bytes]) -> float:
    """Megabytes in memory."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def carried_out(settings: Settings, kind: type, workers: list) -> tuple[float, float, float]:
    """Seconds of a job on all there are, and a worker's memory at a tenth of it and at its end."""
    async with Desk.open(settings) as desk:
        plan = await desk.jobs.propose(kind, ListUsers(), ME)
        job = await desk.jobs.run(plan, ME, approver=yes)
        early = 0.0
        while (job := await desk.jobs.wait(job.id, seconds=1.0)).status in ("queued", "running"):
            early = early or (resident(workers[0]) if job.finished > job.total / 10 else 0.0)
        assert job.status == "done", job.as_dict()
        assert job.counts == {"done": job.total}, job.counts
        return (job.ended_at - job.started_at) / 1000, early, resident(workers[0])


def at_the_rate(home: Path) -> list[Row]:
    """Bans against a sandbox that keeps the limit of a live instance."""
    sandbox = {"DESKCLERK_HOME": str(home / "sandbox")}
    for words in (
        ("instances", "add", "live", "--kind", "live", "--secret-key", LIVE),
        ("seed", "--people", str(ITEMS), "--instance", "live"),
        ("limits", "live", "--instance", "live"),
    ):
        command = [sys.executable, "-m", "deskclerk", "sandbox", *words]
        subprocess.run(command, env=os.environ | sandbox, check=True, stdout=subprocess.DEVNULL)
    known = {
        "DESKCLERK_HOME": str(home / "desk"),
        "CLERK_SECRET_KEY": LIVE,
        "CLERK_API_URL": f"http://127.0.0.1:{PORT}",
    }
    settings = Settings(home=home / "desk", secret_key=LIVE, api_url=known["CLERK_API_URL"])
    with (
        program("-m", "deskclerk", "sandbox", "--port", str(PORT), **sandbox),
        program("-m", "deskclerk", "jobs", "work", wait=5, **known) as worker,
    ):
        rows = asyncio.run(planned(settings))
        seconds, early, late = asyncio.run(carried_out(settings, LockUser, [worker]))
    return [
        *rows,
        Row(f"a job of {ITEMS:,}, items in a second", ITEMS / seconds, 100, "", 0.95, True, "the live limit"),
        Row("its worker's memory at the end", late, early, "MB", 1.1, note="at a tenth of it"),
    ]


async def planned(settings: Settings) -> list[Row]:
    """List requests and memory of planning."""
    requests, once = 0, Clerk._once

    async def counted(self: Clerk, *told: object) -> object:
        nonlocal requests
        requests += 1
        return await once(self, *told)

    async with Desk.open(settings) as desk:
        Clerk._once = counted
        plan = await desk.jobs.propose(BanUser, ListUsers(), ME)
        Clerk._once = once
        await desk.jobs.cancel(plan.job.id, ME)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return [
        Row(f"planning {ITEMS:,} targets, list requests", requests, 25, "", 1.0),
        Row(f"planning {ITEMS:,} targets, the process's memory at most", most / 1024, 200, "MB", 1.0),
    ]


def beside_the_rate(home: Path, database: str | None, workers: int) -> float:
    """Seconds an item, on a Clerk that answers at once and limits nothing."""
    known = {
        "DESKCLERK_HOME": str(home),
        "CLERK_SECRET_KEY": "sk_test_sandbox",
        "CLERK_API_URL": f"http://127.0.0.1:{PORT + 1}",
    } | ({"DESKCLERK_DATABASE": database} if database else {})
    settings = Settings(
        home=home, secret_key="sk_test_sandbox", api_url=known["CLERK_API_URL"], database=database
    )
    with program(str(HERE / "stub_clerk.py"), str(PORT + 1), str(FEWER), wait=1):
        running = [program("-m", "deskclerk", "jobs", "work", wait=4, **known) for _ in range(workers)]
        processes = [one.__enter__() for one in running]
        try:
            return asyncio.run(carried_out(settings, LockUser, processes))[0] / FEWER
        finally:
            for one in running:
                one.__exit__(None, None, None)


def main() -> None:
    """Print the rows."""
    door.start_worker = lambda *_: False
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = at_the_rate(home)
        item = beside_the_rate(home / "sqlite", None, 1)
        rows.append(Row("an item of a job, all it takes, on SQLite", item * 1000, 10, "ms", 1.0))
        with Postgres.started() as server:
            each = beside_the_rate(home / "postgres", server.new(), 2)
        rows.append(Row("items in a second, on PostgreSQL with two workers", 1 / each, 300, "", 1.0, True))
    report(rows)


if __name__ == "__main__":
    main()
