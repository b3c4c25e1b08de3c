"""PostgreSQL, asked asynchronously through psycopg."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import URL, Dialect, Executable, RowMapping, event
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import QueuePool

from deskclerk.database.connection import Change, Rows, Values
from deskclerk.database.failures import Told, as_it_is, explain, mendable, unusable
from deskclerk.database.statement import Row, Statement
from deskclerk.errors import InvalidSettings, StorageUnavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CONNECT_SECONDS = 10
_IDLE_SECONDS, _LOCK_SECONDS = 15, 30
"""For how long a writer may do nothing inside its transaction, and wait for the write lock.

A replica that stops in the middle of one (a machine that sleeps, or is cut off) would hold the lock without
end. The first is less than the second: whoever waits behind it gets the lock and no error.
"""
_KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that is gone without a word is found out within a minute, and not after hours."""
_WRITE_LOCK = 0x6465736B
"""The advisory lock that deskclerk's writers take: "desk" in ASCII."""


_Query = tuple[str, Any]
"""A text, and its parameters."""
_COMMIT: _Query = ("COMMIT", None)
_BUSY = "Nothing was done. Ask again in a moment; if it stays so, run more replicas."
_ASKING = 8
"""Connections for single statements; whoever finds all of them in use waits for one."""


@contextmanager
def _explained(url: URL, told: Told) -> Iterator[None]:
    """What a statement that goes past SQLAlchemy fails with is told as of any other."""
    import psycopg  # noqa: PLC0415 - where it is installed

    try:
        yield
    except psycopg.Error as error:
        found = mendable(url, error)
        if found is None and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            found = unusable(url, error)
        if found:
            raise told(found) from None
        raise DBAPIError.instance("", (), error, psycopg.Error, hide_parameters=True) from None


@dataclass(frozen=True, slots=True)
class PoolUse:
    """The connections of one process to a server: those that answer, those that wait, and how many may be."""

    in_use: int
    idle: int
    most: int


