"""What tests of a hosted desk stand on: a PostgreSQL server of their own, a migrated database for each."""

import contextlib

import pytest
from pydantic import SecretStr

from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.notifications.destinations import Destinations
from deskclerk.hosted.workspaces.store import WorkspaceStore
from tests.databases import Postgres
from tests.hosted.redis_server import running


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server of this test run's."""
    with Postgres.started() as found:
        yield found


@pytest.fixture(scope="session")
def migrated(server):
    """The URL of a database with every table and no workspace, to be copied from."""
    import asyncio  # noqa: PLC0415

    url = server.new()

    async def migrate():
        await (await HostedDatabase.open(SecretStr(url))).close()

    asyncio.run(migrate())
    return url


@pytest.fixture
def url(server, migrated):
    """The URL of a database of the test's own, current and without a workspace."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(server.copied(migrated))


@pytest.fixture
async def hosted(url):
    """That database, open."""
    found = await HostedDatabase.open(SecretStr(url))
    yield found
    await found.close()


class PlainSealer:
    """Seals nothing: for tests of what has to do with workspaces and not with keys."""

    async def seal(self, workspace, instance, purpose, text):
        return f"{workspace}|{instance}|{purpose}|{text}"

    async def open(self, workspace, instance, purpose, sealed):
        assert sealed.startswith(f"{workspace}|{instance}|{purpose}|")
        return sealed.rpartition("|")[2]


def destinations_of(hosted):
    """The destinations of that database, not sealed, of which nobody is woken."""
    return Destinations(hosted, PlainSealer(), lambda: None)


@pytest.fixture
def workspaces(hosted):
    """The workspaces of that database, their keys not sealed."""
    return WorkspaceStore(hosted, PlainSealer())


@pytest.fixture
def redis_server():
    """A Redis server of the test's own."""
    with running() as found:
        yield found
