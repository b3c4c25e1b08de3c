"""Reading, changing and paging the rows of one instance; what is unique is kept so by the database."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError, MultipleResultsFound

from deskclerk.database import Statement
from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import Refusal, not_found

DEFAULT_LIMIT = 10

RowMapping = Mapping[Any, Any]
"""A row by the names of its columns, whichever way it was read."""


def all_of(call: Call, table: Table) -> Select[Any]:
    """The rows of a table that belong to the call's instance."""
    # Every read begins here: no handler can forget whose rows it may see.
    return select(table).where(table.c.instance_id == call.instance.id)


async def find(call: Call, table: Table, /, **keys: Any) -> RowMapping | None:
    """The row whose columns have these values, if there is one."""
    given = {f"key_{name}": value for name, value in keys.items()}
    found = await call.connection.fetch(_by_keys(table, tuple(keys)), instance=call.instance.id, **given)
    if len(found) > 1:
        raise MultipleResultsFound(f"{table.name} has several rows with one {', '.join(keys)}.")
    return dict(zip(table.c.keys(), found[0], strict=True)) if found else None


async def get(call: Call, table: Table, key: str, what: str) -> RowMapping:
    """The row with this id; else a 404 that says `what` was sought."""
    row = await find(call, table, id=key)
    if row is None:
        raise not_found(what, key)
    return row


async def insert(call: Call, table: Table, /, **values: Any) -> None:
    """A new row of the call's instance."""
    values["instance_id"] = call.instance.id
    await call.connection.apply(_insert(table, tuple(values)), **values)


async def change(call: Call, table: Table, key: str, /, **values: Any) -> None:
    """New values in the row with this id."""
    given = {f"new_{name}": value for name, value in values.items()}
    await call.connection.apply(_update(table, tuple(values)), instance=call.instance.id, key=key, **given)


async def remove(call: Call, table: Table, key: str) -> None:
    """Delete the row with this id, and what belongs to it."""
    await call.connection.apply(_delete(table), instance=call.instance.id, key=key)


# There are as many as handlers have ways to write a row: each is compiled once.
@cache
def _by_keys(table: Table, names: tuple[str, ...]) -> Statement:
    same = (table.c[name] == bindparam(f"key_{name}", type_=table.c[name].type) for name in names)
    return Statement(select(table).where(table.c.instance_id == bindparam("instance"), *same))


@cache
def _insert(table: Table, names: tuple[str, ...]) -> Statement:
    return Statement(table.insert().values({name: bindparam(name) for name in names}))


@cache
def _update(table: Table, names: tuple[str, ...]) -> Statement:
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return Statement(update(table).where(*_mine(table)).values(new))


@cache
def _delete(table: Table) -> Statement:
    return Statement(delete(table).where(*_mine(table)))


def _mine(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.instance_id == bindparam("instance"), table.c.id == bindparam("key")


@contextmanager
def unique_or(refused: Refusal) -> Iterator[None]:
    """Raise `refused` when a unique index objects; the call's transaction ends with it."""
    try:
        yield
    except IntegrityError as error:
        # "UNIQUE constraint failed" of SQLite, "violates unique constraint" of PostgreSQL.
        if "unique constraint" not in str(error.orig).lower():
            raise
        raise refused from None


Present = Callable[[Call, Sequence[RowMapping]], Awaitable[Sequence[Any]]]
"""Turns rows into answers, all at once, so that related rows are read in one query each."""


async def page(call: Call, query: Select[Any], present: Present) -> Any:
    """The page that `limit` and `offset` of the call cut out of an ordered query.

    A bare list, or `{data, total_count}` where the route always says so or `paginated=true` asks for it.
    """
    cut = query
    if call.pages:
        cut = query.limit(call.query.get("limit", DEFAULT_LIMIT)).offset(call.query.get("offset", 0))
    rows = (await call.connection.execute(cut)).mappings().all()
    items = await present(call, rows)
    if call.wrapped or call.query.get("paginated"):
        return {"data": items, "total_count": await count(call, query)}
    return items


async def count(call: Call, query: Select[Any]) -> int:
    """How many rows a query has, however its pages are cut."""
    whole = query.order_by(None).limit(None).offset(None)
    # Without the order, which only costs time where rows are counted.
    counted = whole.with_only_columns(func.count(), maintain_column_froms=True)
    return int((await call.connection.execute(counted)).scalar_one())


def split_order(text: str) -> tuple[str, bool]:
    """The name of an `order_by`, and whether it descends."""
    return text.removeprefix("+").removeprefix("-"), text.startswith("-")


def ordered(
    query: Select[Any], by: ColumnElement[Any], tie: ColumnElement[Any], *, descends: bool
) -> Select[Any]:
    """The query in that order, rows without a value last, equal ones by `tie`: no page overlaps another."""
    if not getattr(by, "nullable", True):  # said of what cannot be null, it keeps PostgreSQL off the index
        return query.order_by(*((by.desc(), tie.desc()) if descends else (by, tie)))
    if descends:
        return query.order_by(by.desc().nulls_last(), tie.desc())
    return query.order_by(by.asc().nulls_last(), tie.asc())


def split_signs(values: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ids to include and ids to exclude, from ids with `+`, `-` or nothing before them."""
    # A "+" that was not escaped arrives as a space.
    wanted = [item.removeprefix("+").lstrip(" ") for item in values if not item.startswith("-")]
    return wanted, [item.removeprefix("-") for item in values if item.startswith("-")]
