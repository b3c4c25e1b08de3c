"""An empty desk's database, made once a run: a test that gets a copy does not pay for the migrations."""

import asyncio
import shutil

import pytest

from deskclerk.database import open_database, upgrade


@pytest.fixture(scope="session")
def empty_desk(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "desk.db"

    async def make():
        database = open_database(path, durable=True)
        await upgrade(database, "deskclerk.desk.journal.migrations")
        await database.dispose()

    asyncio.run(make())
    return path


@pytest.fixture(autouse=True)
def desk_at_home(empty_desk, tmp_path):
    """The test's own home folder, with a desk's database in it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copy(empty_desk, home / "desk.db")
