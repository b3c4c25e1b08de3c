"""A hosted desk comes back from a dump, and from a database that an older or a newer version has left."""

import asyncio
import subprocess
from importlib.resources import files

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from deskclerk.catalogue import ListUsers
from deskclerk.database import open_database, upgrade
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.errors import InvalidSettings
from deskclerk.hosted.database import MIGRATIONS, HostedDatabase
from deskclerk.hosted.people.persons import find
from deskclerk.hosted.vault.data_keys import DataKeys
from deskclerk.hosted.vault.key_wrapping import LocalKeys
from deskclerk.hosted.vault.vault import Vault
from deskclerk.hosted.workspaces.store import WorkspaceStore
from tests.databases import Postgres

pytestmark = pytest.mark.anyio
HERE = Instance("test:abc", "test", "test instance", "https://api.clerk.com")
VAULT_KEY = bytes(range(32))
KEY = "sk_test_marked_secret_key"


def workspaces_of(hosted):
    return WorkspaceStore(hosted, Vault(DataKeys(hosted.of, LocalKeys([VAULT_KEY]))))


async def read_three(hosted, workspace):
    journal = Journal(hosted.storage(workspace))
    for _ in range(3):
        await journal.read(HERE, Caller("mcp"), ListUsers.parse({}), "done")
    await journal.close()


ROLE = ("CREATE ROLE deskclerk_workspace NOLOGIN", "GRANT deskclerk_workspace TO desk")
"""What docs/hosted.md has an administrator run first, on a server that has never had deskclerk."""


@pytest.fixture
def new_server():
    """A server that has never had deskclerk, with an empty database of a user who administers nothing."""
    with Postgres.started() as found:
        found.run("CREATE ROLE desk LOGIN")
        found.run("CREATE DATABASE desk OWNER desk")
        yield found


async def restored_on(server, url, *options):
    """The URL of what was dumped and restored there, and what pg_restore complained of."""
    there = server.url("desk").replace("//deskclerk@", "//desk@")
    dump = await asyncio.to_thread(run, ["pg_dump", "--format=custom", "--dbname", url])
    assert KEY.encode() not in dump.stdout
    restore = ["pg_restore", "--no-owner", *options, "--dbname", there]
    return there, (await asyncio.to_thread(run, restore, dump.stdout)).stderr.decode()


def run(command, given=None):
    return subprocess.run(command, input=given, check=False, capture_output=True)


async def refused(url):
    with pytest.raises(InvalidSettings) as caught:
        await HostedDatabase.open(SecretStr(url))
    return caught.value


async def test_what_was_dumped_is_restored_on_a_new_server_with_keys_that_open_and_chains_that_hold(
    new_server, hosted, url
):
    store = workspaces_of(hosted)
    acme = await store.create("acme", "Acme", "per_1")
    await store.add_instance(acme.id, "prod", SecretStr(KEY))
    await read_three(hosted, acme.id)
    for statement in ROLE:
        new_server.run(statement)
    restored, complaints = await restored_on(new_server, url)
    assert complaints == ""
    again = await HostedDatabase.open(SecretStr(restored))
    try:
        (record,) = await workspaces_of(again).all()
        assert (record.id, record.slug) == (acme.id, "acme")
        _, key = await workspaces_of(again).key_of(acme.id, "prod")
        assert key.get_secret_value() == KEY
        await read_three(again, acme.id)
        check = await Journal(again.storage(acme.id)).verify()
        assert (check.fault, check.head.seq) == (None, 6)
        # Restored as it was made: what keeps workspaces apart came along.
        bolt = await workspaces_of(again).create("bolt", "Bolt")
        async with again.of(bolt.id).reading() as connection:
            assert (await connection.of.execute(text("SELECT count(*) FROM events"))).scalar() == 0
    finally:
        await again.close()


