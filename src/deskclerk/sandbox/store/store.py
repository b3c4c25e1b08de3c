"""The open store: the database, the machine's clock, and what the controls have set."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from deskclerk.database import Connection, Database
from deskclerk.sandbox.store.search_index import index_waiting
from deskclerk.sandbox.store.state import REVISION, Instance, State, read_state


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
    has left webhooks to deliver. `known` is the state as it was when it was last looked at.
    """

    database: Database
    clock: Clock
    emitted: asyncio.Event = field(default_factory=asyncio.Event)
    known: State | None = None

    def transaction(self, *, reads: bool) -> AbstractAsyncContextManager[Connection]:
        """A connection inside one transaction; one that only reads takes no write lock."""
        return self.database.reading() if reads else self._writing()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Connection]:
        async with self.database.writing() as connection:
            yield connection
            await index_waiting(connection)

    async def state(self, connection: Connection | None = None) -> State:
        """What the controls have set, by this process or another."""
        if connection is not None:
            if self.known is None or not await self.is_current(connection, self.known):
                self.known = await read_state(connection)
            return self.known
        if self.known is not None:
            # One number is read nearly always, and the four tables behind it nearly never.
            ((revision,),) = await self.database.ask(REVISION)
            if revision == self.known.revision:
                return self.known
        async with self.transaction(reads=True) as reading:
            return await self.state(reading)

    async def is_current(self, connection: Connection, state: State) -> bool:
        """Whether a state is what the controls have set: another process may have them too."""
        ((revision,),) = await connection.fetch(REVISION)
        return bool(revision == state.revision)

    async def now(self, connection: Connection | None = None) -> int:
        """The sandbox's time, in milliseconds since the epoch."""
        return (await self.state(connection)).time.at(self.clock.now())
