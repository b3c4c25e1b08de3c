"""The tables that a hosted desk has beside the desk's own, declared in the module of their subject.

A change of one needs a migration beside it, in `migrations/versions`. Each says whose its rows are, by the
column of `workspace_column`, or with `SHARED` in its `info` that a row is looked up before that is known.
"""

from sqlalchemy import Column, ColumnElement, FetchedValue, FromClause, MetaData, String, column

from deskclerk.database.scoping import COLUMN

metadata = MetaData()


def workspace_column(*, key: bool = True) -> "Column[str]":
    """The column of a table whose rows belong to a workspace; where it is left out the transaction's own.

    `key` is whether it is part of the primary key, as where names are unique within a workspace.
    """
    return Column(COLUMN, String(40), primary_key=key, nullable=False, server_default=FetchedValue())


def workspace_of(table: FromClause) -> ColumnElement[str]:
    """Whose a row of one of the desk's own tables is, which declare no such column."""
    return column(COLUMN, String(40), _selectable=table)
