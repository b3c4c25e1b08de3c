"""The open store: the database, the machine's clock, and what the controls have set."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from deskclerk.database import Connection, Database
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

    database: Database
    clock: Clock
    emitted: asyncio.Event = field(default_factory=asyncio.Event)
    _state: State | None = None

    def transaction(self, *, reads: bool) -> AbstractAsyncContextManager[Connection]:
        """A connection inside one transaction; one that only reads takes no write lock."""
        return self.database.reading() if reads else self.database.writing()

    async def state(self, connection: Connection | None = None) -> State:
        """What the controls have set, by this process or another."""
        if connection is None:
            async with self.transaction(reads=True) as reading:
                return await self.state(reading)
        # Read at each request: another process may hold the controls of the same database.
        self._state = await read_state(connection, self._state)
        return self._state

    async def now(self, connection: Connection | None = None) -> int:
        """The sandbox's time, in milliseconds since the epoch."""
        return (await self.state(connection)).time.at(self.clock.now())
