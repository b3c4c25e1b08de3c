"""Redis (or Valkey) as replicas use it: to wake each other and to count, and for nothing that must last."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from deskclerk.errors import InvalidSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

PREFIX = "deskclerk"
"""What the names of channels and keys begin with."""
_SECONDS = 1.0
"""For a connection, or an answer: nothing that waits for Redis is worth more."""


def open_redis(url: SecretStr, *, connections: int = 8) -> "Redis":
    """A client of at most so many connections, each made when it is needed; InvalidSettings for no library.

    What fails is raised at once: who asks knows better whether it is worth another try.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - hosted desks alone have it
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ImportError:
        raise InvalidSettings(
            "Redis needs a library that is not installed.",
            next_step="Install it with: pip install 'deskclerk[hosted]'.",
        ) from None
    pool = BlockingConnectionPool.from_url(
        url.get_secret_value(),
        max_connections=connections,
        timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        socket_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def shown(url: SecretStr) -> str:
    """The address for messages: without name, password and options."""
    parts = urlsplit(url.get_secret_value())
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def redis_error() -> type[Exception]:
    """What the library raises when Redis cannot be asked, beside what the system raises."""
    from redis import RedisError  # noqa: PLC0415 - hosted desks alone have it

    return RedisError


async def end_tasks(tasks: "Sequence[asyncio.Task[Any]]") -> None:
    """Cancel tasks that use Redis, until they have ended.

    More than once where needed: the library was seen to lose a cancellation that came while it made a
    connection (github.com/redis/redis-py/issues/2551 is alike), and the task went on for ever.
    """
    running = set(tasks)
    while running := {task for task in running if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.1)
