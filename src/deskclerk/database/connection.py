"""What a database does for whoever asks it, the same for SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol, TypeVar, TypeVarTuple

from sqlalchemy import URL, CursorResult, Dialect, Executable, RowMapping
from sqlalchemy import Connection as SyncConnection

from deskclerk.database.statement import Row, Statement

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Rows = CursorResult[*tuple[Any, ...]]
"""What a statement answers."""

Values = Mapping[str, Any] | Sequence[Mapping[str, Any]]


Change = tuple[Statement, Sequence[Mapping[str, Any]]]
"""An INSERT, UPDATE or DELETE that is compiled once, and the values of each time that it is carried out."""


class Connection(Protocol):
    """A connection inside one transaction."""

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""

    async def execute(
        self, statement: Executable, parameters: Values | None = None, *, long: bool = False
    ) -> Rows:
        """Carry out one statement; `long` is a change that takes more than moments.

        Raises:
            StorageUnavailable: what the operator can mend. A rule that is broken stays SQLAlchemy's error.
        """

    async def fetch(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of a statement that is compiled once."""

    async def apply(self, statement: Statement, /, **values: Any) -> int:
        """Make a change with a statement that is compiled once; how many rows it touched.

        Raises:
            IntegrityError: SQLAlchemy's, for a rule that is broken.
        """

    async def apply_last(self, *changes: Change) -> None:
        """Make changes after which the transaction has nothing more to do, one after the other.

        A server is told them together with the commit, in one way to it and back: what they fail with is then
        raised where the transaction ends. A statement that follows after all finds them done.
        """

    def partitions(self, statement: Executable, size: int) -> AsyncGenerator[Sequence[RowMapping], None]:
        """The rows of a long answer, at most `size` in memory at a time."""

    async def run_sync(self, work: Callable[[SyncConnection, *Ts], T], *args: *Ts) -> T:
        """Work that takes long and wants SQLAlchemy's own connection."""


class Database(Protocol):
    """An open database."""

    @property
    def url(self) -> URL:
        """Where it is."""

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that only reads, takes no lock and sees one state."""

    async def ask(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of one statement, which is a transaction of its own."""

    def writing(
        self, *, synced: bool = True, bounded: bool = True
    ) -> AbstractAsyncContextManager[Connection]:
        """A transaction that holds the write lock; committed unless the block raises.

        Where `synced` is off, a power cut may take it away: it is committed without waiting for the disk.
        Unless it is `bounded`, it waits for the lock and takes its time however long: migrations do.
        """

    async def dispose(self) -> None:
        """Close every connection."""


async def to_the_end(future: "asyncio.Future[T]") -> T:
    """What a future gives; who is cancelled meanwhile waits for its end."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        if not future.cancelled():
            future.exception()
        raise
