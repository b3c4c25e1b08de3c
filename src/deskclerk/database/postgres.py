"""PostgreSQL, asked asynchronously through psycopg."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import URL, Dialect, Executable, RowMapping, event
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from deskclerk.database.connection import Query, Rows, Values
from deskclerk.database.failures import explain
from deskclerk.errors import InvalidSettings

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CONNECT_SECONDS = 10
_WRITE_LOCK = 0x6465736B
"""The advisory lock that deskclerk's writers take: "desk" in ASCII."""


class PostgresConnection:
    """One connection inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.dialect: Dialect = connection.dialect

    async def execute(
        self, statement: Executable, parameters: Values | None = None, *, long: bool = False
    ) -> Rows:
        """Carry out one statement."""
        del long  # the server takes as long as it takes; nothing waits for it but this task
        return await self._connection.execute(statement, parameters)

    async def fetch(self, query: Query, /, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a prepared query."""
        cursor = await self.driver.execute(query.compiled(self.dialect)[0], values)
        rows: list[tuple[Any, ...]] = await cursor.fetchall()
        return rows

    @property
    def driver(self) -> Any:
        """Psycopg's own connection."""
        raw = self._connection.sync_connection
        assert raw is not None  # noqa: S101 - it is open
        return raw.connection.driver_connection

    async def partitions(self, statement: Executable, size: int) -> AsyncIterator[Sequence[RowMapping]]:
        """The rows of a long answer, at most `size` in memory at a time."""
        whole = statement.execution_options(yield_per=size)
        async with self._connection.stream(whole) as rows:
            async for part in rows.mappings().partitions():
                yield part

    async def run_sync(self, work: Callable[[SyncConnection, *Ts], T], *args: *Ts) -> T:
        """Work that wants SQLAlchemy's own connection."""
        return await self._connection.run_sync(work, *args)


class PostgresDatabase:
    """A database of a server."""

    def __init__(self, url: URL) -> None:
        self.url = url.set(query={"connect_timeout": str(CONNECT_SECONDS), **url.query})
        try:
            self.engine = create_async_engine(self.url, pool_pre_ping=True, hide_parameters=True)
        except ImportError:
            raise InvalidSettings(
                "PostgreSQL needs a driver that is not installed.",
                next_step="Install it with: pip install 'deskclerk[postgres]'.",
            ) from None
        self.dialect: Dialect = self.engine.dialect
        # Those of one process queue up here, and wait for the server's lock with one connection.
        self._turn = asyncio.Lock()
        event.listen(self.engine.sync_engine, "begin", _begin)
        event.listen(self.engine.sync_engine, "handle_error", explain)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgresConnection]:
        """A transaction that only reads, takes no lock and sees one state."""
        async with self.engine.connect() as connection:
            yield PostgresConnection(await connection.execution_options(reads=True))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[PostgresConnection]:
        """A transaction that holds the write lock; committed unless the block raises."""
        async with self._turn, self.engine.begin() as connection:
            yield PostgresConnection(connection)

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _begin(connection: SyncConnection) -> None:
    if connection.get_execution_options().get("reads"):
        # A page and its total are of one moment, as in SQLite.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        # In READ COMMITTED every statement after this one sees what the writer before has left.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
