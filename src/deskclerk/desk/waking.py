"""How who waits learns that something changed, without asking the database again and again.

A wake says only that something changed, and whoever hears it looks. So a wake too many costs a look, and one
that is lost costs the time until the next look, which is never left out: where nobody can be heard, looking
is all there is.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

PLANS, JOBS, JOURNAL = "plans", "jobs", "journal"
"""What can be listened to: plans and their signatures, what becomes of jobs, lines of the journal."""


class Bell(Protocol):
    """What one listener hears."""

    async def rings(self, poll: float, most: float | None = None) -> bool:
        """Wait until there is a reason to look again; whether something was told.

        At once if something was told since the last time. `poll` is after how many seconds to look where not
        every teller can be heard, `most` the seconds that the listener has in any case.
        """


class Wakes(Protocol):
    """The wakes of one desk's workspace."""

    def listening(self, *topics: str) -> AbstractContextManager[Bell]:
        """A bell for some topics. To miss nothing: listen first, then look, then wait for it to ring."""

    def tell(self, *topics: str) -> None:
        """Wake who listens to any of these, once the change can be seen; this returns at once."""


class _Bell:
    def __init__(self, pace: Callable[[float], float]) -> None:
        self._pace = pace
        self.rung = asyncio.Event()

    async def rings(self, poll: float, most: float | None = None) -> bool:
        # Before the wait: how long it is worth may have changed since the last one.
        seconds = self._pace(poll)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds if most is None else min(seconds, most)):
                await self.rung.wait()
        told = self.rung.is_set()
        self.rung.clear()
        return told


class Bells:
    """The bells of one process, by what they are for."""

    def __init__(self, pace: Callable[[float], float]) -> None:
        """`pace` says after how many seconds to look, given how many it would be if nobody could be heard."""
        self._pace = pace
        self._bells: dict[str, set[_Bell]] = {}

    @contextmanager
    def listening(self, *names: str) -> Iterator[Bell]:
        """A bell that rings for any of these names."""
        bell = _Bell(self._pace)
        for name in names:
            self._bells.setdefault(name, set()).add(bell)
        try:
            yield bell
        finally:
            for name in names:
                self._bells[name].discard(bell)
                if not self._bells[name]:
                    del self._bells[name]

    def ring(self, name: str) -> None:
        """Ring those of one name."""
        for bell in self._bells.get(name, ()):
            bell.rung.set()

    def ring_all(self) -> None:
        """Ring every one."""
        for name in self._bells:
            self.ring(name)


class LocalWakes:
    """Wakes within this process; what other processes change is found by looking."""

    def __init__(self) -> None:
        # Another process may sign, and nobody here can hear it: whoever waits looks at its own pace.
        self._bells = Bells(lambda poll: poll)

    def listening(self, *topics: str) -> AbstractContextManager[Bell]:
        """A bell for some topics."""
        return self._bells.listening(*topics)

    def tell(self, *topics: str) -> None:
        """Wake who listens in this process."""
        for topic in topics:
            self._bells.ring(topic)