async def test_what_was_restored_without_the_role_is_refused_until_it_is_restored_with_it(new_server, url):
    restored, complaints = await restored_on(new_server, url)
    assert 'role "deskclerk_workspace" does not exist' in complaints
    error = await refused(restored)
    assert 'role "deskclerk_workspace" does not exist' in error.message
    for statement in ROLE:
        assert statement in error.next_step.replace("the desk's user", "desk")
        new_server.run(statement)
    # With the role alone it is no better: the policies are gone.
    error = await refused(restored)
    assert "events, " in error.message
    assert "docs/hosted.md" in error.next_step
    new_server.run("DROP DATABASE desk")
    new_server.run("CREATE DATABASE desk OWNER desk")
    restored, complaints = await restored_on(new_server, url)
    assert complaints == ""
    await (await HostedDatabase.open(SecretStr(restored))).close()


async def test_what_was_restored_without_its_grants_or_for_a_user_without_the_role_is_refused(
    new_server, url
):
    new_server.run(ROLE[0])
    restored, _ = await restored_on(new_server, url, "--no-privileges")
    assert "permission denied" in (await refused(restored)).message
    new_server.run(ROLE[1])
    assert "grants" in (await refused(restored)).message


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE plans DISABLE ROW LEVEL SECURITY",
        "DROP POLICY plans_of_workspace ON plans",
        "CREATE POLICY all_of_it ON plans USING (true)",
        "ALTER TABLE plans OWNER TO deskclerk_workspace",
        "REVOKE DELETE ON plans FROM deskclerk_workspace",
    ],
)
async def test_a_database_of_which_one_table_is_not_kept_apart_is_refused(server, url, statement):
    server.run(statement, make_url(url).database)
    error = await refused(url)
    assert error.message.endswith(" of plans.")


async def test_a_database_of_an_older_version_is_brought_up_to_date_with_what_it_has(server):
    url = server.new()
    database = open_database(url)
    await upgrade(database, MIGRATIONS[0])
    await to_revision(database, "0003")
    await database.dispose()
    # As a version without checkpoints and agents has left it: a workspace with its journal.
    before = HostedDatabase(SecretStr(url))
    acme = await WorkspaceStore(before, None).create("acme", "Acme", "per_1")
    await read_three(before, acme.id)
    await before.close()
    hosted = await HostedDatabase.open(SecretStr(url))
    try:
        assert (await WorkspaceStore(hosted, None).find("acme")).id == acme.id
        check = await Journal(hosted.storage(acme.id)).verify()
        assert (check.fault, check.head.seq) == (None, 3)
        assert await find(hosted.whole, "per_1") is None
    finally:
        await hosted.close()


async def test_a_replica_of_this_version_goes_on_with_what_a_newer_one_has_migrated(server, migrated):
    with server.copied(migrated) as url:
        newer = HostedDatabase(SecretStr(url))
        async with newer.whole.writing() as connection:
            await connection.execute(text("ALTER TABLE workspaces ADD COLUMN colour text"))
            await connection.execute(text("UPDATE deskclerk_hosted_version SET version_num = '9999'"))
            await connection.execute(text("UPDATE deskclerk_desk_version SET version_num = '9999'"))
        await newer.close()
        hosted = await HostedDatabase.open(SecretStr(url))
        try:
            acme = await WorkspaceStore(hosted, None).create("acme", "Acme")
            await read_three(hosted, acme.id)
            assert (await Journal(hosted.storage(acme.id)).verify()).head.seq == 3
        finally:
            await hosted.close()


async def to_revision(database, revision):
    """Migrate a hosted database as far as a version of then did."""
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    def migrate(connection):
        script = ScriptDirectory(str(files(MIGRATIONS[1])))
        context = EnvironmentContext(Config(), script)
        context.configure(
            connection=connection,
            fn=lambda current, _: script._upgrade_revs(revision, current),
            transactional_ddl=False,
            version_table="deskclerk_hosted_version",
        )
        context.run_migrations()

    async with database.writing() as connection:
        await connection.run_sync(migrate)