class PostgresConnection:
    """One connection inside one transaction."""

    def __init__(
        self, connection: AsyncConnection, url: URL, told: Told, last: list[_Query] | None = None
    ) -> None:
        """`last` are those that go with the commit, where another one of the same transaction has them."""
        self.of = connection
        self.url = url
        self.told = told
        self.dialect: Dialect = connection.dialect
        self.last: list[_Query] = [] if last is None else last

    async def execute(
        self, statement: Executable, parameters: Values | None = None, *, long: bool = False
    ) -> Rows:
        """Carry out one statement."""
        del long  # the server takes as long as it takes; nothing waits for it but this task
        await self.send_last()
        return await self.of.execute(statement, parameters)

    async def fetch(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of a statement that is compiled once."""
        await self.send_last()
        compiled = statement.compiled(self.dialect)
        with _explained(self.url, self.told):
            cursor = await self.driver.execute(compiled.text, compiled.parameters(values))
            return compiled.rows(await cursor.fetchall())

    async def apply(self, statement: Statement, /, **values: Any) -> int:
        """Make a change with a statement that is compiled once; how many rows it touched."""
        await self.send_last()
        compiled = statement.compiled(self.dialect)
        with _explained(self.url, self.told):
            cursor = await self.driver.execute(compiled.text, compiled.parameters(values))
            return int(cursor.rowcount)

    async def apply_last(self, *changes: Change) -> None:
        """Make changes after which the transaction has nothing more to do: they go with the commit."""
        for statement, each in changes:
            compiled = statement.compiled(self.dialect)
            self.last.extend((compiled.text, compiled.parameters(values)) for values in each)

    async def send_last(self, *commit: _Query) -> None:
        """Carry out what was kept for the end, and what is given after it: one way to the server and back."""
        if not self.last:
            return
        queries, driver = [*self.last, *commit], self.driver
        self.last.clear()
        with _explained(self.url, self.told):
            async with driver.pipeline():
                for query in queries:
                    await driver.execute(*query)

    @property
    def driver(self) -> Any:
        """Psycopg's own connection."""
        raw = self.of.sync_connection
        assert raw is not None  # noqa: S101 - it is open
        return raw.connection.driver_connection

    async def partitions(
        self, statement: Executable, size: int
    ) -> AsyncGenerator[Sequence[RowMapping], None]:
        """The rows of a long answer, at most `size` in memory at a time."""
        await self.send_last()
        whole = statement.execution_options(yield_per=size)
        async with self.of.stream(whole) as rows:
            try:
                async for part in rows.mappings().partitions():
                    yield part
            finally:
                # Also for who stops reading: SQLAlchemy leaves it open then, and the server keeps a cursor.
                await rows.close()

    async def run_sync(self, work: Callable[[SyncConnection, *Ts], T], *args: *Ts) -> T:
        """Work that wants SQLAlchemy's own connection."""
        await self.send_last()
        return await self.of.run_sync(work, *args)


def _check_event_loop() -> None:
    """InvalidSettings in a loop that psycopg cannot use (psycopg.org/psycopg3/docs/advanced/async.html)."""
    if sys.platform != "win32":
        return
    with suppress(RuntimeError):  # none runs yet
        if isinstance(asyncio.get_running_loop(), asyncio.ProactorEventLoop):
            raise InvalidSettings(
                "PostgreSQL cannot be used in the event loop that Windows has by itself.",
                next_step="Leave DESKCLERK_DATABASE unset, or run deskclerk in WSL; a program of your "
                "own gives asyncio.Runner a loop_factory of asyncio.SelectorEventLoop.",
            )


class PostgresDatabase:
    """A database of a server."""

    def __init__(self, url: URL, **pool: int) -> None:
        """`pool` are the engine's bounds: `pool_size`, `max_overflow`."""
        _check_event_loop()
        bounds = {"pool_size": 5, "max_overflow": 10} | pool
        self.url = url.set(query={"connect_timeout": str(CONNECT_SECONDS), **url.query})
        # Beside the address, which errors show; what that says itself counts.
        self._keepalive = {name: value for name, value in _KEEPALIVE.items() if name not in url.query}
        try:
            # Autocommit is the driver's word for "I begin and end transactions myself" (see `_begin`).
            self.engine = create_async_engine(
                self.url,
                isolation_level="AUTOCOMMIT",
                hide_parameters=True,
                connect_args=self._keepalive,
                **bounds,
            )
        except ImportError:
            raise InvalidSettings(
                "PostgreSQL needs a driver that is not installed.",
                next_step="Install it with: pip install 'deskclerk[postgres]'.",
            ) from None
        self.dialect: Dialect = self.engine.dialect
        self.told: Told = as_it_is
        """How it is told that the server cannot be used; of others' requests, without its address."""
        # Those of one process queue up here, and wait for the server's lock with one connection.
        self._turn = asyncio.Lock()
        self._asking = asyncio.Semaphore(_ASKING)
        self._answering = 0
        self._most = sum(bounds.values()) + _ASKING
        self._idle: list[Any] = []
        event.listen(self.engine.sync_engine, "begin", _begin)
        event.listen(self.engine.sync_engine, "handle_error", lambda context: explain(context, self.told))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgresConnection]:
        """A transaction that only reads, takes no lock and sees one state."""
        async with self.transaction({"reads": True}) as connection:
            yield connection

    @asynccontextmanager
    async def writing(
        self, *, synced: bool = True, bounded: bool = True
    ) -> AsyncIterator[PostgresConnection]:
        """A transaction that holds the write lock; committed unless the block raises."""
        async with self._turn, self.transaction({"synced": synced, "bounded": bounded}) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, options: Mapping[str, Any]) -> AsyncIterator[PostgresConnection]:
        """A transaction that begins as the options say (see `_begin`); committed unless the block raises."""
        async with AsyncExitStack() as stack:
            connection = PostgresConnection(await self._begun(stack, options), self.url, self.told)
            yield connection
            # SQLAlchemy's own commit finds it ended, and asks the server nothing.
            await connection.send_last(_COMMIT)

    async def _begun(
        self, stack: AsyncExitStack, options: Mapping[str, Any], *, again: bool = True
    ) -> AsyncConnection:
        """A connection inside a transaction, as long as the stack.

        That the server has let go of a connection that was idle is found out by beginning, which spares a way
        to it and back each time: nothing was done yet, and a new one tells how the server is now.
        """
        try:
            connection = await stack.enter_async_context(self.engine.connect())
        except NoneFree:
            raise StorageUnavailable(
                "Every connection of this process to the database is in use.", next_step=_BUSY, places=False
            ) from None
        except StorageUnavailable as error:
            # Without what the driver says beside it: where an error came from is shown to operators too.
            raise error from None
        await connection.execution_options(**options)
        try:
            # Begun here: a statement that goes past SQLAlchemy would begin one that it knows nothing of.
            await stack.enter_async_context(connection.begin())
        except StorageUnavailable:
            if again and connection.invalidated:
                return await self._begun(stack, options, again=False)
            raise
        return connection

    async def ask(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of one statement, which is a transaction of its own: one way to the server and back."""
        return await self.ask_after(None, statement, values)

    async def ask_after(
        self, first: _Query | None, statement: Statement, values: Mapping[str, Any]
    ) -> list[Row]:
        """The same after another one, text and parameters, in one transaction and one way to the server.

        Where the first one fails the other is not carried out.
        """
        compiled = statement.compiled(self.dialect)
        queries = [*([first] if first else []), (compiled.text, compiled.parameters(values))]
        with _explained(self.url, self.told):
            async with self._asking:
                self._answering += 1
                try:
                    return compiled.rows(await self._ask(queries))
                finally:
                    self._answering -= 1

    async def _ask(self, queries: Sequence[_Query]) -> list[Row]:
        import psycopg  # noqa: PLC0415 - where it is installed

        if self._idle:
            connection = self._idle.pop()
            try:
                return await self._answer(connection, queries)
            except psycopg.OperationalError:
                # The server may have let go of it while it was idle: a new one tells how it is now.
                await self._close(self._idle)
        url = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **self._keepalive)
        return await self._answer(connection, queries)

    async def _answer(self, connection: Any, queries: Sequence[_Query]) -> list[Row]:
        try:
            if len(queries) == 1:
                cursor = await connection.execute(*queries[0])
            else:
                # Without a sync between them they are one transaction (PostgreSQL: "Pipelining").
                async with connection.pipeline():
                    for query in queries:
                        cursor = await connection.execute(*query)
            rows: list[Row] = await cursor.fetchall()
        except BaseException:
            # Also where the task is cancelled: an answer may still be on its way.
            await connection.close()
            raise
        self._idle.append(connection)
        return rows

    async def _close(self, connections: list[Any]) -> None:
        while connections:
            await connections.pop().close()

    @property
    def pool_use(self) -> PoolUse:
        """How many connections this process has open now, of those that it may."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)  # noqa: S101 - what such an engine has unless it is told otherwise
        return PoolUse(
            in_use=pool.checkedout() + self._answering,
            idle=pool.checkedin() + len(self._idle),
            most=self._most,
        )

    async def dispose(self) -> None:
        """Close every connection."""
        await self._close(self._idle)
        await self.engine.dispose()


def _begin(connection: SyncConnection) -> None:
    """Begin as the options say: `reads`, else the write lock, of all or of `lock`; `scope` goes before."""
    options = connection.get_execution_options()
    # One way to the server for all of it: without parameters it takes several statements at once.
    first = [options["scope"]] if "scope" in options else []
    if options.get("reads"):
        # A page and its total are of one moment, as in SQLite.
        first.insert(0, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        first.insert(0, "BEGIN")
        if options.get("bounded", True):
            first.append(f"SET LOCAL lock_timeout TO '{_LOCK_SECONDS}s'")
            first.append(f"SET LOCAL idle_in_transaction_session_timeout TO '{_IDLE_SECONDS}s'")
        if not options.get("synced", True):
            first.append("SET LOCAL synchronous_commit TO off")
        # In READ COMMITTED every statement after this one sees what the writer before has left.
        key = f"{_WRITE_LOCK}, {options['lock']}" if "lock" in options else str(_WRITE_LOCK)
        first.append(f"SELECT pg_advisory_xact_lock({key})")
    connection.exec_driver_sql("; ".join(first))
