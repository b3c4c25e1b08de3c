"""What has changed since one last looked, for pages that follow along: cheap enough to ask each second."""

from dataclasses import dataclass

from deskclerk.desk.journal import Journal
from deskclerk.desk.lines import now
from deskclerk.desk.plans import WAITING


@dataclass(frozen=True, slots=True)
class Pulse:
    """`waiting` are the ids of the plans that wait, the newest first; `journal` is its last line's number."""

    waiting: tuple[str, ...]
    journal: int


async def pulse_of(journal: Journal) -> Pulse:
    """Two small reads of the desk's database, which several processes share."""
    from sqlalchemy import select  # noqa: PLC0415 - opened when needed

    from deskclerk.desk.store.tables import heads, plans  # noqa: PLC0415

    waiting = select(plans.c.id).where(plans.c.status == WAITING, plans.c.expires_at > now())
    engine = await journal.engine()
    async with engine.connect() as connection:
        reading = await connection.execution_options(reads=True)
        ids = await reading.execute(waiting.order_by(plans.c.created_at.desc(), plans.c.id.desc()))
        found = tuple(row.id for row in ids)
        line = (await reading.execute(select(heads.c.seq))).scalar_one()
    return Pulse(found, int(line))
