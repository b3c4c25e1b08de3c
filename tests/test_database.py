import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Boolean, Column, MetaData, Table, Text, bindparam, select, text
from sqlalchemy.exc import IntegrityError

from deskclerk.database import Statement, failures, open_database, shown, upgrade, version_table
from deskclerk.desk.journal.tables import metadata
from deskclerk.errors import InvalidSettings, StorageUnavailable

DESK = "deskclerk.desk.journal.migrations"

UPGRADE = f"""
import asyncio, sys
from deskclerk.database import Statement, failures, open_database, upgrade
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
    assert shown("postgres://desk:hush-hush@db.example/desk") == "postgresql://desk:***@db.example/desk"
    said = "postgres://desk@/desk?host=/run/pg&password=hush-hush&sslpassword=hush-hush&sslmode=require"
    assert shown(said) == "postgresql://desk@/desk?host=%2Frun%2Fpg"
    assert shown("/home/desk.db") == "/home/desk.db"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url", ["desk:hush-hush@127.0.0.1:1/desk", "desk@127.0.0.1:1/desk?password=hush-hush"]
)
async def test_a_server_that_is_not_there_is_told_with_the_setting_and_without_a_password(url):
    database = open_database(f"postgresql://{url}")
    with pytest.raises(StorageUnavailable) as caught:
        await upgrade(database, "deskclerk.desk.journal.migrations")
    assert "hush" not in f"{caught.value} {caught.value.next_step}"
    assert "desk" in str(caught.value)
    assert "psycopg" not in str(caught.value)
    assert "DESKCLERK_DATABASE" in caught.value.next_step
    await database.dispose()


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


THINGS = Table("things", MetaData(), Column("name", Text), Column("yes", Boolean), Column("more", JSON))


@pytest.fixture
async def things(place):
    """A database with one table."""
    database = open_database(place)
    async with database.writing() as connection:
        await connection.run_sync(THINGS.create)
    yield database
    await database.dispose()


ADD = Statement(THINGS.insert().values({column.name: bindparam(column.name) for column in THINGS.c}))
ALL = Statement(select(THINGS).where(THINGS.c.yes.is_(True)).order_by(THINGS.c.name))


async def add(database, name, *, fails=False):
    async with database.writing() as connection:
        await connection.apply(ADD, name=name, yes=True, more={"at": [1, None]})
        if fails:
            raise LookupError(name)


@pytest.mark.anyio
async def test_a_statement_that_is_compiled_once_gives_pythons_values(things):
    await add(things, "a")
    assert await things.ask(ALL) == [("a", True, {"at": [1, None]})]
    async with things.writing() as connection:
        await connection.apply(ADD, name="b", yes=False, more=[])
        assert await connection.fetch(ALL) == [("a", True, {"at": [1, None]})]
    async with things.reading() as connection:
        assert len(await connection.fetch(Statement(select(THINGS)))) == 2


def commits(database, monkeypatch):
    """What is counted of a file's commits."""
    found, commit = [], type(database)._commit

    def counted(self, connection):
        found.append(connection)
        commit(self, connection)

    monkeypatch.setattr(type(database), "_commit", counted)
    return found


@pytest.fixture
async def file(tmp_path):
    """As `things`, in a file."""
    database = open_database(tmp_path / "things.db", durable=True)
    async with database.writing() as connection:
        await connection.run_sync(THINGS.create)
    yield database
    await database.dispose()


@pytest.mark.promise("written-together")
@pytest.mark.anyio
async def test_writers_that_wait_are_committed_together_and_each_fails_alone(file, monkeypatch):
    found = commits(file, monkeypatch)
    tasks = [add(file, f"{number:02}", fails=number % 5 == 0) for number in range(20)]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ended] == [
        LookupError if number % 5 == 0 else type(None) for number in range(20)
    ]
    kept = [name for name, *_ in await file.ask(ALL)]
    assert kept == [f"{number:02}" for number in range(20) if number % 5]
    assert len(found) < 5


