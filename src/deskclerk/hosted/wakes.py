"""Wakes across replicas: what one changes, those that wait on the others hear through Redis.

One connection of each replica listens to all workspaces, so that a bell hears from its first moment on, and
nothing has to be subscribed while somebody waits. A message says nothing but that something changed: its
channel is `deskclerk:{workspace}:{topic}`, its body empty. While Redis cannot be heard, whoever waits looks
at the pace of a desk on one machine; what was told meanwhile is made up for by ringing every bell once when
the connection is lost, and once when it is there again.
"""

import asyncio
import contextlib
import logging
import random
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from deskclerk.desk.waking import Bell, Bells
from deskclerk.hosted.redis_connection import PREFIX, end_tasks, open_redis, redis_error, shown

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

logger = logging.getLogger("deskclerk.hosted")

_HEARD_SECONDS = 5.0
"""After which who waits looks although wakes are heard: a replica may die between a change and its wake."""
_QUIET_SECONDS = 5.0
"""Without a message, after which Redis is asked whether it is still there."""
_ANSWER_SECONDS = 2.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 5.0
_MOST_PENDING = 10_000
"""Channels that wait to be told; what does not fit is found by looking."""
_LAST_SECONDS = 1.0
"""For what is still to be told when a replica ends."""


class RedisWakes:
    """The wakes of one replica, for all workspaces: `async with RedisWakes(url) as wakes`.

    `heard` says whether other replicas are heard now. Without Redis nothing is wrong, only slower.
    """

    def __init__(self, url: SecretStr) -> None:
        self._place = shown(url)
        self._redis: Redis = open_redis(url)
        self._bells = Bells(self._pace)
        self._pending: dict[str, None] = {}
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.heard = False
        self._told_lost = False
        self._since = time.monotonic()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tells what is still to be told, then lets go of Redis."""
        await end_tasks(self._tasks)
        with contextlib.suppress(OSError, TimeoutError, redis_error()):
            async with asyncio.timeout(_LAST_SECONDS):
                await self._publish(list(self._pending))
        self._hear(heard=False)
        await self._redis.aclose()

    def of(self, workspace: str) -> "WorkspaceWakes":
        """The wakes of one workspace, as its desks use them."""
        return WorkspaceWakes(self, workspace)

    @property
    def unheard_seconds(self) -> float:
        """For how long Redis has not been heard; 0 while it is."""
        return 0.0 if self.heard else time.monotonic() - self._since

    def listening(self, *channels: str) -> AbstractContextManager[Bell]:
        """A bell for some channels."""
        return self._bells.listening(*channels)

    def ring(self, channel: str) -> None:
        """Ring here alone."""
        self._bells.ring(channel)

    def tell(self, channel: str) -> None:
        """Ring here, and have it told to the other replicas."""
        # At once, and not by what comes back: Redis may be lost.
        self._bells.ring(channel)
        if len(self._pending) < _MOST_PENDING:
            self._pending[channel] = None
        self._something.set()

    def _pace(self, poll: float) -> float:
        return _HEARD_SECONDS if self.heard else poll

    def _hear(self, *, heard: bool) -> None:
        if heard == self.heard:
            return
        self.heard, self._since = heard, time.monotonic()
        # Nobody knows what was told in between, and how long it is worth to wait has changed.
        self._bells.ring_all()

    async def _listen(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.psubscribe(f"{PREFIX}:*")
                    await self._follow(subscription)
            except (OSError, TimeoutError, redis_error()) as error:
                # Its kind alone: a message may hold the address with what opens it.
                kind = type(error).__name__
                # Not by the very first try: a process that begins has more to do than to hear an answer.
                if not self._told_lost and (self.heard or backoff > _FIRST_BACKOFF):
                    logger.warning("Other replicas are not heard: %s at %s", kind, self._place)
                    self._told_lost = True
                if self.heard:
                    backoff = _FIRST_BACKOFF
                self._hear(heard=False)
                # Of many replicas not all in the same moment.
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def _follow(self, subscription: "PubSub") -> None:
        """Ring for every message; ConnectionError when Redis is silent although it was asked."""
        asked = False
        while True:
            message: dict[str, Any] | None = await subscription.get_message(
                timeout=_ANSWER_SECONDS if asked else _QUIET_SECONDS
            )
            if message is None:
                if asked:
                    raise ConnectionError("no answer")
                asked = True
                await subscription.ping()
                continue
            asked = False
            if message["type"] == "psubscribe":
                if self._told_lost:
                    logger.warning("Other replicas are heard again at %s", self._place)
                    self._told_lost = False
                self._hear(heard=True)
            elif message["type"] == "pmessage":
                self._bells.ring(message["channel"].decode("utf-8", "replace"))

    async def _send(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            await self._something.wait()
            self._something.clear()
            # Whatever is told while these are on their way is told together with the next ones.
            channels = list(self._pending)
            self._pending.clear()
            try:
                await self._publish(channels)
                backoff = _FIRST_BACKOFF
            except (OSError, TimeoutError, redis_error()):
                for channel in channels:
                    self._pending[channel] = None
                self._something.set()
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, _LONGEST_BACKOFF)
            except asyncio.CancelledError:
                for channel in channels:
                    self._pending[channel] = None
                raise

    async def _publish(self, channels: list[str]) -> None:
        if not channels:
            return
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.publish(channel, b"")
            await pipeline.execute()


class WorkspaceWakes:
    """The wakes of one workspace: the desk's door, with the other replicas behind it."""

    def __init__(self, wakes: RedisWakes, workspace: str) -> None:
        self._wakes = wakes
        self._workspace = workspace

    def listening(self, *topics: str) -> AbstractContextManager[Bell]:
        """A bell for some topics of this workspace, wherever they are told."""
        return self._wakes.listening(*map(self._channel, topics))

    def tell(self, *topics: str) -> None:
        """Wake who listens to this workspace on any replica."""
        for topic in topics:
            self._wakes.tell(self._channel(topic))

    def _channel(self, topic: str) -> str:
        return f"{PREFIX}:{self._workspace}:{topic}"
