"""SQLite, asked in the thread that asks: a statement costs some 30 µs there, and 400 through another thread.

What may take longer crosses to a thread, once: a commit that waits for the disk, a change of many rows, an
answer that is not there within `PATIENCE`. Whoever has to wait for another process polls, and the event
loop goes on meanwhile.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import URL, Dialect, Executable, NullPool, RowMapping, create_engine
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.exc import DBAPIError

from deskclerk.database.connection import Change, Rows, Values, to_the_end
from deskclerk.database.failures import error_name, mendable, reason, shown_place
from deskclerk.database.statement import Row, Statement
from deskclerk.errors import StorageUnavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BUSY_SECONDS = 30.0
"""How long a process waits for another one that writes: longer than a backup or a migration takes."""
PATIENCE = 0.002
"""Seconds for which an answer may keep the event loop waiting; one that is not there by then is asked for
again, in a thread."""
_LOOK = 10_000
"""SQLite's steps between two looks at the clock: some tenths of a millisecond."""
_MANY = 50
"""Rows of one statement from which on a thread inserts them."""
_IDLE = 4
"""Connections that stay open while nobody uses them."""
_CHANGES = 10_000
"""After so many changed rows the log is written back into the file, by a thread."""
_TRIES = 20
"""Turns in which a group of writers is through by then, however many there are."""
_SHORTEST_WAIT, _LONGEST_WAIT = 0.001, 0.05
_NOW = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
_OPTIONS = {"prebuffer_rows": True}
"""All rows are fetched at once: what follows the statement must not go on asking the database."""


def _close(connections: Sequence["SqliteConnection"]) -> None:
    for connection in connections:
        connection.close()


class _AskAgain(Exception):
    """An answer took longer than the event loop waits for."""


async def in_thread(work: Callable[[], T]) -> T:
    """Do it in a thread; who is cancelled meanwhile waits for its end, as the thread has the connection."""
    return await to_the_end(asyncio.get_running_loop().run_in_executor(None, work))