@pytest.mark.promise("written-together")
@pytest.mark.anyio
async def test_where_a_commit_fails_every_writer_of_it_is_told_and_nothing_is_kept(file, monkeypatch):
    def full(_self, _connection):
        raise StorageUnavailable.of("things.db", "the disk is full", "Free some space.")

    with monkeypatch.context() as broken:
        broken.setattr(type(file), "_commit", full)
        ended = await asyncio.gather(*(add(file, f"{number}") for number in range(8)), return_exceptions=True)
        assert [type(end) for end in ended] == [StorageUnavailable] * 8
    assert await file.ask(ALL) == []
    await add(file, "after")
    assert len(await file.ask(ALL)) == 1


@pytest.mark.anyio
async def test_who_fails_of_what_another_of_its_group_did_is_told_when_that_is_so(file):
    async def once(name):
        async with file.writing() as connection:
            if await connection.fetch(ALL):
                raise LookupError
            await connection.apply(ADD, name=name, yes=True, more={})

    async def told_early(name):
        try:
            await once(name)
        except LookupError:
            return await file.ask(ALL)

    first, second = await asyncio.gather(told_early("first"), told_early("second"))
    assert first is None
    assert [name for name, *_ in second] == ["first"]


@pytest.mark.anyio
async def test_who_fails_of_what_is_then_taken_back_is_told_of_that(file, monkeypatch):
    def full(_self, _connection):
        raise StorageUnavailable.of("things.db", "the disk is full", "Free some space.")

    async def once(name):
        async with file.writing() as connection:
            if await connection.fetch(ALL):
                raise LookupError
            await connection.apply(ADD, name=name, yes=True, more={})

    with monkeypatch.context() as broken:
        broken.setattr(type(file), "_commit", full)
        ended = await asyncio.gather(once("first"), once("second"), return_exceptions=True)
    assert [type(end) for end in ended] == [StorageUnavailable] * 2


@pytest.mark.anyio
async def test_what_the_database_takes_back_by_itself_is_told_to_all_of_a_group(file):
    async def breaks():
        async with file.writing() as connection:
            # As SQLite does where a statement finds the disk full.
            connection.driver.execute("ROLLBACK")
            raise LookupError

    writers = [add(file, "first"), breaks(), add(file, "later")]
    ended = await asyncio.gather(*writers, return_exceptions=True)
    assert [type(end) for end in ended] == [StorageUnavailable, LookupError, type(None)]
    assert [name for name, *_ in await file.ask(ALL)] == ["later"]


@pytest.mark.anyio
async def test_a_writer_that_is_cancelled_while_others_are_committed_with_it_is_on_the_disk(file):
    tasks = [asyncio.create_task(add(file, f"{number}")) for number in range(6)]
    for _ in range(4):
        await asyncio.sleep(0)
    tasks[0].cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    kept = {name for name, *_ in await file.ask(ALL)}
    assert kept == {str(number) for number, end in enumerate(ended) if end is None} | (kept & {"0"})
    assert {"1", "2", "3", "4", "5"} <= kept


@pytest.mark.anyio
async def test_an_answer_that_takes_long_is_waited_for_in_a_thread(file, monkeypatch):
    monkeypatch.setattr("deskclerk.database.sqlite.PATIENCE", 1e-9)
    monkeypatch.setattr("deskclerk.database.sqlite._LOOK", 1)
    for number in range(50):
        await add(file, f"{number:02}")
    main, threads = threading.get_ident(), set()

    async with file.reading() as connection:
        connection.driver.set_progress_handler(connection._too_long, 1)
        connection.driver.create_function("where_am_i", 0, lambda: threads.add(threading.get_ident()) or 1)
        query = select(THINGS.c.name).where(text("where_am_i() = 1")).order_by(THINGS.c.name)
        rows = (await connection.execute(query)).all()
    assert len(rows) == 50
    assert threads - {main}


