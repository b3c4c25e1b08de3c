"""Opening a database, for the desk and for the sandbox: SQLite by path, anything else by URL."""

import asyncio
import logging
import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BUSY_MILLISECONDS = 10_000


def open_engine(location: str | Path, *, durable: bool = False) -> AsyncEngine:
    """An engine for a path (SQLite) or a SQLAlchemy URL.

    A SQLite file is shared by several processes: write-ahead log, and every transaction takes the
    write lock when it begins, so that none fails halfway. `durable` syncs every commit to the disk;
    without it a power cut may lose the last commits, a killed process none. Read-only work is best
    done on `engine.connect()` with `execution_options(reads=True)`, which takes no write lock.
    """
    text_form = str(location)
    url = make_url(text_form) if "://" in text_form else make_url(f"sqlite+aiosqlite:///{text_form}")
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    if url.drivername == "sqlite":
        url = url.set(drivername="sqlite+aiosqlite")
    if url.database and url.database != ":memory:":
        _make_private(Path(url.database))
    engine = create_async_engine(url, hide_parameters=True)
    _set_up_sqlite(engine, durable=durable)
    return engine


def _make_private(path: Path) -> None:
    """The folder and the file for their owner only, whatever the umask says."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _set_up_sqlite(engine: AsyncEngine, *, durable: bool) -> None:
    # At DEBUG it writes every statement with its values into the log: keys, digests, tokens.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)

    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            f"synchronous = {'FULL' if durable else 'NORMAL'}",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", connect)
    event.listen(engine.sync_engine, "begin", begin)


async def upgrade(engine: AsyncEngine, package: str) -> None:
    """Bring a database to the newest schema of the migrations in `package` (Alembic's folder layout).

    A database that is current costs one query; Alembic is imported only for one that is not.
    """
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        current = await reading.run_sync(_revision)
    if current != _newest(package):
        await _migrate(engine, package)


def _newest(package: str) -> str:
    """The newest revision's id: revision files are named `0001_….py`, `0002_….py`, … after their ids."""
    folder = files(package).joinpath("versions")
    return max(item.name.partition("_")[0] for item in folder.iterdir() if item.name[:1].isdigit())


def _revision(connection: Connection) -> str | None:
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError:  # no such table: a new database
        connection.rollback()
        return None


async def _migrate(engine: AsyncEngine, package: str) -> None:
    from alembic.config import Config  # noqa: PLC0415 - half a second, needed once per database
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    def run(connection: Connection, folder: Path) -> None:
        script = ScriptDirectory(str(folder))
        context = EnvironmentContext(Config(), script)

        def steps(revision: Any, _context: MigrationContext) -> Any:
            return script._upgrade_revs("head", revision)  # as `alembic upgrade head` does

        context.configure(connection=connection, fn=steps, transactional_ddl=False)
        context.run_migrations()

    with as_file(files(package)) as folder:
        # One transaction from the first look to the last step: of several processes one migrates, and
        # the others find its work done.
        async with engine.begin() as connection:
            await asyncio.shield(connection.run_sync(run, folder))
