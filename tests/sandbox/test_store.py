"""The sandbox's database: its schema, several processes, and what a killed one leaves."""

import asyncio
import signal
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.store.tables import metadata
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

COUNT = """
import asyncio, sys
from tests.sandbox.conftest import Client
from deskclerk.sandbox import open_sandbox
async def main():
    async with open_sandbox(sys.argv[1]) as sandbox:
        client = Client(sandbox)
        async with client.http:
            print((await client.get("/users/count"))["total_count"])
asyncio.run(main())
"""

WRITE_AND_DIE = """
import asyncio, os, signal, sys
from tests.sandbox.conftest import Client
from deskclerk.sandbox import open_sandbox
async def main():
    async with open_sandbox(sys.argv[1], seed=False) as sandbox:
        client = Client(sandbox)
        async with client.http:
            user = await client.post("/users", {"username": "survivor"})
            print(user["id"], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def start(program, path):
    command = [sys.executable, "-W", "error", "-c", program, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_the_migrated_schema_is_the_declared_one(clerk):
    async with clerk.sandbox.store.engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


async def test_processes_that_start_at_once_on_nothing_share_one_company(tmp_path):
    running = [start(COUNT, tmp_path / "new" / "sandbox.db") for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["100"] * 3
    assert [process.returncode for process in running] == [0] * 3


async def test_what_a_killed_process_wrote_is_there(tmp_path):
    path = tmp_path / "sandbox.db"
    process = start(WRITE_AND_DIE, path)
    user_id = process.communicate()[0].strip()
    assert process.returncode == -signal.SIGKILL
    async with open_sandbox(path) as sandbox:
        client = Client(sandbox)
        async with client.http:
            assert (await client.get(f"/users/{user_id}"))["username"] == "survivor"


async def test_two_sandboxes_on_one_file_see_each_others_writes_and_lose_none(clerk, clock):
    path = clerk.sandbox.store.engine.url.database
    async with open_sandbox(path, seed=False, clock=clock) as other:
        second = Client(other)
        async with second.http:
            await asyncio.gather(
                *(
                    (clerk, second)[number % 2].post("/users", {"username": f"user-{number}"})
                    for number in range(10)
                )
            )
            assert (await second.get("/users/count"))["total_count"] == 10
            first, *_ = await clerk.get("/users")
            key = f"/users/{first['id']}/metadata"
            await asyncio.gather(
                *(
                    (clerk, second)[number % 2].patch(key, {"public_metadata": {str(number): number}})
                    for number in range(10)
                )
            )
            assert len((await second.get(f"/users/{first['id']}"))["public_metadata"]) == 10


async def test_one_of_two_who_want_the_same_username_gets_it(clerk):
    body = {"username": "wanted"}
    answers = await asyncio.gather(*(clerk.ask("POST", "/users", json=body) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 422, 422, 422]


async def test_a_request_that_fails_changes_nothing(clerk):
    body = {"username": "half", "email_address": ["ok@example.com"], "external_id": "e"}
    await clerk.post("/users", {"username": "other", "external_id": "e"})
    assert (await clerk.refused("POST", "/users", json=body))[0] == 422
    assert (await clerk.get("/users/count"))["total_count"] == 1
    await clerk.post("/users", body | {"external_id": "f"})