@pytest.mark.anyio
async def test_a_disk_that_cannot_be_read_is_not_told_as_full(file):
    told = failures.mendable(file.url, _error("SQLITE_IOERR_READ"))
    assert "could not read or write it" in told.next_step
    assert failures.mendable(file.url, _error("SQLITE_IOERR_WRITE")).next_step.startswith("Free some space")


def _error(name):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    return error


@pytest.mark.anyio
async def test_the_log_beside_a_file_does_not_grow_with_every_write(tmp_path, monkeypatch):
    monkeypatch.setattr("deskclerk.database.sqlite._CHANGES", 20)
    database = open_database(tmp_path / "things.db")
    async with database.writing() as connection:
        await connection.run_sync(THINGS.create)
    for number in range(1_500):
        await add(database, f"{number}" * 200)
        await asyncio.sleep(0)
    assert (tmp_path / "things.db-wal").stat().st_size < 4_000_000
    await database.dispose()


_NOTES = Table("notes", MetaData(), Column("id", Text, primary_key=True), Column("text", JSON))
_ADD, _CHANGE = Statement(_NOTES.insert()), Statement(_NOTES.update().values(text=bindparam("new")))
_ALL = Statement(select(_NOTES.c.id, _NOTES.c.text).order_by(_NOTES.c.id))


@contextlib.asynccontextmanager
async def _with_notes(place):
    database = open_database(place)
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE notes (id TEXT PRIMARY KEY, text JSON)"))
    try:
        yield database
    finally:
        await database.dispose()


@pytest.mark.anyio
async def test_what_comes_last_is_done_in_its_order_and_found_by_what_follows_after_all(place):
    two = [{"id": "a", "text": None}, {"id": "b", "text": {"n": 1}}]
    async with _with_notes(place) as database:
        async with database.writing() as connection:
            await connection.apply_last((_ADD, two))
        assert await database.ask(_ALL) == [("a", None), ("b", {"n": 1})]
        async with database.writing() as connection:
            await connection.apply_last((_ADD, [{"id": "c", "text": 3}]), (_CHANGE, [{"new": "x"}]))
            assert await connection.fetch(_ALL) == [(name, "x") for name in "abc"]
            await connection.apply_last((_CHANGE, [{"new": "y"}]))
            assert await connection.apply(_CHANGE, new="z") == 3
            await connection.apply_last((_ADD, [{"id": "d", "text": "z"}]))
        assert await database.ask(_ALL) == [(name, "z") for name in "abcd"]


@pytest.mark.anyio
async def test_a_rule_that_the_last_change_breaks_takes_all_of_the_transaction_back(place):
    async with _with_notes(place) as database:
        async with database.writing() as connection:
            await connection.apply(_ADD, id="a", text=None)

        async def fail():
            async with database.writing() as connection:
                await connection.apply(_ADD, id="b", text=None)
                await connection.apply_last((_ADD, [{"id": "c", "text": None}, {"id": "a", "text": None}]))

        with pytest.raises(IntegrityError):
            await fail()
        assert await database.ask(_ALL) == [("a", None)]
        # The connection goes on to be used.
        async with database.writing() as connection:
            await connection.apply_last((_ADD, [{"id": "d", "text": None}]))
        assert [name for name, _ in await database.ask(_ALL)] == ["a", "d"]


@pytest.mark.anyio
async def test_what_was_to_come_last_is_not_done_where_the_transaction_fails_before(place):
    async with _with_notes(place) as database:

        async def fail():
            async with database.writing() as connection:
                await connection.apply_last((_ADD, [{"id": "a", "text": None}]))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await database.ask(_ALL) == []


@pytest.mark.anyio
async def test_a_list_of_values_cannot_be_compiled_once(place):
    database = open_database(place)
    with pytest.raises(TypeError, match="how many values a list has"):
        await database.ask(Statement(select(_NOTES).where(_NOTES.c.id.in_(["a", "b"]))))
    await database.dispose()
