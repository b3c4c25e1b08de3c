"""An export while users are made and deleted and its worker is killed: whoever is there is in it once."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from deskclerk.desk import Caller, Desk
from deskclerk.desk.jobs import jobs as door
from deskclerk.settings import Settings

WORKER = Path(__file__).with_name("job_worker.py")
PEOPLE = int(os.environ.get("PEOPLE", "10000"))
KILLS = 2


def program(*words, **environment):
    return subprocess.Popen(
        [sys.executable, *words], env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def origin(tmp_path):
    """Where a sandbox with many people answers."""
    home = {"DESKCLERK_HOME": str(tmp_path / "sandbox")}
    seed = [sys.executable, "-m", "deskclerk", "sandbox", "seed", "--people", str(PEOPLE)]
    subprocess.run(seed, env=os.environ | home, check=True, stdout=subprocess.DEVNULL)
    sandbox = program("-m", "deskclerk", "sandbox", "--port", "0", "--json", **home)
    yield json.loads(sandbox.stdout.readline())["url"]
    sandbox.kill()
    sandbox.communicate()


async def make_and_delete(origin, stop):
    """Makes users and deletes others until it is told to stop; the ids of all of them."""
    touched = set()
    headers = {"authorization": "Bearer sk_test_sandbox", "clerk-api-version": "2026-05-12"}
    async with httpx2.AsyncClient(base_url=f"{origin}/v1", headers=headers) as clerk:
        while not stop.is_set():
            made = await clerk.post("/users", json={"email_address": [f"new-{len(touched)}@example.com"]})
            touched.add(made.json()["id"])
            offset = random.randrange(PEOPLE - 1)
            victim = (await clerk.get("/users", params={"limit": 1, "offset": offset})).json()[0]["id"]
            await clerk.delete(f"/users/{victim}")
            touched.add(victim)
    return touched


async def everybody(origin):
    headers = {"authorization": "Bearer sk_test_sandbox", "clerk-api-version": "2026-05-12"}
    found, after = [], None
    async with httpx2.AsyncClient(base_url=f"{origin}/v1", headers=headers, timeout=60) as clerk:
        while True:
            page = {"limit": 500} | ({"starting_after": after} if after else {})
            items = (await clerk.get("/users", params=page)).json()
            found += [item["id"] for item in items]
            if len(items) < 500:
                return set(found)
            after = items[-1]["id"]


@pytest.mark.anyio
@pytest.mark.promise("an-export-is-whole")
async def test_an_export_loses_and_doubles_nobody_who_is_there_all_the_time(origin, tmp_path, monkeypatch):
    monkeypatch.setattr(door, "start_worker", lambda *_: False)
    workers = []
    try:
        known = {
            "DESKCLERK_HOME": str(tmp_path / "desk"),
            "CLERK_SECRET_KEY": "sk_test_sandbox",
            "CLERK_API_URL": origin,
        }
        settings = Settings(home=tmp_path / "desk", secret_key="sk_test_sandbox", api_url=origin)
        before, stop = await everybody(origin), asyncio.Event()
        changing = asyncio.create_task(make_and_delete(origin, stop))
        async with Desk.open(settings) as desk:
            job = await desk.jobs.export("users", tmp_path / "users.ndjson", Caller("python"))
            for number in range(KILLS + 1):
                workers.append(program(WORKER, **known))
                goal = (number + 1) * PEOPLE // (KILLS + 2)
                while job.finished < goal and job.status in ("queued", "running"):
                    job = await desk.jobs.wait(job.id, seconds=0.05)
                if number < KILLS:
                    os.kill(workers[-1].pid, signal.SIGKILL)
            job = await desk.jobs.wait(job.id, seconds=300)
        stop.set()
        touched = await changing
    finally:
        for process in workers:
            process.kill()
            process.communicate()
    assert job.status == "done", job.as_dict()
    with (tmp_path / "users.ndjson").open(encoding="utf-8") as file:
        lines = Counter(json.loads(line)["id"] for line in file)
    assert {user for user, times in lines.items() if times > 1} == set()
    assert (before - touched) - lines.keys() == set()
    assert len(touched) > 20
