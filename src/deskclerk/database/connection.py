"""What a database does for whoever asks it, the same for SQLite and PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar, TypeVarTuple

from sqlalchemy import URL, CursorResult, Dialect, Executable, RowMapping, Select
from sqlalchemy import Connection as SyncConnection

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Rows = CursorResult[*tuple[Any, ...]]
"""What a statement answers."""

Values = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Query:
    """A SELECT that is the same at every call but for its parameters: compiled once.

    Rows are tuples of what the driver gives: JSON as text in SQLite, a boolean there as 0 or 1.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
        """The text in a dialect, and its parameters' names, in their order where it has one."""
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled = self._statement.compile(dialect=dialect)
            found = self._compiled[dialect.name] = (compiled.string, tuple(compiled.positiontup or ()))
        return found


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

    async def fetch(self, query: Query, /, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a prepared query."""

    def partitions(self, statement: Executable, size: int) -> AsyncIterator[Sequence[RowMapping]]:
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

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that holds the write lock; committed unless the block raises."""

    async def dispose(self) -> None:
        """Close every connection."""
