"""The rows of the seed before they are inserted, and the chance they are drawn with."""

import random
from typing import Any

from sqlalchemy import Table

from deskclerk.database import Connection
from deskclerk.sandbox.ids import id_from
from deskclerk.sandbox.store.columns import metadata

DAY = 86_400_000
HOUR = 3_600_000
TODAY = 1_780_272_000_000
"""1 June 2026, the fixed day that dates in the past are told from."""


class Draft:
    """Collects rows by table; ids and choices are the same every time."""

    def __init__(self, instance_id: str, now: int) -> None:
        self.instance_id = instance_id
        self.now = now
        # One source for everything: one more draw changes every id that is drawn after it.
        self.chance = random.Random("deskclerk")  # noqa: S311 - made-up people, no secrets
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def id(self, prefix: str, at: int = TODAY) -> str:
        """The next id; its time is that of a fixed moment, never of the seeding."""
        return id_from(prefix, at, self.chance.randbytes(15))

    def add(self, table: Table, **values: Any) -> dict[str, Any]:
        """One more row; without `updated_at` it is as old as it was made."""
        row = {"instance_id": self.instance_id, **values}
        row.setdefault("updated_at", row["created_at"])
        self.rows.setdefault(table.name, []).append(row)
        return row

    async def insert(self, connection: Connection) -> None:
        """Insert all rows, in the order that foreign keys ask for."""
        for table in metadata.sorted_tables:
            if table.name in self.rows:
                await connection.execute(table.insert(), self.rows[table.name])
