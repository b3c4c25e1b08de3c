"""The sandbox's database: its schema, several processes, and what a killed one leaves."""

import asyncio
import re
import signal
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from deskclerk.database import version_table
from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.store.tables import metadata
from tests.sandbox.companies import join, organization, user
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

MIGRATIONS = "deskclerk.sandbox.store.migrations"
OF_ONE_DIALECT = re.compile(r"search_|descending_")
"""What SQLAlchemy's tables do not declare: SQLite's trigrams, PostgreSQL's further indexes."""

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
    async with clerk.sandbox.store.database.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(
                    sync,
                    opts={
                        "version_table": version_table(sync.dialect.name, MIGRATIONS),
                        "include_name": lambda name, kind, _: not OF_ONE_DIALECT.match(name or ""),
                    },
                ),
                metadata,
            )
        )
    assert differences == []


async def test_processes_that_start_at_once_on_nothing_share_one_company(place):
    running = [start(COUNT, place) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["100"] * 3
    assert [process.returncode for process in running] == [0] * 3


@pytest.mark.promise("sandbox-loses-nothing")
async def test_what_a_killed_process_wrote_is_there(place):
    process = start(WRITE_AND_DIE, place)
    user_id = process.communicate()[0].strip()
    assert process.returncode == -signal.SIGKILL
    async with open_sandbox(place) as sandbox:
        client = Client(sandbox)
        async with client.http:
            assert (await client.get(f"/users/{user_id}"))["username"] == "survivor"


@pytest.mark.promise("sandbox-loses-nothing")
async def test_two_sandboxes_on_one_file_see_each_others_writes_and_lose_none(clerk, clock):
    place = clerk.sandbox.store.database.url.render_as_string(hide_password=False)
    async with open_sandbox(place, seed=False, clock=clock) as other:
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


async def test_the_last_admin_cannot_be_lost_to_two_sandboxes_at_once(clerk, clock):
    place = clerk.sandbox.store.database.url.render_as_string(hide_password=False)
    people = [await user(clerk, name) for name in ("ada", "grace")]
    key = await organization(clerk, created_by=people[0])
    await join(clerk, key, people[1], "org:admin")
    async with open_sandbox(place, seed=False, clock=clock) as other:
        second = Client(other)
        async with second.http:
            answers = await asyncio.gather(
                *(
                    client.ask("DELETE", f"/organizations/{key}/memberships/{person}")
                    for client, person in zip((clerk, second), people, strict=True)
                )
            )
    assert sorted(status for status, _ in answers) == [200, 400]


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


@pytest.mark.parametrize("path", ["/users/a%00b", "/organizations/a%00b", "/sessions/%00"])
async def test_a_text_that_no_database_keeps_is_nobodys_id(clerk, path):
    assert await clerk.refused("GET", path) == (404, "resource_not_found", None)


async def test_a_text_that_no_database_keeps_is_refused_wherever_it_stands(clerk):
    refused = (422, "form_param_value_invalid")
    for body in ({"first_name": "a\0"}, {"email_address": ["a\0@example.com"]}, {"external_id": "\0"}):
        assert (await clerk.refused("POST", "/users", json=body))[:2] == refused
    for query in ({"query": "ab\0cd"}, {"email_address": "\0"}, {"order_by": "\0"}):
        assert (await clerk.refused("GET", "/users", params=query))[:2] == refused
    kept = {"username": "with_nul", "public_metadata": {"a\0": "\0"}}
    assert (await clerk.post("/users", kept))["public_metadata"] == {"a\0": "\0"}
