"""A generated company: as large as asked for, the same for the same seed, of people that rules accept."""

import asyncio
import json
import subprocess
import sys

import pytest

from deskclerk.errors import InvalidRequest
from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.controls.arguments import read
from deskclerk.sandbox.controls.http import CONTROLS
from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.seed import generated
from deskclerk.sandbox.seed.generated import generate
from deskclerk.sandbox.store.tables import memberships, users
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def ids(clerk, table=users):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(table.select().with_only_columns(table.c.id))).scalars().all()


async def test_a_company_has_the_people_asked_for_and_tells_how_far_it_is(clerk, monkeypatch):
    monkeypatch.setattr(generated, "AT_ONCE", 100)
    told = []
    await generate(clerk.sandbox.store, INSTANCE.id, 250, progress=lambda *step: told.append(step))
    assert told == [(100, 250), (100, 250), (50, 250)]
    assert (await clerk.get("/users/count"))["total_count"] == 250
    assert len(await ids(clerk, memberships)) == 150
    for path in ("/users", "/organizations", "/sessions"):
        assert len(await clerk.get(path, {"limit": 500, "paginated": "true"})) > 1


@pytest.mark.promise("sandbox-at-size")
def test_the_command_line_generates_people(place):
    program = "from deskclerk.faces.cli.main import run; run()"
    command = [sys.executable, "-W", "error", "-c", program, "sandbox", "--db", str(place), "seed"]

    def seed(*words):
        return subprocess.run([*command, *words, "--json"], check=False, capture_output=True, text=True)

    made = seed("--people", "30")
    assert (made.stderr, json.loads(made.stdout)["seeded"]) == ("", {"users": 30})
    assert asyncio.run(count(place)) == 130
    assert seed("--people", "30", "--company").returncode == 2


async def count(place):
    async with open_sandbox(place) as sandbox:
        client = Client(sandbox)
        async with client.http:
            return (await client.get("/users/count"))["total_count"]


async def test_an_instance_with_a_quota_takes_no_generated_people(clerk):
    store = clerk.sandbox.store
    await CONTROLS["instances.add"].run(store, read(CONTROLS["instances.add"].takes, {"slug": "small"}))
    given = read(CONTROLS["seed"].takes, {"people": 5, "instance": "small"})
    with pytest.raises(InvalidRequest, match="at most 100 users"):
        await CONTROLS["seed"].run(store, given)


async def test_the_same_seed_makes_the_same_company_and_another_another(clerk, databases, empty_database):
    await generate(clerk.sandbox.store, INSTANCE.id, 50)
    first = sorted(await ids(clerk))
    for seed, same in ((1, True), (2, False)):
        with databases.copied(empty_database) as place:
            async with open_sandbox(place, seed=False) as sandbox:
                await generate(sandbox.store, INSTANCE.id, 50, seed=seed)
                async with sandbox.store.transaction(reads=True) as connection:
                    rows = await connection.execute(users.select().with_only_columns(users.c.id))
                    assert (sorted(rows.scalars()) == first) is same


async def test_more_people_come_to_those_who_are_there_and_can_be_found(clerk):
    await clerk.post("/users", {"username": "before", "email_address": ["before@example.com"]})
    for _ in range(2):
        await generate(clerk.sandbox.store, INSTANCE.id, 60)
    assert (await clerk.get("/users/count"))["total_count"] == 121
    (last,) = await clerk.get("/users", {"email_address_query": ".120@example.com"})
    assert last["primary_email_address_id"] == last["email_addresses"][0]["id"]
    assert (await clerk.patch(f"/users/{last['id']}", {"first_name": "Changed"}))["first_name"] == "Changed"
