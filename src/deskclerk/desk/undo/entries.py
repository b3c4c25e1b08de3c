"""Entries of the journal as undo needs them: the write, how it ended, and what took it back."""

from typing import Any

from deskclerk.desk.journal import Journal

_ENDS = ("outcome", "settled")


async def rows_of(journal: Journal, entry_id: str) -> list[dict[str, Any]]:
    """Every line of one entry, in order; a read's too, and a refusal's."""
    from deskclerk.desk.store.lines import of_entry  # noqa: PLC0415 - opened when needed

    await journal.flush()
    return await of_entry(await journal.engine(), entry_id)


def ending(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How a write ended, as last found out."""
    return next((row for row in reversed(rows) if row["kind"] in _ENDS), None)


async def taken_back_by(journal: Journal, entry_id: str) -> str | None:
    """The entry that took this one back and stands; None if there is none, or it was itself taken back."""
    for entry in await _undoers(journal, entry_id):
        if not await taken_back_by(journal, entry):
            return entry
    return None


async def _undoers(journal: Journal, entry_id: str) -> list[str]:
    from sqlalchemy import select  # noqa: PLC0415 - opened when needed

    from deskclerk.desk.store.tables import events  # noqa: PLC0415

    done = select(events.c.entry).where(
        events.c.undoes == entry_id, events.c.kind.in_(_ENDS), events.c.outcome == "done"
    )
    engine = await journal.engine()
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        rows = await reading.execute(done.order_by(events.c.seq))
        return [str(row.entry) for row in rows]
