import asyncio
import contextlib
import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from deskclerk.database import open_database, shown, upgrade, version_table
from deskclerk.desk.journal.tables import metadata
from deskclerk.errors import InvalidSettings, StorageUnavailable

DESK = "deskclerk.desk.journal.migrations"

UPGRADE = f"""
import asyncio, sys
from deskclerk.database import open_database, upgrade
async def main():
    database = open_database(sys.argv[1])
    await upgrade(database, "{DESK}")
    await database.dispose()
asyncio.run(main())
print("alembic" in sys.modules)
"""


def test_several_processes_may_start_on_an_empty_folder_at_once(place):
    running = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, str(place)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate()[1] for process in running] == [None] * 4
    assert [process.returncode for process in running] == [0] * 4


def test_a_current_database_is_opened_without_alembic(place):
    run = [sys.executable, "-c", UPGRADE, str(place)]
    said = [subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert said == ["True", "False"]


@pytest.mark.anyio
async def test_a_database_is_its_owners_alone(tmp_path):
    database = open_database(tmp_path / "home" / "desk.db")
    await upgrade(database, DESK)
    await database.dispose()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "home" / "desk.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.anyio
async def test_the_migrated_schema_is_the_declared_one(place):
    database = open_database(place)
    await upgrade(database, DESK)
    async with database.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(
                    sync, opts={"version_table": version_table(sync.dialect.name, DESK)}
                ),
                metadata,
            )
        )
    await database.dispose()
    assert differences == []


@pytest.mark.anyio
async def test_transactions_of_two_connections_wait_for_each_other(place):
    database = open_database(place)
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE counts (n INTEGER)"))
        await connection.execute(text("INSERT INTO counts VALUES (0)"))

    async def add():
        async with database.writing() as connection:
            count = (await connection.execute(text("SELECT n FROM counts"))).scalar_one()
            await connection.execute(text("UPDATE counts SET n = :n"), {"n": count + 1})

    await asyncio.gather(*(add() for _ in range(20)))
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT n FROM counts"))).scalar_one() == 20
    await database.dispose()


@pytest.mark.anyio
async def test_a_foreign_key_is_kept(place):
    database = open_database(place)
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY)"))
        await connection.execute(text("CREATE TABLE b (a INTEGER REFERENCES a (id))"))
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            await connection.execute(text("INSERT INTO b VALUES (1)"))
    await database.dispose()


@pytest.mark.anyio
async def test_a_page_and_its_total_are_of_one_moment(place):
    database = open_database(place)
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE counts (n INTEGER)"))
    count = text("SELECT count(*) FROM counts")
    async with database.reading() as connection:
        assert (await connection.execute(count)).scalar_one() == 0
        async with database.writing() as other:
            await other.execute(text("INSERT INTO counts VALUES (1)"))
        assert (await connection.execute(count)).scalar_one() == 0
    await database.dispose()


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_told_without_the_password():
    database = open_database("postgresql://desk:hush-hush@127.0.0.1:1/desk")
    with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1:1/desk.* cannot be used") as caught:
        await upgrade(database, DESK)
    await database.dispose()
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InvalidSettings, match=r"pip install 'deskclerk\[postgres\]'") as caught:
        open_database("postgres://desk:hush-hush@db.example/desk")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://desk:hush-hush@host:port/x", "mysql://desk:hush-hush@host/x"])
def test_what_is_no_database_is_refused_with_what_is_accepted(url):
    with pytest.raises(InvalidSettings, match="postgresql://USER") as caught:
        open_database(url)
    assert "hush" not in str(caught.value)


def test_a_place_is_shown_without_its_password():
    assert (
        shown("postgres://desk:hush-hush@db.example/desk") == "postgresql+psycopg://desk:***@db.example/desk"
    )
    assert shown("/home/desk.db") == "/home/desk.db"


@pytest.mark.anyio
async def test_a_server_database_with_other_tables_is_left_alone(place):
    if "://" not in str(place):
        pytest.skip("a file is the sandbox's or the desk's by its name")
    database = open_database(place)
    await upgrade(database, DESK)
    with pytest.raises(InvalidSettings, match="holds other tables"):
        await upgrade(database, "deskclerk.sandbox.store.migrations")
    await database.dispose()


@pytest.fixture
async def small(tmp_path, monkeypatch):
    """A SQLite database whose writers wait a moment only."""
    monkeypatch.setattr("deskclerk.database.sqlite.BUSY_SECONDS", 0.05)
    database = open_database(tmp_path / "small.db")
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE things (name TEXT UNIQUE)"))
    yield database
    await database.dispose()


async def change(database, *statements):
    """All of these in one transaction."""
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


@pytest.mark.anyio
@pytest.mark.promise("a-bad-disk-is-told")
async def test_a_database_that_others_hold_too_long_is_told(small, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "small.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match=r"small\.db cannot be used: database is locked") as told:
            await change(small)
    assert told.value.next_step.startswith("Another process holds it.")


@pytest.mark.anyio
@pytest.mark.promise("a-bad-disk-is-told")
async def test_a_database_that_cannot_grow_is_told_and_keeps_what_it_had(small):
    await change(small, "INSERT INTO things VALUES ('kept')")
    much = "INSERT INTO things VALUES (hex(zeroblob(100000)))"
    with pytest.raises(StorageUnavailable, match="is full") as told:
        await change(small, "PRAGMA max_page_count = 1", much)
    assert told.value.next_step.startswith("Free some space")
    async with small.reading() as connection:
        assert (await connection.execute(text("SELECT name FROM things"))).scalars().all() == ["kept"]


@pytest.mark.anyio
async def test_a_rule_that_a_statement_breaks_is_no_fault_of_the_disk(small):
    with pytest.raises(IntegrityError):
        await change(small, *["INSERT INTO things VALUES ('twice')"] * 2)


@pytest.mark.anyio
async def test_who_is_cancelled_while_a_database_is_asked_is_told_nothing_of_the_disk(small, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "small.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asking = asyncio.create_task(small.writing().__aenter__())
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
