"""The open store: the database, the clock, and the instances by their keys."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deskclerk.sandbox.clock import Clock
from deskclerk.sandbox.store.instances import instances


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance: what the rules need to know of it.

    `slug` names it in addresses, `user_quota` is None where there is no limit.
    """

    id: str
    secret_key: str
    slug: str
    user_quota: int | None
    lockout_seconds: int


@dataclass(frozen=True, slots=True)
class Store:
    """Hands out transactions, and knows which instance a secret key opens."""

    engine: AsyncEngine
    clock: Clock
    by_key: Mapping[str, Instance]
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def transaction(self, *, reads: bool) -> AsyncIterator[AsyncConnection]:
        """A connection inside one transaction; one that only reads takes no write lock."""
        async with AsyncExitStack() as stack:
            if not reads:
                # SQLite lets one writer in and the others poll: in one process they queue up here instead.
                await stack.enter_async_context(self._writing)
            connection = await stack.enter_async_context(self.engine.connect())
            await connection.execution_options(reads=reads)
            await stack.enter_async_context(connection.begin())
            yield connection


async def read_instances(connection: AsyncConnection) -> dict[str, Instance]:
    """The instances in the database by their secret keys."""
    names = Instance.__slots__
    rows = await connection.execute(select(*(instances.c[name] for name in names)))
    found = (Instance(**row) for row in rows.mappings())
    return {item.secret_key: item for item in found}
