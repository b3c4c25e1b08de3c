"""The open store: the database, the machine's clock, and what the controls have set."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deskclerk.sandbox.store.state import Instance, State, read_state


class Clock:
    """Tells the time in milliseconds since the epoch."""

    def now(self) -> int:
        """Now, in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


__all__ = ["Instance", "Store"]


@dataclass(slots=True)
class Store:
    """Hands out transactions, and knows what the controls have set.

    `clock` is the machine's; what counts is `now`, the sandbox's. `emitted` is set when a transaction
    has left webhooks to deliver.
    """

    engine: AsyncEngine
    clock: Clock
    emitted: asyncio.Event = field(default_factory=asyncio.Event)
    _state: State | None = None
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

    async def state(self, connection: AsyncConnection | None = None) -> State:
        """What the controls have set, by this process or another."""
        if connection is None:
            async with self.transaction(reads=True) as reading:
                return await self.state(reading)
        # Read at each request: another process may hold the controls of the same database.
        self._state = await read_state(connection, self._state)
        return self._state

    async def now(self, connection: AsyncConnection | None = None) -> int:
        """The sandbox's time, in milliseconds since the epoch."""
        return (await self.state(connection)).time.at(self.clock.now())
