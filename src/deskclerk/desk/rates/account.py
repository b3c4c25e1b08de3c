"""The rate budget's account in the desk's database: what a machine's processes send to one instance."""

import asyncio
import functools
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from deskclerk.clerk.rate_budget import PER_TEN_SECONDS, Change, RateBudget, Usage
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.time_and_ids import new_id
from deskclerk.errors import StorageUnavailable

if TYPE_CHECKING:
    from deskclerk.database import Statement

T = TypeVar("T")

_PATIENCE = 2.0
"""Seconds: a request does not wait longer for a database that another process holds."""


def rate_budget(instance: Instance, journal: Journal, *, yields: bool = False) -> RateBudget | None:
    """The budget of an instance, shared through the desk's database; None for a sandbox, which has none.

    `yields`: what is spent from it lets everybody else go first.
    """
    if instance.kind not in PER_TEN_SECONDS:
        return None
    account = RateAccount(instance, journal)
    return RateBudget(PER_TEN_SECONDS[instance.kind], account, new_id("own"), yields=yields)


class RateAccount:
    """One row of the desk's database, which is read and written in one transaction.

    A power cut may take the last of it away, which no window of ten seconds outlasts: it waits for no disk.
    """

    def __init__(self, instance: Instance, journal: Journal) -> None:
        self._instance = instance
        self._journal = journal

    async def change(self, change: Change[T]) -> T:
        """Carry out a change while no other process does; what it answers.

        StorageUnavailable if the database cannot be used, or another process holds it for seconds.
        """
        database = await self._journal.database()
        read, begin, write = _statements()
        try:
            async with asyncio.timeout(_PATIENCE), database.writing(synced=False) as connection:
                rows = await connection.fetch(read, instance=self._instance.id)
                if not rows:
                    # A row that is not there cannot be held: of two who begin one, the other waits here.
                    await connection.apply(begin, instance=self._instance.id, usage=Usage().to_json())
                    rows = await connection.fetch(read, instance=self._instance.id)
                ((now, text),) = rows
                usage = Usage.from_json(text)
                # The clock of the machine whose processes share a file, which nobody can set: it counts from
                # the machine's start. On a server many machines share, the clock is the server's.
                answer = change(usage, round(monotonic() * 1000) if now is None else int(now))
                values = {"instance": self._instance.id, "usage": usage.to_json()}
                await connection.apply_last((write, [values]))
                return answer
        except TimeoutError:
            raise StorageUnavailable("Another process holds the desk's database.") from None


@functools.cache
def _statements() -> "tuple[Statement, Statement, Statement]":
    """What reads the account with the server's clock and holds it, what begins it, and what writes it."""
    from sqlalchemy import bindparam, func, null, select  # noqa: PLC0415 - opened when needed

    from deskclerk.database import Statement  # noqa: PLC0415
    from deskclerk.desk.journal.tables import rate_usage  # noqa: PLC0415

    mine = rate_usage.c.instance == bindparam("instance")

    def read(dialect: Any) -> Any:
        server = func.floor(func.extract("epoch", func.clock_timestamp()) * 1000)
        clock = null() if dialect.name == "sqlite" else server
        # Held until the commit: several workspaces may have the key of one instance, and each has a write
        # lock of its own.
        return select(clock, rate_usage.c.usage).where(mine).with_for_update()

    def begin(dialect: Any) -> Any:
        values: dict[str, Any] = {"instance": bindparam("instance"), "usage": bindparam("usage")}
        # Of the two dialects the one that is not used is not imported.
        new = import_module(f"sqlalchemy.dialects.{dialect.name}").insert(rate_usage).values(values)
        return new.on_conflict_do_nothing(index_elements=["instance"])

    write = rate_usage.update().where(mine).values(usage=bindparam("usage"))
    return Statement(read), Statement(begin), Statement(write)
