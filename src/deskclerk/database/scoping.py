"""One workspace's view of a PostgreSQL database that many share: the one place where queries are scoped.

Twice, and each by itself enough. Every statement has the workspace in its condition (`in_workspace`), and
every transaction runs under a role and with a setting from which the tables' row-level security takes which
rows there are. A statement that cannot be given the condition is refused; a table without the column fails.
"""

import asyncio
import functools
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import URL, BindParameter, Dialect, Executable, RowMapping, bindparam, column
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import Alias, FromClause, Join, Select, TableClause
from sqlalchemy.util import LRUCache

from deskclerk.database.connection import Change, Rows, Values
from deskclerk.database.postgres import PostgresConnection, PostgresDatabase
from deskclerk.database.statement import Row, Statement
from deskclerk.errors import WorkspaceGone

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

COLUMN = "workspace"
"""The column that says whose a row is."""
SETTING = "deskclerk.workspace"
"""The setting of a transaction that row-level security compares it with."""
ROLE = "deskclerk_workspace"
"""The role of the transactions, which row-level security holds for whoever connects."""
SHARED = "shared"
"""In a table's `info`: it belongs to no workspace, and is used as it is."""
_PARAMETER = "_workspace"
_SCOPE = (
    f"SELECT set_config('role', %s, true), set_config('{SETTING}', %s, true), "
    "set_config('transaction_read_only', 'on', true)"
)
_ID = re.compile(r"[A-Za-z0-9_]{1,40}")
_NOBODYS = "23503"
"""PostgreSQL's code for a row that names what is not there: of a workspace's own tables, the workspace."""


def in_workspace(
    statement: Any, workspace: "BindParameter[str]", *, keep: "Sequence[BindParameter[Any]]" = ()
) -> Any:
    """The statement with the workspace in the condition of every table that it reads or changes.

    A row that is inserted gets its workspace from the column's default, which is the transaction's setting.
    `keep` are parameters that are not to be copied.

    TypeError for what is no SELECT, INSERT, UPDATE or DELETE.
    """
    if not isinstance(statement, (Select, Insert, Update, Delete)):
        raise TypeError(f"{type(statement).__name__} cannot be kept to one workspace")

    def select(found: Any) -> None:
        conditions = [_mine(table, workspace) for table in _first_tables(found.get_final_froms())]
        found._where_criteria += tuple(conditions)

    def join(found: Any) -> None:
        # Beside the join's own condition: in WHERE it would take away what an outer join leaves empty.
        for table in _first_tables([found.right]):
            found.onclause = found.onclause & _mine(table, workspace)

    def change(found: Any) -> None:
        found._where_criteria += tuple(_mine(table, workspace) for table in _first_tables([found.table]))

    visit: dict[str, Callable[[Any], None]] = {
        "select": select,
        "join": join,
        "update": change,
        "delete": change,
    }
    return visitors.cloned_traverse(statement, {"stop_on": keep}, visit)


def _first_tables(sources: Sequence[FromClause]) -> list[FromClause]:
    """The tables of a FROM that no condition of a join is for; those of a subquery are seen to there."""
    found: list[FromClause] = []
    for source in sources:
        first = source
        while isinstance(first, Join):
            first = first.left
        table = first.element if isinstance(first, Alias) else first
        if isinstance(table, TableClause) and not getattr(table, "info", {}).get(SHARED):
            found.append(first)
    return found


def _mine(table: FromClause, workspace: "BindParameter[str]") -> Any:
    # Not a column of the table's own: a desk on one machine has none, and asks for none.
    return column(COLUMN, _selectable=table) == workspace


_selects: "LRUCache[Any, tuple[Select[Any], Sequence[BindParameter[Any]]]]" = LRUCache(500)
"""By what SQLAlchemy knows a SELECT by: it with its workspace as a parameter, and its other parameters."""

_OF_AN_INSERT = (
    "select",
    "_values",
    "_multi_values",
    "_post_values_clause",
    "_returning",
    "_independent_ctes",
    "_prefixes",
)
"""Where an INSERT may read something; one whose rows are all given beside it has none of these."""


def _only_adds(statement: Insert) -> bool:
    """Whether nothing in an INSERT could read, which to find out anew each time takes long."""
    parts = (getattr(statement, name) for name in _OF_AN_INSERT)
    return all(part is None or (isinstance(part, tuple) and not part) for part in parts)


def _scoped_once(statement: Select[Any]) -> tuple[Select[Any], dict[str, Any]]:
    """A SELECT with its workspace as one more named parameter, and the values of all others.

    To work out where its tables are takes ten times as long as to have it carried out, and is the same for
    all that differ in their values alone.
    """
    key = statement._generate_cache_key()
    # One whose value is still to come would be given that of the first of its kind, should it never come.
    if key is None or any(parameter.required for parameter in key.bindparams):
        return in_workspace(statement, bindparam(_PARAMETER)), {}
    found = _selects.get(key.key)
    if found is None:
        # Their parameters as they are, and not copies with other names.
        scoped = in_workspace(statement, bindparam(_PARAMETER), keep=key.bindparams)
        found = _selects[key.key] = scoped, key.bindparams
    pairs = zip(found[1], key.bindparams, strict=True)
    return found[0], {known.key: given.effective_value for known, given in pairs}


