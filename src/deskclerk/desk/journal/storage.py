"""Where a desk keeps its plans and journal, as a door: one database of its own, or a part of a shared one."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deskclerk.desk.journal.heads import BEGINNING, Head
from deskclerk.desk.journal.process_locks import ProcessLock, take_lock
from deskclerk.desk.time_and_ids import new_id
from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.system.private_files import make_database_folder

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deskclerk.database import Database


class Storage(Protocol):
    """The database of one desk, and how it is told which processes live."""

    @property
    def commands(self) -> bool:
        """Whether commands work on it; what a hosted desk keeps people reach by its pages alone."""

    async def database(self) -> "Database":
        """The database, at the current schema."""

    @property
    def process(self) -> str | None:
        """This process's name, once it has one."""

    def process_name(self) -> str:
        """This process's name, under which it holds a lock as long as it lives; StorageUnavailable."""

    def locks(self) -> Path | str:
        """Where processes hold their locks: a folder, or the URL of a PostgreSQL server."""

    async def beginning(self) -> Head:
        """The line behind which the journal begins: number 0 unless lines were cut off it."""

    async def close(self) -> None:
        """Let go of what is the desk's alone."""


class OwnStorage:
    """A database of the desk's own, which is opened when it is first needed."""

    commands = True

    def __init__(self, location: Path, url: "SecretStr | None" = None) -> None:
        """In a file at `location`, or in the database of `url`."""
        self._location = location
        self._url = url
        self._database: Database | None = None
        # Two first requests at once must not both migrate the database.
        self._opening = asyncio.Lock()
        self._process: ProcessLock | None = None

    async def database(self) -> "Database":
        """The desk's database, brought to the current schema."""
        async with self._opening:
            if self._database is None:
                # Opened when needed.
                from deskclerk.database import has_schema, open_database, upgrade  # noqa: PLC0415

                place = self._url.get_secret_value() if self._url else self._location
                if not self._url:
                    self._make_folder()
                # Every commit is synced: an intent that a power cut took away would be a write nobody knows
                # of.
                database = open_database(place, durable=True)
                try:
                    if self._url and await has_schema(database, "deskclerk.hosted.migrations"):
                        # Before anything is changed in it, or shown of it: this asks for no workspace.
                        raise _hosted()
                    await upgrade(database, "deskclerk.desk.journal.migrations")
                except BaseException:
                    await database.dispose()
                    raise
                self._database = database
            return self._database

    @property
    def process(self) -> str | None:
        """This process's name, once it has one."""
        return self._process.name if self._process else None

    def process_name(self) -> str:
        """This process's name, under which it holds a lock as long as it lives."""
        # Taken with the first write and not before: a process that only reads leaves no lock file.
        if self._process is None:
            try:
                self._process = take_lock(self.locks(), new_id("own"))
            except OSError as error:
                raise StorageUnavailable.by_the_system(self._location.parent, error) from None
        return self._process.name

    def locks(self) -> Path | str:
        """Where processes hold their locks: beside the file, or on the server."""
        return self._url.get_secret_value() if self._url else self._location.parent / "locks"

    async def beginning(self) -> Head:
        """None: what is on this machine is kept."""
        return Head(0, BEGINNING)

    async def close(self) -> None:
        """Let go of the database, and of the lock."""
        if self._database:
            await self._database.dispose()
            self._database = None
        if self._process:
            self._process.end()
            self._process = None

    def _make_folder(self) -> None:
        try:
            make_database_folder(self._location.parent)
        except OSError as error:
            raise StorageUnavailable.by_the_system(self._location.parent, error) from None


def _hosted() -> InvalidSettings:
    return InvalidSettings(
        "DESKCLERK_DATABASE is the database of a hosted desk, and this is a desk of one machine.",
        next_step="Use `deskclerk serve --hosted` and `deskclerk hosted` with it; else name another one.",
    )
