"""The journal's lines on disk: chained when they are added, read back in their order."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deskclerk.desk.chain import JSON_COLUMNS, Check, Head, link
from deskclerk.desk.found import TOO_SOON
from deskclerk.desk.store.tables import events, heads

_AT_ONCE = 2_000


async def append(engine: AsyncEngine, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows behind the last line; whoever else appends waits until this is on disk."""
    async with engine.begin() as connection:
        await append_to(connection, rows)


async def append_to(connection: AsyncConnection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows within a transaction that holds the write lock (SQLite) or takes the head's (PostgreSQL)."""
    last_line = (await connection.execute(select(heads.c.seq, heads.c.hash).with_for_update())).one()
    linked, head = link(rows, Head(last_line.seq, last_line.hash))
    await connection.execute(events.insert(), linked)
    await connection.execute(heads.update().values(seq=head.seq, hash=head.hash))


async def append_settled(engine: AsyncEngine, line: Mapping[str, Any]) -> bool:
    """Add what was found out about an intent, unless another process did so before; whether it was added."""
    async with engine.begin() as connection:
        await connection.execute(select(heads.c.seq).with_for_update())
        known = select(events.c.code).where(
            events.c.entry == line["entry"], events.c.kind.in_(("outcome", "settled"))
        )
        codes = [row.code for row in await connection.execute(known)]
        if any(code != TOO_SOON or line["code"] == TOO_SOON for code in codes):
            return False
        await append_to(connection, [line])
        return True


async def open_intents(engine: AsyncEngine, instance: str) -> list[dict[str, Any]]:
    """Intents of which no outcome is known, or one that may still become known."""
    ended = events.alias()
    final = ended.select().where(
        ended.c.entry == events.c.entry,
        ended.c.kind.in_(("outcome", "settled")),
        func.coalesce(ended.c.code, "") != TOO_SOON,
    )
    query = events.select().where(
        events.c.instance == instance, events.c.kind == "intent", events.c.owner.is_not(None), ~final.exists()
    )
    return await _read(engine, query.order_by(events.c.seq))


async def intents_since(engine: AsyncEngine, instance: str, at: int) -> list[dict[str, Any]]:
    """Intents of an instance at or after a moment."""
    query = events.select().where(events.c.instance == instance, events.c.kind == "intent", events.c.at >= at)
    return await _read(engine, query.order_by(events.c.seq))


async def of_entry(engine: AsyncEngine, entry_id: str) -> list[dict[str, Any]]:
    """The lines of one entry, in order."""
    return await _read(engine, events.select().where(events.c.entry == entry_id).order_by(events.c.seq))


async def last(engine: AsyncEngine, count: int) -> list[dict[str, Any]]:
    """The last lines, the oldest of them first."""
    rows = await _read(engine, events.select().order_by(events.c.seq.desc()).limit(count))
    return rows[::-1]


async def check(engine: AsyncEngine, noted: Head | None = None) -> Check:
    """Go along the whole chain, up to its first fault."""
    found = Check(noted)
    columns = [cast(item, Text).label(item.name) if item.name in JSON_COLUMNS else item for item in events.c]
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        async for line in _stream(reading, select(*columns).order_by(events.c.seq)):
            if not found.line(line):
                return found
        head = (await reading.execute(select(heads.c.seq, heads.c.hash))).one_or_none()
    found.end(Head(head.seq, head.hash) if head else None)
    return found


async def _stream(connection: AsyncConnection, query: Any) -> AsyncIterator[Any]:
    """Rows as mappings, some thousands in memory at a time."""
    async with connection.stream(query.execution_options(yield_per=_AT_ONCE)) as rows:
        async for part in rows.mappings().partitions():
            for line in part:
                yield line


async def _read(engine: AsyncEngine, query: Any) -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        return [dict(row) for row in (await reading.execute(query)).mappings()]
