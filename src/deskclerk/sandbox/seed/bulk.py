"""Many rows at once, by the fastest way that each database has."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SORT_IN = text(
    "SELECT gin_clean_pending_list(index.oid) FROM pg_class AS index JOIN pg_am ON pg_am.oid = index.relam "
    "WHERE index.relkind = 'i' AND pg_am.amname = 'gin' "
    "AND index.relnamespace = current_schema()::regnamespace"
)
_BULK_KILOBYTES = 262_144
Row = dict[str, Any]


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns: PostgreSQL copies them, SQLite executes one statement."""
    if connection.dialect.name == "sqlite":
        await connection.execute(table.insert(), rows)
        return
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101 - it is open
    names = tuple(rows[0])
    as_json = {name for name in names if isinstance(table.c[name].type, JSON)}
    columns = ", ".join(f'"{name}"' for name in names)
    async with (
        raw.driver_connection.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy,
    ):
        for row in rows:
            await copy.write_row([_plain(row[name]) if name in as_json else row[name] for name in names])


def _plain(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


async def make_room(connection: AsyncConnection) -> None:
    """Let SQLite keep in memory, until `measure`, what inserts all over its indexes touch again and again."""
    if connection.dialect.name == "sqlite":
        await connection.execute(text(f"PRAGMA cache_size = -{_BULK_KILOBYTES}"))


async def measure(connection: AsyncConnection) -> None:
    """Let PostgreSQL's planner know how much there is now, and sort new rows into the indexes of trigrams.

    SQLite's planner is told once and for all, by the migration.
    """
    if connection.dialect.name == "sqlite":
        await connection.execute(text("PRAGMA cache_size = -2000"))
        await connection.execute(text("PRAGMA shrink_memory"))
    else:
        await connection.execute(text("ANALYZE"))
        await connection.execute(_SORT_IN)
