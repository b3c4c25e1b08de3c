"""A replica that stops in the middle of a transaction, as a machine that sleeps, keeps nobody waiting."""

import asyncio

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import literal, select, text

from deskclerk.database import postgres
from deskclerk.desk.journal.process_locks import take_lock
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.database import HostedDatabase

pytestmark = pytest.mark.anyio
ONE = select(literal(1))


@pytest.fixture
async def other(url):
    """Another replica on the test's database."""
    found = await HostedDatabase.open(SecretStr(url))
    yield found
    await found.close()


@pytest.mark.parametrize("whole", [False, True])
async def test_the_write_lock_of_who_does_nothing_goes_to_the_next_one(
    hosted, other, workspaces, monkeypatch, whole
):
    monkeypatch.setattr(postgres, "_IDLE_SECONDS", 1)
    acme = (await workspaces.create("acme", "Acme")).id
    mine, theirs = (item.whole if whole else item.of(acme) for item in (hosted, other))
    async with asyncio.timeout(60):
        # Nothing is said to the server here, as by a process that the system has stopped.
        with pytest.raises(StorageUnavailable, match="idle-in-transaction"):
            await _stop_meanwhile(mine, theirs)
        # Back again, it goes on with another connection.
        async with mine.writing() as connection:
            await connection.execute(ONE)


async def test_who_waits_for_the_write_lock_is_told_after_a_while_and_may_ask_again(
    hosted, other, workspaces, monkeypatch
):
    monkeypatch.setattr(postgres, "_LOCK_SECONDS", 1)
    acme = (await workspaces.create("acme", "Acme")).id
    async with asyncio.timeout(60):
        async with other.of(acme).writing():
            with pytest.raises(StorageUnavailable, match="Another process holds it"):
                await _enter(hosted.of(acme))
        async with hosted.of(acme).writing() as connection:
            await connection.execute(ONE)


async def test_a_migration_is_waited_for_however_long_it_takes(hosted, other, monkeypatch):
    monkeypatch.setattr(postgres, "_LOCK_SECONDS", 1)
    async with asyncio.timeout(60), hosted.shared.writing(bounded=False) as migrating:
        waiting = asyncio.ensure_future(_enter(other.shared, bounded=False))
        # Longer than anybody else would wait; the server does it, so that it is longer in any case.
        await migrating.execute(text("SELECT pg_sleep(2)"))
        assert not waiting.done()
    assert await waiting == 1


async def test_of_two_that_wait_for_each_other_one_is_told_to_ask_again(hosted, other):
    locked = asyncio.Barrier(2)

    async def both(database, key, *tables):
        async with database.shared.transaction({"lock": key}) as connection:
            for table in tables:
                await connection.execute(text(f"LOCK TABLE {table} IN EXCLUSIVE MODE"))
                if table == tables[0]:
                    await locked.wait()

    async with asyncio.timeout(60):
        ends = await asyncio.gather(
            both(hosted, 1, "plans", "jobs"), both(other, 2, "jobs", "plans"), return_exceptions=True
        )
    (told,) = [end for end in ends if end]
    assert isinstance(told, StorageUnavailable)
    assert "deadlock detected" in str(told)


async def _stop_meanwhile(mine, theirs):
    async with mine.writing() as stopped:
        async with theirs.writing() as connection:
            await connection.execute(ONE)
        await stopped.execute(ONE)


async def _enter(database, **options):
    async with database.writing(**options) as connection:
        return (await connection.execute(ONE)).scalar()


async def test_both_ends_ask_whether_the_other_is_there_unless_the_url_says_otherwise(url, monkeypatch):
    database = HostedDatabase(SecretStr(f"{url}&keepalives_idle=77"))
    try:
        async with database.shared.reading() as connection:
            said = psycopg.conninfo.conninfo_to_dict(connection.driver.info.dsn)
        assert (said["keepalives_idle"], said["keepalives_count"]) == ("77", "3")
        assert said["tcp_user_timeout"] == "60000"
    finally:
        await database.close()
    # Over a socket of the file system the server has nothing to ask, and takes the setting all the same.
    asked = []
    real = psycopg.Connection.execute

    def heard(self, query, *more, **named):
        asked.append(query)
        return real(self, query, *more, **named)

    monkeypatch.setattr(psycopg.Connection, "execute", heard)
    take_lock(url, "own_here").end()
    assert [query for query in asked if "set_config('tcp_keepalives_idle', '30'" in query]
