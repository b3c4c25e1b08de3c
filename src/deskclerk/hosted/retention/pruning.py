"""A workspace's journal is cut off before what it has to keep: in batches, each with a signed checkpoint."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select, text

from deskclerk.desk.jobs.job import OPEN, PAUSED
from deskclerk.desk.journal.heads import Head
from deskclerk.desk.journal.records import ENDINGS
from deskclerk.desk.journal.tables import events, jobs
from deskclerk.desk.time_and_ids import now
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.retention.checkpoints import Checkpoints
from deskclerk.hosted.schema import workspace_of

PRUNING = "deskclerk.pruning"
"""The setting of a transaction in which lines may be deleted; the role of workspaces has no use of it."""
_DAY = 86_400_000
_AT_ONCE = 5_000
"""Lines that one transaction cuts off: whoever writes meanwhile waits for no more."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many lines went, and what the journal begins behind now; None if nothing ever went."""

    lines: int
    behind: Head | None


class Pruning:
    """Cuts journals off."""

    def __init__(self, hosted: HostedDatabase, checkpoints: Checkpoints) -> None:
        self._hosted = hosted
        self._checkpoints = checkpoints

    async def prune(self, workspace: str, keep_days: int) -> Pruned:
        """Cut off what is older than so many days; a write whose end is not known keeps all behind it.

        So does a job that is not over: what it has done is settled and taken back from the journal.
        """
        before = now() - keep_days * _DAY
        newest = await self._checkpoints.newest(workspace)
        head, lines = newest.head if newest else None, 0
        last = await self._last_to_go(workspace, before)
        while last and (head is None or head.seq < last):
            gone, head = await self._cut(workspace, last)
            lines += gone
            if not gone:
                break
        return Pruned(lines, head)

    async def _last_to_go(self, workspace: str, before: int) -> int:
        """The last line that may go; 0 if none may."""
        ended = events.alias()
        over = ended.select().where(ended.c.entry == events.c.entry, ended.c.kind.in_(ENDINGS))
        open_jobs = select(jobs.c.id).where(jobs.c.status.in_((*OPEN, PAUSED)))
        kept = select(func.min(events.c.seq)).where(
            (events.c.at >= before)
            | ((events.c.kind == "intent") & ~over.exists())
            | events.c.job.in_(open_jobs)
        )
        async with self._hosted.of(workspace).reading() as connection:
            first_kept = (await connection.execute(kept)).scalar()
            newest = (await connection.execute(select(func.max(events.c.seq)))).scalar()
        # The last line of all stays: the chain goes on from it.
        most = (newest or 1) - 1
        return most if first_kept is None else min(most, first_kept - 1)

    async def _cut(self, workspace: str, last: int) -> tuple[int, Head | None]:
        mine = workspace_of(events) == workspace
        # Before the transaction: whoever writes anywhere does not wait for a vault.
        key = await self._checkpoints.key(workspace)
        # As the owner: the role of workspaces cannot delete a line, whatever it sets.
        async with self._hosted.whole.writing() as connection:
            first = (await connection.execute(select(func.min(events.c.seq)).where(mine))).scalar()
            if first is None or first > last:
                return 0, None
            until = min(last, first + _AT_ONCE - 1)
            query = select(events.c.seq, events.c.hash).where(mine, events.c.seq == until)
            row = (await connection.execute(query)).one()
            head = Head(row.seq, row.hash)
            await self._checkpoints.make(connection, workspace, head, key)
            await connection.execute(text(f"SET LOCAL {PRUNING} = 'on'"))
            gone = await connection.execute(delete(events).where(mine, events.c.seq <= until))
        return gone.rowcount, head
