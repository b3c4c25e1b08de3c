"""Shared by all tests: asyncio under anyio, and no setting of the machine that runs them."""

import gc
import os

import pytest

from tests.databases import Databases, Postgres, Sqlite

# A run makes much that stays to its end: to look through all of it again and again takes a tenth of its time.
gc.set_threshold(100_000)


def pytest_collection_finish():
    """What collecting made stays to the end of the run as well: nobody looks through it any more."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser):
    parser.addoption("--postgres", action="store_true", help="keep what is stored in PostgreSQL")
    parser.addoption("--faults", action="store_true", help="every action before every fault, not a sample")


@pytest.fixture(scope="session")
def databases(request, tmp_path_factory) -> Databases:
    """Where the tests of the stores keep what they write: SQLite files, or PostgreSQL with --postgres."""
    if not request.config.getoption("--postgres"):
        yield Sqlite(tmp_path_factory.mktemp("databases"))
        return
    with Postgres.started() as server:
        yield server


@pytest.fixture
def place(databases):
    """A path or URL where nothing is yet."""
    return databases.new()


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Every test has a home folder of its own and no Clerk key."""
    for name in list(os.environ):
        if name.startswith(("CLERK_", "DESKCLERK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DESKCLERK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DESKCLERK_APPROVAL_WAIT", "0")
