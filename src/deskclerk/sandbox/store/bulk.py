"""Inserting thousands of rows at once."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Table

from deskclerk.database import Connection


async def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns: PostgreSQL copies them, SQLite executes one statement."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        await connection.execute(table.insert(), rows, long=True)
        return
    from deskclerk.database.postgres import PostgresConnection  # noqa: PLC0415 - where it is one

    assert isinstance(connection, PostgresConnection)  # noqa: S101 - the other of the two
    names = tuple(rows[0])
    # COPY goes past SQLAlchemy's types: JSON has to be text here.
    as_json = {name for name in names if isinstance(table.c[name].type, JSON)}
    columns = ", ".join(f'"{name}"' for name in names)
    async with (
        connection.driver.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy,
    ):
        for row in rows:
            await copy.write_row([_plain(row[name]) if name in as_json else row[name] for name in names])


def _plain(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
