"""What is counted across replicas: requests of a workspace, and the connections that it keeps open.

Redis counts, by its own clock, in one step that no other replica can come in between. While it is lost every
replica counts for itself: a workspace may then have its limits once on each of them, which is better than
nobody being served, and better than nobody being limited.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from deskclerk.desk.time_and_ids import new_id
from deskclerk.hosted.limits import WorkspaceLimits, reached
from deskclerk.hosted.redis_connection import PREFIX, end_tasks, open_redis, redis_error, shown

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("deskclerk.hosted")

_CONNECTIONS = 16
_MINUTE = 60_000.0
_PAUSE_SECONDS = 2.0
"""After a failure Redis is tried again by one request at a time, this long apart: the others lose nothing."""
_LEASE_SECONDS = 60.0
"""For which an open connection counts without being renewed, as after a replica was killed."""
_RENEW_SECONDS = 15.0
_AT_ONCE = 500
"""Leases in one step: Redis does nothing else meanwhile."""
_MOST_BUCKETS = 10_000
_LAST_SECONDS = 1.0

# A bucket of a minute's requests that fills evenly, kept as the moment at which it will be full again.
_REQUEST = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local each = 60000 / tonumber(ARGV[1])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + each
local wait = full - now - 60000
if wait > 0.001 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - now))
return 0
"""
# Leases by the moment at which they end; those of replicas that died are taken out by whoever comes next.
_OPEN = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.3f', now))
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 1 end
redis.call('ZADD', KEYS[1], string.format('%.3f', now + tonumber(ARGV[2])), ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 0
"""
_RENEW = """
local time = redis.call('TIME')
local ends = string.format('%.3f', time[1] + time[2] / 1000000 + tonumber(ARGV[1]))
for place = 2, #ARGV do redis.call('ZADD', KEYS[1], ends, ARGV[place]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 0
"""
_CLOSE = "return redis.call('ZREM', KEYS[1], ARGV[1])"


class _Bucket:
    """What `_REQUEST` does, for this replica alone."""

    def __init__(self) -> None:
        self._full: dict[str, float] = {}

    def wait(self, key: str, most: int) -> float:
        """Milliseconds to wait; 0 counts the request."""
        now, each = monotonic() * 1000, _MINUTE / most
        full = max(self._full.get(key, 0.0), now) + each
        if full - now - _MINUTE > 0.001:  # noqa: PLR2004 - a millionth of a second is arithmetic
            return full - now - _MINUTE
        if key not in self._full and len(self._full) >= _MOST_BUCKETS:
            # Those that are full again say nothing.
            self._full = {name: moment for name, moment in self._full.items() if moment > now}
        self._full[key] = full
        return 0.0


class Counters:
    """Counts for all workspaces: `async with Counters(url) as counters`. One per replica."""

    def __init__(self, url: SecretStr) -> None:
        self._place = shown(url)
        self._redis: Redis = open_redis(url, connections=_CONNECTIONS)
        self._scripts = {
            text: self._redis.register_script(text) for text in (_REQUEST, _OPEN, _RENEW, _CLOSE)
        }
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        self._bucket = _Bucket()
        self._leases: dict[str, set[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self.shared = True
        """Whether Redis counts; otherwise this replica does, for itself."""
        self._not_before = 0.0

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._renew_again_and_again())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_tasks(self._tasks)
        if self._closing:
            await asyncio.wait(self._closing, timeout=_LAST_SECONDS)
            await end_tasks(list(self._closing))
        await self._redis.aclose()

    @asynccontextmanager
    async def admitted(
        self, workspace: str, limits: WorkspaceLimits, *, stream: bool = False
    ) -> AsyncIterator[None]:
        """Count a request, and as long as the block lasts a connection that stays open if it is one.

        LimitReached if the workspace has as many as it may.
        """
        await self.request(workspace, limits)
        if not stream:
            yield
            return
        async with self.stream(workspace, limits):
            yield

    async def request(self, workspace: str, limits: WorkspaceLimits) -> None:
        """Count a request; LimitReached, with the seconds to wait."""
        most = limits.requests_per_minute
        wait: float | None = await self._ask(_REQUEST, f"{PREFIX}:{workspace}:requests", most)
        if wait is None:
            wait = self._bucket.wait(workspace, most)
        if wait > 0:
            raise reached("requests_per_minute", most, retry_after=wait / 1000)

    @asynccontextmanager
    async def stream(self, workspace: str, limits: WorkspaceLimits) -> AsyncIterator[None]:
        """Count a connection that stays open as long as the block lasts; LimitReached."""
        most, lease = limits.open_streams, new_id("con")
        key = f"{PREFIX}:{workspace}:streams"
        opening = asyncio.create_task(self._ask(_OPEN, key, most, int(_LEASE_SECONDS), lease))
        try:
            # Shielded: the library was seen to lose a cancellation, and what is under way may be counted yet.
            full = await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._close(key, lease, opening)
            raise
        if full is None:
            full = len(self._leases.get(key, ())) >= most
        if full:
            raise reached("open_streams", most)
        self._leases.setdefault(key, set()).add(lease)
        try:
            yield
        finally:
            self._leases[key].discard(lease)
            if not self._leases[key]:
                del self._leases[key]
            self._close(key, lease)

    def _close(self, key: str, lease: str, opening: "asyncio.Task[int | None] | None" = None) -> None:
        """Have a connection count no more, in a task of its own: who leaves a page is cancelled.

        It would count for another minute else. One that is `opening` still may be counted after this.
        """
        task = asyncio.create_task(self._closed(key, lease, opening))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _closed(self, key: str, lease: str, opening: "asyncio.Task[int | None] | None") -> None:
        if opening:
            await asyncio.wait([opening])
        await self._ask(_CLOSE, key, lease)

    async def _renew_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        """Keep what is open counted for another minute; a Redis that was started anew learns of it here."""
        for key, leases in list(self._leases.items()):
            whole = sorted(leases)
            for start in range(0, len(whole), _AT_ONCE):
                part = whole[start : start + _AT_ONCE]
                await self._ask(_RENEW, key, int(_LEASE_SECONDS), *part)

    async def _ask(self, script: str, key: str, *arguments: Any) -> int | None:
        """What a script answers; None while Redis is lost."""
        # The pool does not let its users take turns: one that always comes too late would seem to have lost
        # Redis. Within the turn, so that those who wait for one learn what the others found out.
        async with self._turns:
            if not self.shared:
                if monotonic() < self._not_before:
                    return None
                # Before it is tried: those that come meanwhile do not wait for what may be lost still.
                self._not_before = monotonic() + _PAUSE_SECONDS
            return await self._try(script, key, arguments)

    async def _try(self, script: str, key: str, arguments: Sequence[Any]) -> int | None:
        try:
            answer = int(await self._scripts[script](keys=[key], args=[str(item) for item in arguments]))
        except (OSError, TimeoutError, redis_error()) as error:
            if self.shared:
                logger.warning(
                    "Requests are counted by this replica alone: %s at %s", type(error).__name__, self._place
                )
            self.shared = False
            self._not_before = monotonic() + _PAUSE_SECONDS
            return None
        if not self.shared:
            self.shared = True
            logger.info("Requests are counted for all replicas at %s", self._place)
        return answer
