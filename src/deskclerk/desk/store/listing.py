"""The journal's entries, chosen and put together from their lines."""

from typing import Any

from sqlalchemy import Text, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from deskclerk.desk.choice import OPEN, Choice, one_line
from deskclerk.desk.store.tables import events

_ENDS = ("outcome", "settled")
_BRIEF = [column for column in events.c if column.name not in ("before", "after", "previous", "hash")]


async def entries(
    engine: AsyncEngine, choice: Choice, after: int = 0, limit: int | None = None
) -> list[dict[str, Any]]:
    """Entries that fit, in short, oldest first; each with `line` and `seq`, its first and its last line.

    An entry counts as behind line `after` when it was begun or ended there.
    """
    ends = select(func.max(events.c.seq).label("seq"), events.c.entry).where(events.c.kind.in_(_ENDS))
    last = ends.group_by(events.c.entry).subquery()
    ended = events.alias()
    found = (
        select(*_BRIEF, *(column.label(f"_{column.name}") for column in ended.c if column.name in _TOLD))
        .select_from(
            events.outerjoin(last, last.c.entry == events.c.entry).outerjoin(ended, ended.c.seq == last.c.seq)
        )
        .where(events.c.kind.not_in(_ENDS), func.coalesce(ended.c.seq, events.c.seq) > after)
    )
    for condition in _conditions(choice, ended):
        found = found.where(condition)
    found = found.order_by(events.c.seq.desc()).limit(limit)
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        rows = [dict(row) for row in (await reading.execute(found)).mappings()]
    return [_entry(row) for row in reversed(rows)]


_TOLD = ("seq", "at", "outcome", "status", "code", "trace_id", "note")


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    outcome = {name: row[f"_{name}"] for name in _TOLD} if row["_seq"] is not None else None
    return one_line(row, outcome) | {"line": row["seq"], "seq": row["_seq"] or row["seq"]}


def _conditions(choice: Choice, ended: Any) -> list[Any]:
    found: list[Any] = []
    if choice.before is not None:
        found.append(events.c.seq < choice.before)
    if choice.since is not None:
        found.append(events.c.at >= choice.since)
    if choice.until is not None:
        found.append(events.c.at <= choice.until)
    if choice.instance:
        found.append(events.c.instance.contains(choice.instance, autoescape=True))
    if choice.action:
        found.append(_glob(choice.action))
    if choice.target:
        named = [events.c.target, cast(events.c.arguments, Text)]
        found.append(or_(*(column.contains(choice.target, autoescape=True) for column in named)))
    if choice.caller:
        names = (events.c.face, events.c.client, events.c.token)
        found.append(or_(*(column.icontains(choice.caller, autoescape=True) for column in names)))
    if choice.outcome == OPEN:
        found.append(and_(events.c.kind == "intent", ended.c.seq.is_(None)))
    elif choice.outcome:
        found.append(func.coalesce(ended.c.outcome, events.c.outcome) == choice.outcome)
    return found


def _glob(pattern: str) -> Any:
    """A name or a glob of `*` and `?`, as LIKE."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return events.c.action.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")
