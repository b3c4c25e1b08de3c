"""Lists: one page of rows, in the shape that the route's list has."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func

from deskclerk.sandbox.call import Call

DEFAULT_LIMIT = 10

Present = Callable[[Call, Sequence[RowMapping]], Awaitable[list[dict[str, Any]]]]
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
    counted = whole.with_only_columns(func.count(), maintain_column_froms=True)
    return (await call.connection.execute(counted)).scalar_one()


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
    wanted = [item.removeprefix("+").lstrip(" ") for item in values if not item.startswith("-")]
    return wanted, [item.removeprefix("-") for item in values if item.startswith("-")]
