"""Bringing a database to the newest schema; Alembic is imported only for one that is not there yet."""

import asyncio
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from deskclerk.database.connection import Database, to_the_end
from deskclerk.database.failures import shown_place, unusable
from deskclerk.errors import InvalidSettings


async def upgrade(
    database: Database, package: str, *, beside: str | None = None, newer: bool = False
) -> bool:
    """Bring a database to the newest schema of the migrations in `package` (Alembic's folder layout).

    A database that is current costs one query; Alembic is imported only for one that is not.
    True if there was something to do.

    `beside` names the package whose tables are there already and stay. `newer` takes a database that a newer
    version has migrated: while replicas are replaced one by one, the older ones go on.

    Raises:
        StorageUnavailable: the database cannot be opened.
        InvalidSettings: it is a PostgreSQL one in use for something else.
    """
    try:
        current = await _revision(database, package)
    except DBAPIError as error:
        # Whatever else a driver says while it connects: a wrong password, a server that is not there.
        raise unusable(database.url, error.orig) from None
    newest = _newest(package)
    if current == newest or (newer and current is not None and current > newest):
        return False
    await _migrate(database, package, beside)
    return True


async def current(database: Database, package: str) -> bool:
    """Whether a database has the newest schema of the migrations in `package`, or a newer version's."""
    found = await _revision(database, package)
    return found is not None and found >= _newest(package)


async def has_schema(database: Database, package: str) -> bool:
    """Whether a database has any schema of the migrations in `package`."""
    return await _revision(database, package) is not None


def version_table(dialect: str, package: str) -> str:
    """Where the revision stands; on PostgreSQL its name tells the desk's database from the sandbox's."""
    return "alembic_version" if dialect == "sqlite" else f"deskclerk_{package.split('.')[1]}_version"


def _newest(package: str) -> str:
    """The newest revision's id: revision files are named `0001_….py`, `0002_….py`, … after their ids."""
    folder = files(package).joinpath("versions")
    return max(item.name.partition("_")[0] for item in folder.iterdir() if item.name[:1].isdigit())


async def _revision(database: Database, package: str) -> str | None:
    table = version_table(database.dialect.name, package)
    query = text(f"SELECT version_num FROM {table}")  # noqa: S608 - ours
    async with database.reading() as connection:
        try:
            return (await connection.execute(query)).scalar()
        except DBAPIError:  # no such table: a new database
            return None


async def _migrate(database: Database, package: str, beside: str | None) -> None:
    from alembic.config import Config  # noqa: PLC0415 - half a second, needed once per database
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    def run(connection: SyncConnection, folder: Path) -> None:
        table = version_table(connection.dialect.name, package)
        _refuse_others(connection, table, beside and version_table(connection.dialect.name, beside))
        script = ScriptDirectory(str(folder))
        context = EnvironmentContext(Config(), script)

        def steps(revision: Any, _context: MigrationContext) -> Any:
            return script._upgrade_revs("head", revision)  # as `alembic upgrade head` does

        context.configure(connection=connection, fn=steps, transactional_ddl=False, version_table=table)
        context.run_migrations()

    with as_file(files(package)) as folder:
        # One transaction from the first look to the last step: of several processes one migrates, and
        # the others find its work done, however long they wait for that.
        async with database.writing(bounded=False) as connection:
            # Whoever is cancelled meanwhile waits for its end: the connection is closed behind this block,
            # and a driver whose connection is closed under its statement takes the whole process along.
            await to_the_end(asyncio.ensure_future(connection.run_sync(run, folder)))


def _refuse_others(connection: SyncConnection, table: str, beside: str | None) -> None:
    """A PostgreSQL database that holds anything but ours is not ours to fill."""
    if connection.dialect.name == "sqlite":
        return
    names = inspect(connection).get_table_names()
    if names and table not in names and beside not in names:
        raise InvalidSettings(
            f"The database {shown_place(connection.engine.url)} holds other tables already.",
            next_step="Give the desk and the sandbox an empty database each.",
        )
