"""The tables that a hosted desk has beside the desk's own, declared in the module of their subject.

A change of one needs a migration beside it, in `migrations/versions`. Each says whose its rows are, by the
column of `workspace_column`, or with `SHARED` in its `info` that a row is looked up before that is known.
"""

from sqlalchemy import Column, FetchedValue, MetaData, String

metadata = MetaData()


def workspace_column(*, key: bool = True) -> "Column[str]":
    """The column of a table whose rows belong to a workspace; where it is left out the transaction's own.

    `key` is whether it is part of the primary key, as where names are unique within a workspace.
    """
    return Column("workspace", String(40), primary_key=key, nullable=False, server_default=FetchedValue())
