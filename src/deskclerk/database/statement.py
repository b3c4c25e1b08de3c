"""Statements that are the same at every call but for their parameters: compiled once, the driver is asked.

SQLAlchemy takes some 100 µs to find a statement in its cache and to wrap what comes back; SQLite reads a
row in 10.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Row = tuple[Any, ...]
_Convert = Callable[[Any], Any]


class Compiled:
    """A statement in one dialect."""

    def __init__(self, compiled: SQLCompiler) -> None:
        dialect = compiled.dialect
        if compiled.post_compile_params:
            # The driver would be sent the mark in its place.
            raise TypeError("how many values a list has is not known to a statement that is compiled once")
        self.text = compiled.string
        # In the order of their places where the dialect numbers them, else by name.
        self._order = tuple(compiled.positiontup or ())
        self._fixed = {
            name: value
            for name, value in compiled.construct_params(_check=False).items()
            if value is not None or compiled.binds[name].value is not None
        }
        processors: Mapping[str, Any] = compiled._bind_processors
        self._bound: dict[str, _Convert] = dict(processors)
        selected = [entry.type for entry in compiled._result_columns]
        converts = [kind._cached_result_processor(dialect, None) for kind in selected]
        self._converts = tuple((place, convert) for place, convert in enumerate(converts) if convert)

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them; those that are not given are as the statement has them."""
        given = {**self._fixed, **values} if self._fixed else values
        bound = self._bound
        if self._order:
            return [bound[name](given[name]) if name in bound else given[name] for name in self._order]
        return {name: bound[name](value) if name in bound else value for name, value in given.items()}

    def rows(self, found: Sequence[Row]) -> list[Row]:
        """The rows with Python's own values: a boolean, what a text of JSON holds."""
        if not self._converts:
            return list(found)
        return [self._row(row) for row in found]

    def _row(self, row: Row) -> Row:
        values = list(row)
        for place, convert in self._converts:
            values[place] = convert(values[place])
        return tuple(values)


class Statement:
    """A SELECT, INSERT, UPDATE or DELETE with named parameters; one that differs by dialect as a function."""

    def __init__(self, statement: ClauseElement | Callable[[Dialect], Executable]) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """The statement in a dialect."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = Compiled(self.in_dialect(dialect).compile(dialect=dialect))
        return found

    def in_dialect(self, dialect: Dialect) -> Any:
        """The statement for a dialect as SQLAlchemy's own, not yet compiled."""
        statement = self._statement
        return statement if isinstance(statement, ClauseElement) else statement(dialect)
