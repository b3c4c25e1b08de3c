"""A workspace is taken out as a file, and goes: every row that names it, in every table that there is.

Which tables those are the database itself is asked, so that none is forgotten that a later version adds.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text

from deskclerk.database.scoping import COLUMN
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.retention.pruning import PRUNING

_SECRET = {
    "instances": {"secret_key"},
    "checkpoint_keys": {"sealed"},
    "signer": {"digest"},
    "console_links": {"digest"},
    "job_items": {"secrets"},
}
"""Columns that an export leaves out, beside every column whose name says that it is sealed or a digest."""
_TELLING = ("sealed", "digest", "hash", "wrapped", "ciphertext", "secret")
_PLAIN = {("events", "hash"), ("checkpoints", "hash"), ("plans", "digest"), ("jobs", "digest")}
"""Hashes that give nothing away, and by which what was exported is checked."""
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Gone:
    """How many rows went, by their table."""

    rows: dict[str, int]


class Leaving:
    """Takes workspaces out, and deletes them."""

    def __init__(self, hosted: HostedDatabase) -> None:
        self._hosted = hosted

    async def export(self, workspace: str) -> AsyncIterator[str]:
        """All that there is of a workspace but its secrets: JSON lines `{"table": …, "row": …}`."""
        async with self._hosted.whole.reading() as connection:
            for table in ["workspaces", *await self._tables()]:
                owner = "id" if table == "workspaces" else COLUMN
                query = text(f'SELECT * FROM "{table}" WHERE {owner} = :workspace')  # noqa: S608 - the server's names
                rows = query.bindparams(bindparam("workspace", workspace))
                async for part in connection.partitions(rows, _AT_ONCE):
                    for row in part:
                        shown = {name: row[name] for name in row if not _hidden(table, name)}
                        yield json.dumps({"table": table, "row": shown}, default=_told) + "\n"

    async def delete(self, workspace: str) -> Gone:
        """Delete a workspace with everything that is its own, in one transaction; how much that was."""
        rows: dict[str, int] = {}
        tables = await self._tables()
        # Whoever writes in it ends first; who comes later finds nothing to write in.
        async with self._hosted.of(workspace).ending() as connection:
            await connection.execute(text(f"SET LOCAL {PRUNING} = 'on'"))
            for table in tables:
                going = text(f'DELETE FROM "{table}" WHERE {COLUMN} = :workspace')  # noqa: S608 - the server's names
                gone = await connection.execute(going, {"workspace": workspace})
                rows[table] = gone.rowcount
            last = text("DELETE FROM workspaces WHERE id = :workspace")
            rows["workspaces"] = (await connection.execute(last, {"workspace": workspace})).rowcount
        return Gone({table: number for table, number in rows.items() if number})

    async def _tables(self) -> list[str]:
        """Every table whose rows belong to workspaces, by name."""
        query = text(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = :column ORDER BY table_name"
        )
        async with self._hosted.whole.reading() as connection:
            found = await connection.execute(query, {"column": COLUMN})
            return [str(name) for (name,) in found]


def _hidden(table: str, column: str) -> bool:
    if (table, column) in _PLAIN:
        return False
    return column in _SECRET.get(table, ()) or any(word in column for word in _TELLING)


def _told(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
