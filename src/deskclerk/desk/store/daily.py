"""How much was asked and done, day by day."""

from typing import Any

from sqlalchemy import BigInteger, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncEngine

from deskclerk.desk.store.tables import events

DAY = 86_400_000
"""Milliseconds of a day."""
_COUNTED = ("read", "intent", "refused")


async def daily(engine: AsyncEngine, since: int) -> list[dict[str, Any]]:
    """`{day, kind, count}` for reads, intents and refusals since a moment; `day` counts from the epoch."""
    # Written out, not bound: PostgreSQL takes two parameters for two expressions.
    day = (events.c.at // literal_column(str(DAY), BigInteger)).label("day")
    query = (
        select(day, events.c.kind, func.count().label("count"))
        .where(events.c.at >= since, events.c.kind.in_(_COUNTED))
        .group_by(day, events.c.kind)
    )
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        return [dict(row) for row in (await reading.execute(query)).mappings()]
