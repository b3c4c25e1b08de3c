"""Things that are opened when somebody needs them and closed when nobody does: a bounded number of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_SWEEP_SECONDS = 15.0


class _Entry(Generic[T]):
    """One open thing, held by a task of its own: what is entered in one task must be left in the same."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._users = 0
        self.free = asyncio.Event()
        self.free.set()
        self.used_at = monotonic()
        self.ready: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self.task = asyncio.create_task(self._hold(opening))

    async def _hold(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        try:
            async with opening() as value:
                self.ready.set_result(value)
                await self._closing.wait()
        except BaseException as error:
            if self.ready.done():
                raise
            self.ready.set_exception(error)
            # Whoever waited has gone: nobody is left to be told.
            self.ready.exception()

    @property
    def users(self) -> int:
        """How many use it."""
        return self._users

    def taken(self, by: int) -> None:
        """Count users who come (1) or go (-1)."""
        self._users += by
        self.used_at = monotonic()
        if self._users:
            self.free.clear()
        else:
            self.free.set()

    def close(self) -> None:
        """Have it closed; `task` ends when it is."""
        self._closing.set()


class Pool(Generic[K, T]):
    """What is open, by a key. Of one that is used less than the others the place goes to a new one."""

    def __init__(
        self,
        opening: Callable[[K], AbstractAsyncContextManager[T]],
        *,
        most: int,
        idle_seconds: float,
    ) -> None:
        """`most` are open, or as many as are in use; what nobody used for `idle_seconds` is closed."""
        self._opening = opening
        self._most = most
        self._idle_seconds = idle_seconds
        self._entries: dict[K, _Entry[T]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @asynccontextmanager
    async def use(self, key: K) -> AsyncIterator[T]:
        """The thing of a key, open at least as long as the block lasts."""
        entry = self._entries.get(key)
        if entry is None:
            self._make_room()
            entry = self._entries[key] = _Entry(lambda: self._opening(key))
            if self._sweeping is None:
                self._sweeping = asyncio.create_task(self._sweep())
        entry.taken(1)
        try:
            # Shielded: of many who wait for one to open, one that goes away does not take it along.
            yield await asyncio.shield(entry.ready)
        finally:
            entry.taken(-1)
            if entry.ready.done() and (entry.ready.cancelled() or entry.ready.exception()):
                # What could not be opened is tried anew by whoever comes next.
                self._drop(key, entry)

    def forget(self, other: Callable[[K], bool]) -> None:
        """Close those whose keys are out of date, once nobody uses them."""
        for key, entry in list(self._entries.items()):
            if other(key):
                self._drop(key, entry)

    async def close(self) -> None:
        """Close everything, and wait until it is."""
        if self._sweeping:
            self._sweeping.cancel()
            self._sweeping = None
        for key, entry in list(self._entries.items()):
            self._drop(key, entry, at_once=True)
        while self._leaving:
            await asyncio.wait(self._leaving)

    def _make_room(self) -> None:
        idle = sorted(
            ((entry.used_at, key) for key, entry in self._entries.items() if not entry.users),
            key=lambda item: item[0],
        )
        for _, key in idle[: max(0, len(self._entries) - self._most + 1)]:
            self._drop(key, self._entries[key])

    def _drop(self, key: K, entry: _Entry[T], *, at_once: bool = False) -> None:
        if self._entries.get(key) is entry:
            del self._entries[key]
        task = asyncio.create_task(self._leave(entry, at_once=at_once))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    @staticmethod
    async def _leave(entry: _Entry[T], *, at_once: bool) -> None:
        if not at_once:
            await entry.free.wait()
        entry.close()
        with contextlib.suppress(asyncio.CancelledError):
            await entry.task

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, self._idle_seconds))
            before = monotonic() - self._idle_seconds
            for key, entry in list(self._entries.items()):
                if not entry.users and entry.used_at < before:
                    self._drop(key, entry)
