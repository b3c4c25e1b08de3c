"""The rate budget: waits before sending what Clerk would refuse with 429."""

import asyncio
import time

from deskclerk.catalogue import Request

PER_TEN_SECONDS = {"live": 1000, "test": 100}
"""Requests that Clerk takes from one instance in ten seconds, by the kind of its key."""
_WINDOW = 10


class RateBudget:
    """One instance's budget in this process; a sandbox has none."""

    def __init__(self, kind: str) -> None:
        from limits import RateLimitItemPerSecond  # noqa: PLC0415 - the sandbox needs no limiter
        from limits.aio.storage import MemoryStorage  # noqa: PLC0415
        from limits.aio.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._item = RateLimitItemPerSecond(PER_TEN_SECONDS[kind], _WINDOW)
        self._setting_right = asyncio.Lock()

    async def spend(self, request: Request) -> None:
        """Take one request's worth, waiting for the window to move when it is used up."""
        if request.path == "/jwks":  # not counted by Clerk
            return
        # Again after waking: others wait for the same place in the window.
        while not await self._limiter.hit(self._item, "instance"):
            if (wait := await self._wait()) <= _WINDOW:
                await asyncio.sleep(max(0.01, wait))
            else:
                await self._set_right()

    async def _wait(self) -> float:
        window = await self._limiter.get_window_stats(self._item, "instance")
        return window.reset_time - time.time()

    async def _set_right(self) -> None:
        """After the machine's clock was set back: what was counted lies ahead of it, maybe by hours.

        A whole window is waited for, whatever of it has passed, since nothing tells how much that is.
        """
        async with self._setting_right:
            # Asked again: whoever held the lock before may have done it.
            if await self._wait() > _WINDOW:
                await asyncio.sleep(_WINDOW)
                await self._limiter.clear(self._item, "instance")
