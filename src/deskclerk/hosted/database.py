"""The database of a hosted desk: whole for what is looked up before a workspace is known, else by workspace.

It also holds the one lock by which other replicas see whether this one lives.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from deskclerk.database import upgrade
from deskclerk.database.location import read_url
from deskclerk.database.postgres import PostgresDatabase
from deskclerk.database.scoping import ScopedDatabase
from deskclerk.desk.journal.heads import BEGINNING, Head
from deskclerk.desk.journal.process_locks import ProcessLock, take_lock
from deskclerk.desk.time_and_ids import new_id
from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.hosted.isolation import check_isolation

if TYPE_CHECKING:
    from deskclerk.database import Database

Beginning = Callable[[str], Awaitable[Head]]
"""The line behind which the journal of a workspace begins."""
_DESK = "deskclerk.desk.journal.migrations"
_HOSTED = "deskclerk.hosted.migrations"
MIGRATIONS = (_DESK, _HOSTED)
"""The packages whose newest schema the database has."""
_CONNECTIONS = 20
"""Of one replica. All of them stay open: to make one takes as long as ten transactions."""


class HostedDatabase:
    """One PostgreSQL database for all workspaces."""

    def __init__(self, url: SecretStr) -> None:
        """InvalidSettings for what is no PostgreSQL URL."""
        place = read_url(url.get_secret_value())
        if place.get_backend_name() != "postgresql":
            raise InvalidSettings(
                "A hosted desk keeps its workspaces in PostgreSQL, and DESKCLERK_DATABASE names another.",
                next_step="Set it to postgresql://USER:PASSWORD@HOST/DATABASE.",
            )
        self._url = url
        self.shared = PostgresDatabase(place, pool_size=_CONNECTIONS, max_overflow=0)
        self._of: dict[str, ScopedDatabase] = {}
        self._process: ProcessLock | None = None
        self._naming = asyncio.Lock()

    @classmethod
    async def open(cls, url: SecretStr) -> "HostedDatabase":
        """The database, brought to the current schema, with this replica known to the others.

        Raises:
            StorageUnavailable: it cannot be opened.
            InvalidSettings: it is in use for something else, its user may not make the role, or it does not
                keep workspaces apart, as one that was restored without the role.
        """
        database = cls(url)
        try:
            await upgrade(database.shared, _DESK, newer=True)
            await upgrade(database.shared, _HOSTED, beside=_DESK, newer=True)
            await check_isolation(database.shared)
            await database.name()
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def whole(self) -> "Database":
        """All of it, kept to no workspace: for what says which workspace a request is for."""
        return self.shared

    def of(self, workspace: str) -> ScopedDatabase:
        """One workspace's part."""
        found = self._of.get(workspace)
        if found is None:
            found = self._of[workspace] = ScopedDatabase(self.shared, workspace)
        return found

    async def name(self) -> str:
        """This replica's name, under which it holds a lock as long as it lives."""
        async with self._naming:
            if self._process is None:
                try:
                    self._process = await asyncio.to_thread(
                        take_lock, self._url.get_secret_value(), new_id("own")
                    )
                except OSError as error:
                    raise StorageUnavailable.by_the_system(Path("DESKCLERK_DATABASE"), error) from None
            return self._process.name

    def storage(self, workspace: str, beginning: Beginning | None = None) -> "WorkspaceStorage":
        """The storage door of a workspace's desk; `beginning` tells what its journal begins behind."""
        return WorkspaceStorage(self, workspace, beginning)

    @property
    def process(self) -> str | None:
        """This replica's name, once it has one."""
        return self._process.name if self._process else None

    @property
    def url(self) -> str:
        """Where it is, password and all: for a driver, never for people."""
        return self._url.get_secret_value()

    async def close(self) -> None:
        """Let go of every connection, and of the lock."""
        await self.shared.dispose()
        if self._process:
            self._process.end()
            self._process = None


class WorkspaceStorage:
    """What a desk of one workspace keeps its plans and journal in."""

    commands = False

    def __init__(self, hosted: HostedDatabase, workspace: str, beginning: Beginning | None = None) -> None:
        self._hosted = hosted
        self._workspace = workspace
        self._beginning = beginning

    async def database(self) -> "Database":
        """The workspace's part of the database."""
        return self._hosted.of(self._workspace)

    @property
    def process(self) -> str | None:
        """This replica's name."""
        return self._hosted.process

    def process_name(self) -> str:
        """This replica's name."""
        name = self._hosted.process
        assert name is not None  # noqa: S101 - `HostedDatabase.open` gave it one
        return name

    def locks(self) -> str:
        """Where replicas hold their locks: on the server."""
        return self._hosted.url

    async def beginning(self) -> Head:
        """The line of the newest checkpoint, where the journal was cut off."""
        return await self._beginning(self._workspace) if self._beginning else Head(0, BEGINNING)

    async def close(self) -> None:
        """Nothing: other workspaces go on with the same connections."""