class SqliteConnection:
    """One connection, used by one task at a time."""

    def __init__(self, sync: SyncConnection, url: URL, *, durable: bool) -> None:
        self.sync = sync
        driver = sync.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the dialect's own
        self.driver = driver
        self.dialect: Dialect = sync.dialect
        self.reads = True
        self._url = url
        self._until = 0.0
        """When a statement on the event loop is broken off; 0: never."""
        for pragma in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            # What a statement that fails halfway would undo is kept in memory, not in a file for each.
            "temp_store = MEMORY",
        ):
            driver.execute(f"PRAGMA {pragma}")
        self._synced = not durable
        self.set_synced(durable)
        driver.set_progress_handler(self._too_long, _LOOK)
        # Whoever is given SQLAlchemy's own connection finds a transaction there, and does not end it.
        sync.begin()

    def set_synced(self, synced: bool) -> None:
        """Whether a commit waits for the disk, from the next transaction on."""
        if synced == self._synced:
            return
        self._synced = synced
        self.driver.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
        # To write the log back would keep the loop waiting; where a commit waits for the disk it may.
        self.driver.execute(f"PRAGMA wal_autocheckpoint = {1000 if synced else 0}")

    def _too_long(self) -> bool:
        return 0.0 < self._until < time.perf_counter()

    async def execute(
        self, statement: Executable, parameters: Values | None = None, *, long: bool = False
    ) -> Rows:
        """Carry out one statement; `long` is a change that takes more than moments."""
        if long or (isinstance(parameters, Sequence) and len(parameters) > _MANY):
            return await in_thread(lambda: self._execute(statement, parameters))
        if not self.reads:
            return self._execute(statement, parameters)
        return await self._asked(lambda: self._execute(statement, parameters))

    def _execute(self, statement: Executable, parameters: Values | None) -> Rows:
        try:
            return self.sync.execute(statement, parameters, execution_options=_OPTIONS)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._told(error) from None

    async def fetch(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of a statement that is compiled once."""
        compiled = statement.compiled(self.dialect)
        given = compiled.parameters(values)
        if not self.reads:
            return compiled.rows(self._fetch(compiled.text, given))
        return compiled.rows(await self._asked(lambda: self._fetch(compiled.text, given)))

    def _fetch(self, text: str, given: Sequence[Any]) -> list[Row]:
        try:
            return self.driver.execute(text, given).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from None

    async def apply(self, statement: Statement, /, **values: Any) -> int:
        """Make a change with a statement that is compiled once; how many rows it touched."""
        compiled = statement.compiled(self.dialect)
        try:
            return self.driver.execute(compiled.text, compiled.parameters(values)).rowcount
        except sqlite3.Error as error:
            raise self._told(error) from None

    async def apply_last(self, *changes: Change) -> None:
        """Make changes after which the transaction has nothing more to do, one after the other."""
        for statement, each in changes:
            for values in each:
                await self.apply(statement, **values)

    def _told(self, error: DBAPIError | sqlite3.Error) -> Exception:
        """What the operator can mend in words of ours; a rule that a statement broke stays as it is."""
        of_driver = error.orig if isinstance(error, DBAPIError) else error
        if self._until > 0 and error_name(of_driver).startswith(("SQLITE_INTERRUPT", *_NOW)):
            return _AskAgain()
        if found := of_driver and mendable(self._url, of_driver):
            return found
        if isinstance(error, DBAPIError):
            return error
        # What a statement that goes past SQLAlchemy fails with is told as of any other.
        told: Exception = DBAPIError.instance("", (), error, sqlite3.Error, True, dialect=self.dialect)
        return told

    async def _asked(self, ask: Callable[[], T]) -> T:
        """The answer, from here if it comes in time; else from a thread, however long it takes."""
        self._until = time.perf_counter() + PATIENCE
        try:
            return ask()
        except _AskAgain:
            pass
        finally:
            self._until = 0.0
        return await in_thread(lambda: self._patiently(ask))

    def _patiently(self, ask: Callable[[], T]) -> T:
        self.driver.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")
        try:
            return ask()
        finally:
            self.driver.execute("PRAGMA busy_timeout = 0")

    async def partitions(
        self, statement: Executable, size: int
    ) -> AsyncGenerator[Sequence[RowMapping], None]:
        """The rows of a long answer, at most `size` in memory at a time."""
        result = await in_thread(lambda: self._begun(statement))
        rows = result.mappings().partitions(size)
        try:
            while part := await in_thread(lambda: self._next(rows)):
                yield part
        finally:
            result.close()

    def _begun(self, statement: Executable) -> Rows:
        try:
            return self.sync.execute(statement)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._told(error) from None

    def _next(self, rows: Iterator[Sequence[RowMapping]]) -> Sequence[RowMapping] | None:
        try:
            return next(rows, None)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._told(error) from None

    async def run_sync(self, work: Callable[[SyncConnection, *Ts], T], *args: *Ts) -> T:
        """Work that takes long and wants SQLAlchemy's own connection."""

        def explained() -> T:
            try:
                return work(self.sync, *args)
            except (DBAPIError, sqlite3.Error) as error:
                raise self._told(error) from None

        return await in_thread(explained)

    def close(self) -> None:
        """Let go of the file."""
        self.driver.set_progress_handler(None, 0)
        self.sync.close()


class _Group:
    """Transactions that are committed as one."""

    def __init__(self, connection: SqliteConnection, *, synced: bool) -> None:
        self.connection = connection
        self.synced = synced
        self.before = connection.driver.total_changes
        self.lost = False
        self.ending: asyncio.Task[None] | None = None


class SqliteDatabase:
    """A file that several processes share."""

    def __init__(self, url: URL, *, durable: bool) -> None:
        self.url = url
        self._durable = durable
        self.engine = create_engine(
            url,
            poolclass=NullPool,
            # Transactions are begun and ended here, by their SQL: see `_begin`.
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": 0},
        )
        self.dialect: Dialect = self.engine.dialect
        self._idle: list[SqliteConnection] = []
        # Those of one process queue up here; the file lets one writer in and has the others poll.
        self._turn = asyncio.Lock()
        self._queued = 0
        self._group: _Group | None = None
        self._closed = False
        self._changes = 0
        self._write_back: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqliteConnection]:
        """A transaction that only reads, takes no lock and sees one state."""
        connection = await self.take()
        try:
            yield connection
        finally:
            self.give_back(connection)

    async def ask(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of one statement, which is a transaction of its own."""
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            return await connection.fetch(statement, **values)
        finally:
            self.give_back(connection)

    async def take(self) -> SqliteConnection:
        """A connection inside a transaction that only reads, until `give_back`."""
        connection = self._idle.pop() if self._idle else await self._connect()
        connection.driver.execute("BEGIN")
        return connection

    def give_back(self, connection: SqliteConnection) -> None:
        """End a transaction that only read, or what is left of another."""
        try:
            if connection.driver.in_transaction:
                connection.driver.execute("ROLLBACK")
        except sqlite3.Error:
            # What is left of it ends with the connection.
            connection.close()
            return
        connection.reads = True
        if len(self._idle) < _IDLE and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()

    @asynccontextmanager
    async def writing(self, *, synced: bool = True, bounded: bool = True) -> AsyncIterator[SqliteConnection]:
        """A transaction that holds the write lock; committed unless the block raises.

        Those that wait for their turn while one is carried out are committed together with it: to
        commit takes longer than most of what is committed. Each has a savepoint, and is told of its
        success when all are on the disk.
        """
        del bounded  # the time that it waits for another process is set where it is opened
        synced = synced and self._durable
        self._queued += 1
        try:
            await self._turn.acquire()
        finally:
            self._queued -= 1
        failure: Exception | None = None
        try:
            group, leads = self._group, self._group is None
            if group is None:
                group = await self._begin(synced=synced)
            else:
                group.connection.driver.execute("SAVEPOINT one")
            try:
                yield group.connection
                if leads and (synced or not self._durable):
                    # The loop goes round once: whoever is about to write comes to the queue.
                    await asyncio.sleep(0)
            except BaseException as error:
                self._undo(group, leads=leads)
                # Who has lost the others' work with its own fails of itself.
                if leads or group.lost or not isinstance(error, Exception):
                    raise
                failure = error
            else:
                await self._done(group, leads=leads, synced=synced)
        finally:
            self._turn.release()
        if group.ending is not None:
            await to_the_end(group.ending)
        if failure is not None:
            # Only now: it may have failed of what others of the group did, which was not so until here.
            raise failure

    async def _done(self, group: "_Group", *, leads: bool, synced: bool) -> None:
        """What one of a group did stays; commit where nobody else is to come."""
        if not leads:
            group.connection.driver.execute("RELEASE one")
        elif self._queued == 0 or synced != self._durable:
            # At once, too, where those behind it want what this one does without: the disk.
            await self._end(group)
        else:
            # Behind all that wait now, and not in this task, which may be cancelled.
            group.ending = asyncio.create_task(self._end_in_turn(group))

    async def _begin(self, *, synced: bool) -> "_Group":
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            connection.set_synced(synced)
            await self._poll(lambda: connection.driver.execute("BEGIN IMMEDIATE"))
        except BaseException:
            self.give_back(connection)
            raise
        connection.reads = False
        self._group = _Group(connection, synced=synced)
        return self._group

    def _undo(self, group: "_Group", *, leads: bool) -> None:
        """Take back what one of a group did; all of it where the database has done so itself."""
        driver = group.connection.driver
        if driver.in_transaction and not leads:
            driver.execute("ROLLBACK TO one")
            driver.execute("RELEASE one")
            return
        # Of whoever leads: nobody has joined yet.
        group.lost = not leads
        self._group = None
        self.give_back(group.connection)

    async def _end_in_turn(self, group: "_Group") -> None:
        async with self._turn:
            if group.lost:
                raise StorageUnavailable.of(
                    shown_place(self.url), "what was written together was taken back", "Ask again."
                )
            await self._end(group)

    async def _end(self, group: "_Group") -> None:
        self._group = None
        try:
            if group.synced:
                await in_thread(lambda: self._commit(group.connection))
            else:
                self._commit(group.connection)
        finally:
            self.give_back(group.connection)
        # Where a commit waits for the disk anyway, it also writes the log back.
        if not self._durable:
            self._changes += group.connection.driver.total_changes - group.before
            if self._changes >= _CHANGES:
                self._start_write_back()

    def _commit(self, connection: SqliteConnection) -> None:
        try:
            connection.driver.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._told(error) from None

    async def _connect(self) -> SqliteConnection:
        def connect() -> SqliteConnection:
            sync = self.engine.connect()
            try:
                return SqliteConnection(sync, self.url, durable=self._durable)
            except BaseException:
                sync.close()
                raise

        return await self._poll(connect)

    async def _poll(self, attempt: Callable[[], T]) -> T:
        """Try until no other process is in the way."""
        wait, end = _SHORTEST_WAIT, time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return attempt()
            except sqlite3.Error as error:
                if not error_name(error).startswith(_NOW) or time.monotonic() >= end:
                    raise self._told(error) from None
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _told(self, error: sqlite3.Error) -> StorageUnavailable:
        return mendable(self.url, error) or StorageUnavailable.of(
            shown_place(self.url), reason(self.url, error)
        )

    def _start_write_back(self) -> None:
        if self._write_back is None or self._write_back.done():
            self._changes = 0
            self._write_back = asyncio.create_task(self._checkpoint())

    async def _checkpoint(self) -> None:
        """Write the log back into the file, so that it does not grow; readers and writers go on."""
        connection = self._idle.pop() if self._idle else await self._connect()

        def write_back() -> None:
            connection.driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

        try:
            await in_thread(write_back)
            # The log begins anew only if nobody has written since: once more, while nobody does.
            for _ in range(_TRIES):
                async with self._turn:
                    if self._group is None:
                        await in_thread(write_back)
                        break
        except sqlite3.Error as error:
            # Nothing is lost: the log holds it, and the next one tries again.
            if not error_name(error).startswith(_NOW):
                raise self._told(error) from None
        finally:
            self.give_back(connection)

    async def dispose(self) -> None:
        """Close every connection."""
        if self._write_back is not None:
            await asyncio.wait([self._write_back])
        # A transaction that is still under way closes its own.
        self._closed = True
        idle, self._idle = self._idle, []
        if idle:
            # The last one to close writes the log back, which waits for the disk.
            await in_thread(lambda: _close(idle))
        self.engine.dispose()
