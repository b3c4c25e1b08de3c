"""What a database fails with, in words of ours where the operator can mend it."""

import sqlite3
from collections.abc import Callable

from sqlalchemy import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError

from deskclerk.errors import DISK_FULL, NOT_WRITABLE, StorageUnavailable

_BUSY = "Another process holds it. Ask again in a moment; if it stays so, end that process."
_DAMAGED = (
    "The file is left as it is. Put a backup in its place, or move it away: a new one begins without what "
    "was in it."
)
_UNREADABLE = (
    "The disk could not read or write it. Free some space if it is full; else look at the system's log, and "
    "put a backup on another disk."
)
_OF_SQLITE = {
    "SQLITE_FULL": DISK_FULL,
    # What SQLite says where its log beside the file cannot grow.
    "SQLITE_IOERR_WRITE": DISK_FULL,
    "SQLITE_IOERR_SHMSIZE": DISK_FULL,
    "SQLITE_IOERR": _UNREADABLE,
    "SQLITE_READONLY": NOT_WRITABLE,
    "SQLITE_CANTOPEN": NOT_WRITABLE,
    "SQLITE_PERM": NOT_WRITABLE,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
}
"""What to do by SQLite's names, whose beginnings count: SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_READ."""
_OF_POSTGRES = {
    # Another writer has the lock for longer than anybody waits for it: one long statement, or a slow server.
    "55P03": _BUSY,
    # The server has let go of who did nothing in the middle of a transaction, such as a machine that slept.
    "25P03": "Nothing was done. Ask again; if it stays so, this machine has too much to do.",
    # Two that wait for each other, as a writer and a migration may: the server has undone one of them.
    "40P01": "Nothing was done. Ask again.",
}
"""What to do by PostgreSQL's codes, where a driver tells it as none of an operator's errors."""
_NO_POSTGRES = "Look whether PostgreSQL runs there, and at DESKCLERK_DATABASE (of a sandbox: --db)."

Told = Callable[[StorageUnavailable], StorageUnavailable]
"""How what the operator can mend is told to whoever asks."""


def as_it_is(error: StorageUnavailable) -> StorageUnavailable:
    """To the operator, who asks on a machine of their own."""
    return error


def shown_place(url: URL) -> str:
    """A database's place as its operator wrote it, without its password and without options.

    Of the options only those are shown that say where it is: libpq takes a password among them too.
    """
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    where = {name: url.query[name] for name in ("host", "port") if name in url.query}
    return url.set(drivername="postgresql", query=where).render_as_string(hide_password=True)


def unusable(url: URL, error: BaseException | None, step: str = "") -> StorageUnavailable:
    """The error of a database that cannot be used."""
    step = step or ("" if url.get_backend_name() == "sqlite" else _NO_POSTGRES)
    return StorageUnavailable.of(shown_place(url), reason(url, error), step)


def explain(context: ExceptionContext, told: Told = as_it_is) -> None:
    """Raise what the operator can mend in words of ours; a rule that a statement broke stays as it is."""
    error, url = context.original_exception, context.engine.url if context.engine else None
    # A cancelled task is told as a lost connection too, and is none.
    if url is None or not isinstance(context.sqlalchemy_exception, DBAPIError):
        return
    found = mendable(url, error)
    # A server that takes no connection is told as lost too, where there was none before.
    refused = context.connection is None and isinstance(context.sqlalchemy_exception, OperationalError)
    if found is None and (context.is_disconnect or refused):
        found = unusable(url, error)
    if found:
        raise told(found) from None


def mendable(url: URL, error: BaseException) -> StorageUnavailable | None:
    """What an error of a database's says that the operator can mend."""
    name = error_name(error)
    step = next((step for prefix, step in _OF_SQLITE.items() if name.startswith(prefix)), "")
    step = step or _OF_POSTGRES.get(getattr(error, "sqlstate", None) or "", "")
    return unusable(url, error, step) if step else None


def error_name(error: BaseException | None) -> str:
    """SQLite's name of an error, empty for others."""
    return str(getattr(error, "sqlite_errorname", "")) if isinstance(error, sqlite3.Error) else ""


def reason(url: URL, error: BaseException | None) -> str:
    """What a driver says, without the password."""
    text = " ".join(str(error).split())
    for secret in (url.password, *(url.query.get(name) for name in ("password", "sslpassword"))):
        text = text.replace(str(secret), "***") if secret else text
    return text
