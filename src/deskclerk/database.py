"""Opening a database, for the desk and for the sandbox: SQLite by path, SQLite or PostgreSQL by URL.

Both keep one rule: a transaction holds the write lock from its beginning unless it says that it only
reads. What the rules look at before they write is therefore still so when they write, on both alike.
"""

import asyncio
import logging
import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, ExceptionContext, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deskclerk.errors import DISK_FULL, NOT_WRITABLE, InvalidSettings, StorageUnavailable

_BUSY_MILLISECONDS = 30_000
"""How long a process waits for another one that writes: longer than a backup or a migration takes."""
_CONNECT_SECONDS = 10
_WRITE_LOCK = 0x6465736B
"""The advisory lock of a PostgreSQL database that deskclerk's writers take: "desk" in ASCII."""
_POSTGRES = ("postgresql", "postgres")


def open_engine(location: str | Path, *, durable: bool = False) -> AsyncEngine:
    """An engine for a path (SQLite) or a URL (`sqlite:///…`, `postgresql://…`).

    A SQLite file is shared by several processes: write-ahead log, and every transaction takes the
    write lock when it begins, so that none fails halfway. `durable` syncs every commit to the disk;
    without it a power cut may lose the last commits, a killed process none. On PostgreSQL every
    transaction takes one advisory lock, and the server syncs every commit. Read-only work is best
    done on `engine.connect()` with `execution_options(reads=True)`, which takes no lock and sees one
    state of the database.

    Raises:
        InvalidSettings: what is neither; PostgreSQL without its driver.
    """
    url = _url(location)
    if url.get_backend_name() != "sqlite":
        return _open_postgres(url)
    if url.database and url.database != ":memory:":
        _make_private(Path(url.database))
    engine = create_async_engine(url, hide_parameters=True)
    _set_up_sqlite(engine, durable=durable)
    return engine


def shown(location: str | Path | URL) -> str:
    """A database's place as it may be shown: of a URL, no password."""
    if isinstance(location, URL):
        if location.get_backend_name() == "sqlite":
            return str(location.database)
        return location.render_as_string(hide_password=True)
    plain = str(location)
    return shown(_url(plain)) if "://" in plain else plain


def driver_url(url: str) -> str:
    """A PostgreSQL URL as its driver itself takes it."""
    return _url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _url(location: str | Path) -> URL:
    given = str(location)
    accepted = "Accepted: a file's path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE."
    if "://" not in given:
        return URL.create("sqlite+aiosqlite", database=given)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # its message has the whole URL in it
        raise InvalidSettings("The database's URL is not one.", next_step=accepted) from None
    if url.drivername == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite+aiosqlite", "postgresql+psycopg"):
        raise InvalidSettings(f"{url.drivername} is no database that deskclerk knows.", next_step=accepted)
    return url


