"""The journal's rows on disk: chained when they are added, read back as records, entries and counts."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, cast, func, literal_column, or_, select

from deskclerk.database import Connection, Database, Statement
from deskclerk.desk.journal.chain import JSON_COLUMNS, ChainCheck, link
from deskclerk.desk.journal.heads import Head
from deskclerk.desk.journal.records import DONE, ENDINGS, OPEN, TOO_SOON, EntryFilter, entry_summary
from deskclerk.desk.journal.tables import events, heads
from deskclerk.errors import WorkspaceGone

_HEAD = Statement(select(heads.c.seq, heads.c.hash).with_for_update())
_NEW_HEAD = Statement(heads.update().values(seq=bindparam("seq_is"), hash=bindparam("hash_is")))
_NEW_LINE = Statement(events.insert())
_AT_ONCE = 2_000
"""Rows in memory at a time while the whole chain is gone through."""
_BRIEF = [column for column in events.c if column.name not in ("before", "after", "previous", "hash")]
"""The columns that an entry in short is made of."""
_OF_THE_END = ("seq", "at", "outcome", "status", "code", "trace_id", "note")
_NAMES_OF_CALLERS = (events.c.face, events.c.client, events.c.token)
_DAY = 86_400_000
"""Milliseconds of a day."""
_COUNTED = ("read", "intent", "refused")


async def append(
    database: Database,
    rows: Iterable[Mapping[str, Any]],
    first: Callable[[Connection], Awaitable[None]] | None = None,
    tried: Collection[tuple[str, str]] = (),
) -> int:
    """Add rows behind the last line, which is answered; whoever else appends waits until this is on disk.

    Of those that were `tried` before, by entry and kind, what is there already is left out, and how a write
    ended of which no intent is there.
    """
    async with database.writing() as connection:
        if first:
            await first(connection)
        if tried:
            # Behind the write lock: what an earlier try still commits is over.
            query = select(events.c.entry, events.c.kind).where(events.c.entry.in_([one for one, _ in tried]))
            there = {(row.entry, row.kind) for row in await connection.execute(query)}
            left_out = there | {(one, "outcome") for one, _ in tried if (one, "intent") not in there}
            rows = [row for row in rows if (row["entry"], row["kind"]) not in left_out]
        return await append_to(connection, rows)


async def append_to(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add rows as the last thing of a transaction that has the write lock; the last line."""
    # Locked until the commit: two processes that chained behind the same row would fork the chain.
    found = await connection.fetch(_HEAD)
    if not found:
        raise WorkspaceGone
    ((seq, last_hash),) = found
    linked, head = link(rows, Head(seq, last_hash))
    if not linked:  # what came first was all
        return head.seq
    await connection.apply_last(
        (_NEW_LINE, linked), (_NEW_HEAD, [{"seq_is": head.seq, "hash_is": head.hash}])
    )
    return head.seq


async def append_settled(database: Database, line: Mapping[str, Any]) -> bool:
    """Add what was found out about an intent, unless another process did so before; whether it was added."""
    async with database.writing() as connection:
        # The head's lock first: what is known is looked at and added to with nobody in between.
        await connection.execute(select(heads.c.seq).with_for_update())
        known = select(events.c.code).where(events.c.entry == line["entry"], events.c.kind.in_(ENDINGS))
        codes = [row.code for row in await connection.execute(known)]
        if any(code != TOO_SOON or line["code"] == TOO_SOON for code in codes):
            return False
        await append_to(connection, [line])
        return True


async def open_intents(database: Database, instance: str) -> list[dict[str, Any]]:
    """Intents of which no outcome is known, or one that may still become known."""
    ended = events.alias()
    final = ended.select().where(
        ended.c.entry == events.c.entry,
        ended.c.kind.in_(ENDINGS),
        func.coalesce(ended.c.code, "") != TOO_SOON,
    )
    query = events.select().where(
        # Without an owner nobody can tell whether its process still lives.
        events.c.instance == instance,
        events.c.kind == "intent",
        events.c.owner.is_not(None),
        ~final.exists(),
    )
    return await _read(database, query.order_by(events.c.seq))


async def intents_beside(database: Database, instance: str, seq: int) -> list[dict[str, Any]]:
    """The other intents of an instance that were not over when the one of line `seq` was noted."""
    # By lines and not by times: a clock may have been set in between.
    ended = events.alias()
    over = ended.select().where(ended.c.entry == events.c.entry, ended.c.kind.in_(ENDINGS), ended.c.seq < seq)
    query = events.select().where(
        events.c.instance == instance, events.c.kind == "intent", events.c.seq != seq, ~over.exists()
    )
    return await _read(database, query.order_by(events.c.seq))


