"""A workspace that leaves takes everything along, and nothing of anybody else's."""

import asyncio
import contextlib
import json

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from deskclerk.catalogue import ListUsers
from deskclerk.database.scoping import COLUMN
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.tables import plans
from deskclerk.errors import WorkspaceGone
from deskclerk.hosted.retention.leaving import Leaving
from deskclerk.hosted.workspaces.tables import instances, members
from tests.hosted.conftest import destinations_of

pytestmark = pytest.mark.anyio
HERE = Instance("test:abc", "test", "test instance", "https://api.clerk.com")
KEY = "sk_test_marked_secret_key"
SECRET = "whsec_bWFya2VkIHNlY3JldCBvZiBhIHdlYmhvb2s="


async def filled(hosted, workspaces, slug):
    made = await workspaces.create(slug, slug.title(), "per_1")
    await workspaces.add_instance(made.id, "prod", SecretStr(KEY))
    address = SecretStr(f"https://hooks.example.com/{KEY}")
    places = destinations_of(hosted)
    hook = await places.add(made.id, "ops", "webhook", address=address, secret=SecretStr(SECRET), by="per_1")
    await places.test(made.id, hook.id)
    journal = Journal(hosted.storage(made.id))
    for _ in range(3):
        await journal.read(HERE, Caller("mcp"), ListUsers.parse({}), "done")
    await journal.close()
    return made.id


async def everywhere(hosted, workspace):
    """By table: how many rows name a workspace."""
    found = {}
    async with hosted.whole.reading() as connection:
        tables = await connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        )
        for (table,) in tables.all():
            query = text(f"SELECT count(*) FROM \"{table}\" t WHERE t::text LIKE '%{workspace}%'")
            if number := (await connection.execute(query)).scalar():
                found[table] = number
    return found


async def test_nothing_in_the_whole_database_names_a_workspace_that_was_deleted(hosted, workspaces):
    acme = await filled(hosted, workspaces, "acme")
    bolt = await filled(hosted, workspaces, "bolt")
    before = await everywhere(hosted, bolt)
    assert (await everywhere(hosted, acme)).keys() == before.keys()
    gone = await Leaving(hosted).delete(acme)
    assert gone.rows["events"] == 3
    assert gone.rows["workspaces"] == 1
    assert await everywhere(hosted, acme) == {}
    assert await everywhere(hosted, bolt) == before
    assert await workspaces.find("acme") is None


def _plan(number):
    texts = dict.fromkeys(("face", "action", "digest", "request"), "x")
    return {
        **texts,
        "id": f"plan_{number}",
        "created_at": 1,
        "expires_at": 2,
        "instance": HERE.id,
        "preview": {},
        "status": "waiting",
    }


async def test_who_is_in_the_middle_of_something_leaves_no_row_of_a_workspace_that_is_deleted(
    hosted, workspaces
):
    acme = await filled(hosted, workspaces, "acme")
    journal = Journal(hosted.storage(acme))
    async with asyncio.timeout(60):
        async with journal.writing() as connection:
            await connection.execute(plans.insert(), _plan(1))
            going = asyncio.create_task(Leaving(hosted).delete(acme))
            await asyncio.sleep(0.3)
            assert not going.done()
        await going
    assert await everywhere(hosted, acme) == {}
    # Whoever comes later, as a replica that has its desk open still, is told so and leaves nothing either.
    with pytest.raises(WorkspaceGone, match="was deleted"):
        async with journal.writing() as connection:
            await connection.execute(plans.insert(), _plan(2))
    with pytest.raises(WorkspaceGone):
        await journal.refused(HERE, Caller("mcp"), ListUsers.parse({}), WorkspaceGone())
    await journal.read(HERE, Caller("mcp"), ListUsers.parse({}), "done")
    await journal.close()
    assert await everywhere(hosted, acme) == {}


async def test_a_workspace_leaves_while_somebody_writes_in_it(hosted, workspaces):
    acme = await filled(hosted, workspaces, "acme")
    leaving, storage = Leaving(hosted), hosted.of(acme)
    async with storage.writing() as connection:
        await connection.execute(members.update().values(role="owner"))
        going = asyncio.create_task(leaving.delete(acme))
        late = asyncio.create_task(workspaces.add_member(acme, "per_2", "viewer"))
        await asyncio.sleep(0.5)
        # A table that is deleted from before that one: each would wait for the other.
        await connection.execute(instances.update().values(kind="live"))
    async with asyncio.timeout(20):
        await going
        # Who waited too comes before it or behind it.
        with contextlib.suppress(WorkspaceGone):
            await late
    assert await everywhere(hosted, acme) == {}


async def test_no_table_takes_a_row_of_a_workspace_that_is_not_there(hosted):
    query = text(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' "
        "AND c.relnamespace = 'public'::regnamespace AND a.attname = :column AND NOT EXISTS "
        "(SELECT 1 FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' "
        "AND f.conkey = ARRAY[a.attnum] AND f.confrelid = 'workspaces'::regclass AND f.confdeltype = 'c')"
    )
    async with hosted.whole.reading() as connection:
        found = [name for (name,) in await connection.execute(query, {"column": COLUMN})]
    assert found == []


async def test_an_export_has_all_rows_of_the_workspace_and_no_secret(hosted, workspaces):
    acme = await filled(hosted, workspaces, "acme")
    await filled(hosted, workspaces, "bolt")
    lines = [json.loads(line) async for line in Leaving(hosted).export(acme)]
    tables = [line["table"] for line in lines]
    assert tables[0] == "workspaces"
    assert {name: tables.count(name) for name in set(tables)} == await everywhere(hosted, acme)
    whole = json.dumps(lines)
    assert KEY not in whole
    assert SECRET not in whole
    assert {"destinations", "notices"} <= set(tables)
    assert "bolt" not in whole
    assert [line["row"]["seq"] for line in lines if line["table"] == "events"] == [1, 2, 3]
