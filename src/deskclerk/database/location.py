"""Where a database is: paths and URLs, and which of the two kinds they name."""

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from deskclerk.database.connection import Database
from deskclerk.database.failures import shown_place
from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.system.private_files import make_new_folder_private, open_private

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
_ACCEPTED = "Accepted: a file's path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE."


def open_database(location: str | Path, *, durable: bool = False) -> Database:
    """A database at a path (SQLite) or a URL (`sqlite:///…`, `postgresql://…`).

    A SQLite file is shared by several processes: write-ahead log, and a transaction that writes takes the
    write lock when it begins, so that none fails halfway. `durable` syncs every commit to the disk; without
    it a power cut may lose the last commits, a killed process none. On PostgreSQL a transaction that
    writes takes one advisory lock, and the server syncs every commit.

    Raises:
        InvalidSettings: what is neither; PostgreSQL without its driver.
    """
    url = read_url(location)
    if url.get_backend_name() == "sqlite":
        from deskclerk.database.sqlite import SqliteDatabase  # noqa: PLC0415 - one of the two is needed

        if url.database:
            _make_private(Path(url.database))
        return SqliteDatabase(url, durable=durable)
    from deskclerk.database.postgres import PostgresDatabase  # noqa: PLC0415 - one of the two is needed

    return PostgresDatabase(url)


def shown(location: str | Path | URL) -> str:
    """A database's place as it may be shown: of a URL, no password."""
    if isinstance(location, URL):
        return shown_place(location)
    plain = str(location)
    return shown_place(read_url(plain)) if "://" in plain else plain


def driver_url(url: str) -> str:
    """A PostgreSQL URL as its driver itself takes it."""
    return read_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def read_url(location: str | Path) -> URL:
    """A path or a URL as a URL with the driver that is used."""
    given = str(location)
    if "://" not in given:
        return URL.create("sqlite", database=given)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # its message has the whole URL in it
        raise InvalidSettings("The database's URL is not one.", next_step=_ACCEPTED) from None
    if url.drivername == "sqlite":
        return url
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    raise InvalidSettings(f"{url.drivername} is no database that deskclerk knows.", next_step=_ACCEPTED)


def _make_private(path: Path) -> None:
    """The folder and the file for their owner only, whatever the umask says."""
    try:
        make_new_folder_private(path.parent)
        os.close(open_private(path, os.O_CREAT | os.O_RDWR))
    except OSError as error:
        raise StorageUnavailable.by_the_system(path, error) from None
