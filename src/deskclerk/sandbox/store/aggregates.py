"""Rows of other tables inside one row: what belongs to something is read with it, in one statement."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    String,
    any_,
    bindparam,
    func,
    select,
    type_coerce,
)

Whose = ColumnElement[bool]


def rows_of(dialect: Dialect, columns: Sequence[Column[Any]], whose: Whose) -> ColumnElement[Any]:
    """A column with a JSON array of the rows that belong to the outer row, each an array of values."""
    if dialect.name == "sqlite":
        found = func.json_group_array(func.json_array(*columns))
    else:
        found = func.json_agg(func.json_build_array(*columns))
    inner = select(found).where(whose)
    # Of the outer statement's tables alone: the rows' own table is the inner one's.
    return type_coerce(inner.correlate_except(columns[0].table).scalar_subquery(), JSON)


def read_rows(columns: Sequence[Column[Any]], found: Any) -> list[dict[str, Any]]:
    """The rows in a value of `rows_of`, by the names of the columns; in no order."""
    names = [column.name for column in columns]
    rows = [dict(zip(names, values, strict=True)) for values in found or ()]
    if rows:
        for name, convert in _converts(tuple(columns)):
            for row in rows:
                if row[name] is not None:
                    row[name] = convert(row[name])
    return rows


@cache
def _converts(columns: tuple[Column[Any], ...]) -> list[tuple[str, Callable[[Any], Any]]]:
    found = ((column.name, _convert(column)) for column in columns)
    return [(name, convert) for name, convert in found if convert]


def _convert(column: Column[Any]) -> Callable[[Any], Any] | None:
    """SQLite knows neither booleans nor JSON: inside of JSON they are numbers and texts."""
    if isinstance(column.type, Boolean):
        return bool
    if isinstance(column.type, JSON):
        return lambda value: json.loads(value) if isinstance(value, str) else value
    return None


def among(dialect: Dialect, column: Column[Any], name: str) -> ColumnElement[bool]:
    """Whether a column's value is one of a parameter's, which is a list of any length."""
    if dialect.name == "sqlite":
        each = func.json_each(bindparam(name, type_=JSON)).table_valued("value")
        return column.in_(select(each.c.value))
    from sqlalchemy.dialects.postgresql import ARRAY  # noqa: PLC0415 - where it is the dialect

    return column == any_(bindparam(name, type_=ARRAY(String)))
