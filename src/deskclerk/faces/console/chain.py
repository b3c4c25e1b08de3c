"""Whether the journal is whole, as its page says it: checked at times, not for every look."""

import asyncio
import time
from dataclasses import dataclass

from deskclerk.desk import Desk
from deskclerk.desk.journal.chain import Fault
from deskclerk.desk.time_and_ids import now
from deskclerk.faces.console.cards import moment

_SECONDS = 20.0
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check found, and when that was."""

    lines: int
    fault: Fault | None
    at: str


class Chain:
    """One check at a time, its verdict kept for some seconds and found out behind whoever will not wait."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._verdict: Verdict | None = None
        self._checked = 0.0
        self._checking: asyncio.Task[None] | None = None

    async def verdict(self) -> Verdict | None:
        """The newest verdict; an older one, or None, while a long journal is still being checked."""
        if self._verdict and time.monotonic() - self._checked < _SECONDS:
            return self._verdict
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.wait({self._checking}, timeout=_PATIENCE)
        if self._checking.done():
            await self._checking
        return self._verdict

    def end(self) -> None:
        """Nobody wants to know any more."""
        if self._checking:
            self._checking.cancel()

    async def _check(self) -> None:
        found = await self._desk.journal.verify()
        self._verdict = Verdict(found.head.seq, found.fault, moment(now()))
        self._checked = time.monotonic()
