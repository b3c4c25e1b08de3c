import asyncio
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from deskclerk.database import open_engine, upgrade
from deskclerk.desk.store.tables import metadata

DESK = "deskclerk.desk.store.migrations"

UPGRADE = f"""
import asyncio, sys
from deskclerk.database import open_engine, upgrade
async def main():
    engine = open_engine(sys.argv[1])
    await upgrade(engine, "{DESK}")
    await engine.dispose()
asyncio.run(main())
print("alembic" in sys.modules)
"""


def test_several_processes_may_start_on_an_empty_folder_at_once(tmp_path):
    path = tmp_path / "new" / "desk.db"
    running = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, path], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate()[1] for process in running] == [None] * 4
    assert [process.returncode for process in running] == [0] * 4


def test_a_current_database_is_opened_without_alembic(tmp_path):
    run = [sys.executable, "-c", UPGRADE, tmp_path / "desk.db"]
    said = [subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert said == ["True", "False"]


@pytest.mark.anyio
async def test_a_database_is_its_owners_alone(tmp_path):
    engine = open_engine(tmp_path / "home" / "desk.db")
    await upgrade(engine, DESK)
    await engine.dispose()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "home" / "desk.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.anyio
async def test_the_migrated_schema_is_the_declared_one(tmp_path):
    engine = open_engine(tmp_path / "desk.db")
    await upgrade(engine, DESK)
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    await engine.dispose()
    assert differences == []


@pytest.mark.anyio
async def test_transactions_of_two_connections_wait_for_each_other(tmp_path):
    engine = open_engine(tmp_path / "desk.db")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counts (n INTEGER)"))
        await connection.execute(text("INSERT INTO counts VALUES (0)"))

    async def add():
        async with engine.begin() as connection:
            count = (await connection.execute(text("SELECT n FROM counts"))).scalar_one()
            await connection.execute(text("UPDATE counts SET n = :n"), {"n": count + 1})

    await asyncio.gather(*(add() for _ in range(20)))
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT n FROM counts"))).scalar_one() == 20
    await engine.dispose()


@pytest.mark.anyio
async def test_a_foreign_key_is_kept(tmp_path):
    engine = open_engine(tmp_path / "desk.db")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY)"))
        await connection.execute(text("CREATE TABLE b (a INTEGER REFERENCES a (id))"))
        with pytest.raises(IntegrityError, match="FOREIGN KEY"):
            await connection.execute(text("INSERT INTO b VALUES (1)"))
    await engine.dispose()