async def of_entry(database: Database, entry_id: str) -> list[dict[str, Any]]:
    """The lines of one entry, in order."""
    return await _read(database, events.select().where(events.c.entry == entry_id).order_by(events.c.seq))


async def seen(database: Database, entry_ids: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """By entry: what was there before a write, and what Clerk answered; None where nothing is noted."""
    query = select(events.c.entry, events.c.before, events.c.after).where(events.c.entry.in_(entry_ids))
    found: dict[str, tuple[Any, Any]] = {}
    for row in await _read(database, query.order_by(events.c.seq)):
        before, after = found.get(row["entry"], (None, None))
        found[row["entry"]] = (row["before"] or before, row["after"] or after)
    return found


async def choices(database: Database, most: int) -> list[dict[str, Any]]:
    """`{action, face, client, token, outcome, kind}` that the last `most` records have, each once."""
    names = ("action", "face", "client", "token", "outcome", "kind")
    # Of the last ones alone: no index has them, and a record of years is not gone through for a form.
    recent = select(*(events.c[name] for name in names)).order_by(events.c.seq.desc()).limit(most).subquery()
    return await _read(database, select(recent).distinct())


async def last(database: Database, count: int) -> list[dict[str, Any]]:
    """The last lines, the oldest of them first."""
    rows = await _read(database, events.select().order_by(events.c.seq.desc()).limit(count))
    return rows[::-1]


async def check(database: Database, noted: Head | None, beginning: Head) -> ChainCheck:
    """Go along the whole chain behind its beginning, up to its first fault."""
    found = ChainCheck(noted, beginning)
    # JSON as the text that is stored: read as a value and written again it could differ, and so would its
    # hash.
    columns = [cast(item, Text).label(item.name) if item.name in JSON_COLUMNS else item for item in events.c]
    async with database.reading() as connection:
        # Closed here and not when somebody collects it: the server keeps a cursor for it.
        async with aclosing(_stream(connection, select(*columns).order_by(events.c.seq))) as lines:
            async for line in lines:
                if not found.line(line):
                    return found
        head = (await connection.execute(select(heads.c.seq, heads.c.hash))).one_or_none()
    found.end(Head(head.seq, head.hash) if head else None)
    return found


async def entries(
    database: Database, wanted: EntryFilter, after: int = 0, limit: int | None = None
) -> list[dict[str, Any]]:
    """Entries that fit, in short, oldest first; each with `line` and `seq`, its first and its last line.

    An entry counts as behind line `after` when it was begun or ended there.
    """
    ends = select(func.max(events.c.seq).label("seq"), events.c.entry).where(events.c.kind.in_(ENDINGS))
    # An entry may have ended twice: as unknown at first, and then as what a later process found out.
    final = ends.group_by(events.c.entry).subquery()
    ended = events.alias()
    found = (
        select(
            *_BRIEF, *(column.label(f"_{column.name}") for column in ended.c if column.name in _OF_THE_END)
        )
        .select_from(
            events.outerjoin(final, final.c.entry == events.c.entry).outerjoin(
                ended, ended.c.seq == final.c.seq
            )
        )
        # Whoever follows the journal is shown an old entry again when it ends.
        .where(events.c.kind.not_in(ENDINGS), func.coalesce(ended.c.seq, events.c.seq) > after)
    )
    for condition in _conditions(wanted, ended):
        found = found.where(condition)
    found = found.order_by(events.c.seq.desc()).limit(limit)
    return [_entry(row) for row in reversed(await _read(database, found))]


async def daily(database: Database, since: int) -> list[dict[str, Any]]:
    """`{day, kind, count}` for reads, intents and refusals since a moment; `day` counts from the epoch."""
    # Written out, not bound: PostgreSQL takes two parameters for two expressions.
    day = (events.c.at // literal_column(str(_DAY), BigInteger)).label("day")
    query = (
        select(day, events.c.kind, func.count().label("count"))
        .where(events.c.at >= since, events.c.kind.in_(_COUNTED))
        .group_by(day, events.c.kind)
    )
    return await _read(database, query)


async def undone_by(database: Database, entry_id: str) -> list[str]:
    """The entries that took this one back and were done, the first of them first."""
    ended = select(events.c.entry).where(
        events.c.undoes == entry_id, events.c.kind.in_(ENDINGS), events.c.outcome == DONE
    )
    return [str(row["entry"]) for row in await _read(database, ended.order_by(events.c.seq))]


async def count_writes(database: Database, instance: str, effect: str, since: int) -> int:
    """How many writes of an effect were sent to an instance since then, but for those of jobs."""
    sent = select(func.count().label("count")).where(
        events.c.instance == instance,
        events.c.effect == effect,
        events.c.kind == "intent",
        events.c.at > since,
        events.c.job.is_(None),
    )
    return int((await _read(database, sent))[0]["count"])


async def of_job(
    database: Database, job_id: str, after: int, count: int, *, back: bool
) -> list[dict[str, Any]]:
    """A job's intents behind a line, or before it and backwards, each with how it ended as last found out."""
    intents = events.select().where(events.c.job == job_id, events.c.kind == "intent")
    if not back:
        intents = intents.where(events.c.seq > after).order_by(events.c.seq)
    else:
        intents = intents.where(events.c.seq < after) if after else intents
        intents = intents.order_by(events.c.seq.desc())
    found = await _read(database, intents.limit(count))
    ends: dict[str, dict[str, Any]] = {}
    if found:
        names = [row["entry"] for row in found]
        query = events.select().where(events.c.entry.in_(names), events.c.kind.in_(ENDINGS))
        # In order, so that the last one stays.
        ends = {row["entry"]: row for row in await _read(database, query.order_by(events.c.seq))}
    return [{"intent": row, "outcome": ends.get(row["entry"])} for row in found]


async def last_intents(
    connection: Connection,
    instance: str,
    actions: Sequence[str],
    *,
    since: int,
    until: int,
    most: int,
    target: str | None = None,
) -> list[int]:
    """When the last writes of some actions were sent, or those on one target; the newest first."""
    query = select(events.c.at).where(
        events.c.instance == instance,
        events.c.action.in_(actions),
        events.c.kind == "intent",
        events.c.at > since,
        events.c.at <= until,
    )
    if target is not None:
        query = query.where(events.c.target == target)
    rows = await connection.execute(query.order_by(events.c.at.desc()).limit(most))
    return [row.at for row in rows]


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    outcome = {name: row[f"_{name}"] for name in _OF_THE_END} if row["_seq"] is not None else None
    return entry_summary(row, outcome) | {"line": row["seq"], "seq": row["_seq"] or row["seq"]}


def _conditions(wanted: EntryFilter, ended: Any) -> list[Any]:
    found: list[Any] = []
    if wanted.before is not None:
        found.append(events.c.seq < wanted.before)
    if wanted.since is not None:
        found.append(events.c.at >= wanted.since)
    if wanted.until is not None:
        found.append(events.c.at <= wanted.until)
    if wanted.instance:
        found.append(events.c.instance.contains(wanted.instance, autoescape=True))
    if wanted.action:
        found.append(_glob(wanted.action))
    if wanted.target:
        # A creation names its user among the arguments and has no target yet.
        named = [events.c.target, cast(events.c.arguments, Text)]
        found.append(or_(*(column.contains(wanted.target, autoescape=True) for column in named)))
    if wanted.caller:
        parts = (column.icontains(wanted.caller, autoescape=True) for column in _NAMES_OF_CALLERS)
        found.append(or_(*parts))
    if wanted.caller_is:
        found.append(or_(*(column == wanted.caller_is for column in _NAMES_OF_CALLERS)))
    if wanted.outcome == OPEN:
        found.append(and_(events.c.kind == "intent", ended.c.seq.is_(None)))
    elif wanted.outcome:
        found.append(func.coalesce(ended.c.outcome, events.c.outcome) == wanted.outcome)
    return found


def _glob(pattern: str) -> Any:
    """A name or a glob of `*` and `?`, as LIKE."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    # LIKE is understood by both databases; GLOB is SQLite's alone.
    return events.c.action.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")


async def _stream(connection: Connection, query: Any) -> AsyncGenerator[Any, None]:
    """Rows as mappings, some thousands in memory at a time."""
    async with aclosing(connection.partitions(query, _AT_ONCE)) as parts:
        async for part in parts:
            for line in part:
                yield line


async def _read(database: Database, query: Any) -> list[dict[str, Any]]:
    async with database.reading() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]