@functools.cache
def _compiled_once(statement: Statement) -> Statement:
    """A statement with its workspace as one more named parameter."""
    parameter: BindParameter[str] = bindparam(_PARAMETER)
    return Statement(lambda dialect: in_workspace(statement.in_dialect(dialect), parameter))


class ScopedConnection(PostgresConnection):
    """A connection inside one transaction of one workspace."""

    def __init__(self, connection: PostgresConnection, workspace: str) -> None:
        super().__init__(connection.of, connection.url, connection.told, connection.last)
        self._workspace = workspace

    def _scoped(self, statement: Executable) -> Any:
        if isinstance(statement, Insert) and _only_adds(statement):
            return statement
        return in_workspace(statement, bindparam(_PARAMETER, self._workspace))

    async def execute(
        self, statement: Executable, parameters: Values | None = None, *, long: bool = False
    ) -> Rows:
        """Carry out one statement, for this workspace."""
        if isinstance(statement, Select) and (parameters is None or isinstance(parameters, Mapping)):
            scoped, values = _scoped_once(statement)
            values |= {**(parameters or {}), _PARAMETER: self._workspace}
            return await super().execute(scoped, values, long=long)
        return await super().execute(self._scoped(statement), parameters, long=long)

    async def fetch(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of a statement that is compiled once, of this workspace."""
        return await super().fetch(_compiled_once(statement), **values, **{_PARAMETER: self._workspace})

    async def apply(self, statement: Statement, /, **values: Any) -> int:
        """Make a change in this workspace with such a statement; how many rows it touched."""
        return await super().apply(_compiled_once(statement), **values, **{_PARAMETER: self._workspace})

    async def apply_last(self, *changes: Change) -> None:
        """Make changes in this workspace after which the transaction has nothing more to do."""
        own = {_PARAMETER: self._workspace}
        scoped = ((_compiled_once(what), [{**values, **own} for values in each]) for what, each in changes)
        await super().apply_last(*scoped)

    def partitions(self, statement: Executable, size: int) -> AsyncGenerator[Sequence[RowMapping], None]:
        """The rows of a long answer, of this workspace."""
        return super().partitions(self._scoped(statement), size)

    async def run_sync(self, work: Callable[[SyncConnection, *Ts], T], *args: *Ts) -> T:
        """Refused: what such work does with the connection is in no one's sight."""
        raise TypeError("work on the driver's own connection cannot be kept to one workspace")


class ScopedDatabase:
    """One workspace of a shared database; closing the database is its owner's."""

    def __init__(self, shared: PostgresDatabase, workspace: str) -> None:
        if not _ID.fullmatch(workspace):
            raise ValueError("not a workspace's id")
        self._shared = shared
        self.workspace = workspace
        self.url: URL = shared.url
        self.dialect: Dialect = shared.dialect
        # Numbers of 32 bits: two workspaces that share one wait for each other, and nothing worse.
        key = int.from_bytes(hashlib.sha256(workspace.encode()).digest()[:4], signed=True)
        scope = f"SET LOCAL ROLE {ROLE}; SET LOCAL {SETTING} = '{workspace}'"
        self._reads = {"scope": scope, "reads": True}
        self._writes = {"scope": scope, "lock": key}
        # The same for a transaction of one statement, and that it only reads.
        self._first = (_SCOPE, (ROLE, workspace))
        # Those of one process queue up here, and wait for the server's lock with one connection.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ScopedConnection]:
        """A transaction that only reads, takes no lock and sees one state of this workspace."""
        async with self._shared.transaction(self._reads) as connection:
            yield ScopedConnection(connection, self.workspace)

    @asynccontextmanager
    async def writing(self, *, synced: bool = True, bounded: bool = True) -> AsyncIterator[ScopedConnection]:
        """A transaction that holds this workspace's write lock; committed unless the block raises.

        WorkspaceGone for a row of a workspace that was deleted.
        """
        options = {**self._writes, "synced": synced, "bounded": bounded}
        try:
            async with self._turn, self._shared.transaction(options) as connection:
                yield ScopedConnection(connection, self.workspace)
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) == _NOBODYS:
                raise WorkspaceGone from None
            raise

    @asynccontextmanager
    async def ending(self) -> AsyncIterator[PostgresConnection]:
        """A transaction that no writer of this workspace is beside, and that may do what none of them may.

        It sees all workspaces: each of its statements says which rows it means.
        """
        options = {"lock": self._writes["lock"]}
        async with self._turn, self._shared.transaction(options) as connection:
            yield connection

    async def ask(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of one statement, which is a transaction of its own."""
        values[_PARAMETER] = self.workspace
        return await self._shared.ask_after(self._first, _compiled_once(statement), values)

    async def dispose(self) -> None:
        """Nothing: other workspaces go on with the same connections."""
