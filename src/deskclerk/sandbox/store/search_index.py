"""SQLite's index of trigrams: new rows wait until there are enough of them.

To open and close the index costs more than to add a row to it, and each savepoint writes out what was
added before. Search looks at the rows that wait one by one. PostgreSQL's indexes keep themselves.
"""

from collections.abc import Mapping

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from deskclerk.database import Connection, Statement

MOST = 100
"""How many rows may wait; with the next one all of them are indexed."""
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "users": {"name": "name_folded", "username": "username_folded", "user": "id"},
    "email_addresses": {"email_address": "email_address"},
    "phone_numbers": {"phone_number": "phone_number"},
    "web3_wallets": {"web3_wallet": "web3_wallet"},
}
"""The tables that are searched: by the index's columns, their own."""


def _index(table: str, fields: Mapping[str, str]) -> str:
    values = ", ".join(f"{table}.{value}" for value in fields.values())
    return (
        f"INSERT INTO search_index (rowid, {', '.join(fields)}) SELECT number, {values} "  # noqa: S608
        # In this order: the few that wait, and each one's row by its id.
        f"FROM search_texts CROSS JOIN {table} ON {table}.id = source WHERE indexed = 0"
    )


_WAITING = Statement(text("SELECT count(*) FROM search_texts WHERE indexed = 0"))
_STEPS = [
    *(text(_index(table, fields)) for table, fields in _FIELDS.items()),
    text("UPDATE search_texts SET indexed = 1 WHERE indexed = 0"),
]


async def index_waiting(connection: Connection) -> None:
    """Index the rows that wait, if they are more than MOST; part of every transaction that writes."""
    if connection.dialect.name != "sqlite":
        return
    ((waiting,),) = await connection.fetch(_WAITING)
    if waiting > MOST:
        # Some milliseconds: the event loop goes on meanwhile.
        await connection.run_sync(_index_all)


def _index_all(connection: SyncConnection) -> None:
    for step in _STEPS:
        connection.execute(step)