def _make_private(path: Path) -> None:
    """The folder and the file for their owner only, whatever the umask says."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageUnavailable.by_the_system(path, error) from None


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
    event.listen(engine.sync_engine, "handle_error", _explain)


def _open_postgres(url: URL) -> AsyncEngine:
    url = url.set(query={"connect_timeout": str(_CONNECT_SECONDS), **url.query})
    try:
        engine = create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    except ImportError:
        raise InvalidSettings(
            "PostgreSQL needs a driver that is not installed.",
            next_step="Install it with: pip install 'deskclerk[postgres]'.",
        ) from None

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("reads"):
            # A page and its total are of one moment, as in SQLite.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        else:
            # In READ COMMITTED every statement after this one sees what the writer before has left.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")

    event.listen(engine.sync_engine, "begin", begin)
    event.listen(engine.sync_engine, "handle_error", _explain)
    return engine


async def upgrade(engine: AsyncEngine, package: str) -> None:
    """Bring a database to the newest schema of the migrations in `package` (Alembic's folder layout).

    A database that is current costs one query; Alembic is imported only for one that is not.

    Raises:
        StorageUnavailable: the database cannot be opened.
        InvalidSettings: it is a PostgreSQL one in use for something else.
    """
    try:
        async with engine.connect() as connection:
            reading = await connection.execution_options(reads=True)
            current = await reading.run_sync(_revision, package)
    except DBAPIError as error:
        # Whatever else a driver says while it connects: a wrong password, a server that is not there.
        raise StorageUnavailable.of(shown(engine.url), _reason(engine.url, error.orig)) from None
    if current != _newest(package):
        await _migrate(engine, package)


def version_table(dialect: str, package: str) -> str:
    """Where the revision stands; on PostgreSQL its name tells the desk's database from the sandbox's."""
    return "alembic_version" if dialect == "sqlite" else f"deskclerk_{package.split('.')[1]}_version"


def _newest(package: str) -> str:
    """The newest revision's id: revision files are named `0001_….py`, `0002_….py`, … after their ids."""
    folder = files(package).joinpath("versions")
    return max(item.name.partition("_")[0] for item in folder.iterdir() if item.name[:1].isdigit())


def _revision(connection: Connection, package: str) -> str | None:
    table = version_table(connection.dialect.name, package)
    try:
        return connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608 - ours
    except DBAPIError:  # no such table: a new database
        connection.rollback()
        return None


async def _migrate(engine: AsyncEngine, package: str) -> None:
    from alembic.config import Config  # noqa: PLC0415 - half a second, needed once per database
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    def run(connection: Connection, folder: Path) -> None:
        table = version_table(connection.dialect.name, package)
        _refuse_others(connection, table)
        script = ScriptDirectory(str(folder))
        context = EnvironmentContext(Config(), script)

        def steps(revision: Any, _context: MigrationContext) -> Any:
            return script._upgrade_revs("head", revision)  # as `alembic upgrade head` does

        context.configure(connection=connection, fn=steps, transactional_ddl=False, version_table=table)
        context.run_migrations()

    with as_file(files(package)) as folder:
        # One transaction from the first look to the last step: of several processes one migrates, and
        # the others find its work done.
        async with engine.begin() as connection:
            await asyncio.shield(connection.run_sync(run, folder))


def _refuse_others(connection: Connection, table: str) -> None:
    """A PostgreSQL database that holds anything but ours is not ours to fill."""
    if connection.dialect.name == "sqlite":
        return
    names = inspect(connection).get_table_names()
    if names and table not in names:
        raise InvalidSettings(
            f"The database {shown(connection.engine.url)} holds other tables already.",
            next_step="Give the desk and the sandbox an empty database each.",
        )


_BUSY = "Another process holds it. Ask again in a moment; if it stays so, end that process."
_DAMAGED = (
    "The file is left as it is. Put a backup in its place, or move it away: a new one begins without what "
    "was in it."
)
_OF_SQLITE = {
    "SQLITE_FULL": DISK_FULL,
    # What SQLite says where its log beside the file cannot grow, among others.
    "SQLITE_IOERR": DISK_FULL,
    "SQLITE_READONLY": NOT_WRITABLE,
    "SQLITE_CANTOPEN": NOT_WRITABLE,
    "SQLITE_PERM": NOT_WRITABLE,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
}


def _explain(context: ExceptionContext) -> None:
    """Raise what the operator can mend in words of ours; a rule that a statement broke stays as it is."""
    error, url = context.original_exception, context.engine.url if context.engine else None
    # A cancelled task is told as a lost connection too, and is none.
    if url is None or not isinstance(context.sqlalchemy_exception, DBAPIError):
        return
    name = str(getattr(error, "sqlite_errorname", ""))
    # SQLite's names are finer than this: SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE.
    known = next((step for prefix, step in _OF_SQLITE.items() if name.startswith(prefix)), "")
    if known or context.is_disconnect:
        raise StorageUnavailable.of(shown(url), _reason(url, error), known) from None


def _reason(url: URL, error: BaseException | None) -> str:
    """What a driver says, without the password."""
    reason = " ".join(str(error).split())
    return reason.replace(str(url.password), "***") if url.password else reason
