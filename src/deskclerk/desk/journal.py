"""The append-only record of everything asked, decided and done."""

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from deskclerk.catalogue import Action
from deskclerk.desk.caller import Caller
from deskclerk.desk.lines import Said, begun, ended, new_id, printable, said_by
from deskclerk.desk.locks import Presence, claim, present
from deskclerk.desk.view import without_secrets
from deskclerk.errors import DeskclerkError

if TYPE_CHECKING:
    from pydantic import SecretStr
    from sqlalchemy.ext.asyncio import AsyncEngine

    from deskclerk.desk.chain import Check
    from deskclerk.desk.choice import Choice
    from deskclerk.desk.found import Found
    from deskclerk.desk.instance import Instance
    from deskclerk.desk.plan import Plan
    from deskclerk.desk.signing import Signed

_BATCH = 50
_BATCH_SECONDS = 0.5


class Journal:
    """Events in the desk's database, which is opened on the first one.

    Reads are written in batches; a write's intent is on disk before its request leaves.
    """

    def __init__(self, location: Path, url: "SecretStr | None" = None) -> None:
        """In a file at `location`, or in the database of `url`."""
        self._location = location
        self._url = url
        self._engine: AsyncEngine | None = None
        self._opening = asyncio.Lock()
        self._batch: list[dict[str, Any]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._appending: set[asyncio.Task[None]] = set()
        self._presence: Presence | None = None
        self._noted: WeakSet[DeskclerkError] = WeakSet()

    async def engine(self) -> "AsyncEngine":
        """The desk's database, brought to the current schema."""
        async with self._opening:
            if self._engine is None:
                from deskclerk.database import open_engine, upgrade  # noqa: PLC0415 - opened when needed

                place = self._url.get_secret_value() if self._url else self._location
                engine = open_engine(place, durable=True)
                await upgrade(engine, "deskclerk.desk.store.migrations")
                self._engine = engine
            return self._engine

    async def read(
        self,
        instance: "Instance",
        caller: Caller,
        action: Action,
        outcome: str,
        said: Said | None = None,
    ) -> None:
        """Note a read; it reaches the disk within a second."""
        event = begun("read", new_id("ent"), instance, caller, action)
        self._batch.append(event | {"outcome": outcome} | said_by(said))
        if len(self._batch) >= _BATCH:
            await self.flush()
        elif self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_soon())

    async def refused(
        self,
        instance: "Instance",
        caller: Caller,
        action: Action,
        error: DeskclerkError,
        plan: "Plan | str | None" = None,
    ) -> None:
        """Note what was not done, and why; an error that was noted before is not noted again."""
        if error in self._noted:
            return
        self._noted.add(error)
        event = begun("refused", new_id("ent"), instance, caller, action)
        plan_id = plan if isinstance(plan, str) else getattr(plan, "id", getattr(error, "plan_id", None))
        told = {"outcome": error.kind, "plan": printable(plan_id), "note": printable(error.message)}
        await self._add(event | told | said_by(error))

    async def decided(
        self, instance: "Instance", caller: Caller, action: Action, plan: "Plan", *, outcome: str, how: str
    ) -> None:
        """Note a person's `signed` or `declined` from outside the call that asked, and how it was given."""
        event = begun("decided", new_id("ent"), instance, caller, action)
        await self._add(event | {"outcome": outcome, "plan": plan.id, "signed": printable(how)})

    async def intent(
        self, instance: "Instance", caller: Caller, action: Action, signed: "Signed"
    ) -> dict[str, Any]:
        """Note that a write is about to be sent, and what it will change; on disk when this returns."""
        event = begun("intent", new_id("ent"), instance, caller, action)
        event |= {
            "plan": signed.plan.id if signed.plan else None,
            "signed": signed.how,
            "before": without_secrets(signed.seen),
            "undoes": signed.undoes,
            "owner": self._owner(),
        }
        await self._add(event)
        return event

    async def outcome(
        self,
        intent: dict[str, Any],
        outcome: str,
        said: Said | None = None,
        answer: Any = None,
        note: str | None = None,
    ) -> None:
        """Note how a write ended: `done` with Clerk's answer, `not_done`, `unknown`, or its error's kind.

        `said` is what Clerk said with it: an error, or beside its answer.
        """
        await self._add(ended(intent, "outcome", outcome, answer, note) | said_by(said))

    async def settled(self, intent: dict[str, Any], found: "Found") -> dict[str, Any] | None:
        """Note what a later process found out about an open intent; None if that is known already."""
        from deskclerk.desk.store.lines import append_settled  # noqa: PLC0415 - opened when needed

        line = ended(intent, "settled", found.outcome, found.after, f"Settled later. {found.note}")
        line |= {"code": found.code, "owner": None}
        return line if await append_settled(await self.engine(), line) else None

    async def open_intents(self, instance: "Instance", owner: str | None = None) -> list[dict[str, Any]]:
        """Writes of which no outcome is known, of processes other than this one."""
        from deskclerk.desk.store.lines import open_intents  # noqa: PLC0415 - opened when needed

        found = await open_intents(await self.engine(), instance.id)
        own = self._presence.name if self._presence else None
        return [line for line in found if line["owner"] != own and owner in (None, line["owner"])]

    async def intents_since(self, instance: "Instance", at: int) -> list[dict[str, Any]]:
        """Writes that were about to be sent at or after a moment."""
        from deskclerk.desk.store.lines import intents_since  # noqa: PLC0415 - opened when needed

        return await intents_since(await self.engine(), instance.id, at)

    def gone(self, owner: str) -> AbstractContextManager[bool]:
        """Whether a process has ended; within the block its open intents are the caller's to settle."""
        return claim(self.locks(), owner)

    async def entry(self, entry_id: str) -> dict[str, Any] | None:
        """One entry as `{"intent": {...}, "outcome": {...} or None}`; None if there is none of this id.

        A write's intent holds `arguments` and `before`, its outcome `outcome`, `after`, `note` and what
        Clerk said. A read or a refusal is one line, which stands as `intent` with its own `outcome`.
        """
        from deskclerk.desk.store.lines import of_entry  # noqa: PLC0415 - opened when needed

        await self.flush()
        rows = await of_entry(await self.engine(), entry_id)
        if not rows:
            return None
        return {"intent": rows[0], "outcome": rows[-1] if len(rows) > 1 else None}

    async def entries(
        self, choice: "Choice", after: int = 0, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The entries that fit, oldest first: the last `limit` of them, or those behind line `after`."""
        from deskclerk.desk.store.listing import entries  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await entries(await self.engine(), choice, after, limit)

    async def daily(self, since: int) -> list[dict[str, Any]]:
        """`{day, kind, count}` of reads, intents and refusals; `day` in whole days since the epoch, UTC."""
        from deskclerk.desk.store.daily import daily  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await daily(await self.engine(), since)

    async def verify(self, noted: str | None = None) -> "Check":
        """Go along the chain; `noted` is a last line as `SEQ:HASH` that a person kept."""
        from deskclerk.desk.chain import read_head  # noqa: PLC0415 - opened when needed
        from deskclerk.desk.store.lines import check  # noqa: PLC0415

        head = read_head(noted) if noted else None
        await self.flush()
        return await check(await self.engine(), head)

    async def recent(self, count: int) -> list[dict[str, Any]]:
        """The last events, the oldest of them first."""
        from deskclerk.desk.store.lines import last  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await last(await self.engine(), count)

    async def count(self, instance: "Instance", effect: str, since: int) -> int:
        """How many writes of an effect were sent to an instance since then, whichever way they ended."""
        from sqlalchemy import func, select  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.store.tables import events  # noqa: PLC0415

        sent = select(func.count()).where(
            events.c.instance == instance.id,
            events.c.effect == effect,
            events.c.kind == "intent",
            events.c.at > since,
        )
        engine = await self.engine()
        async with engine.connect() as connection:
            reading = await connection.execution_options(reads=True)
            return int((await reading.execute(sent)).scalar_one())

    async def flush(self) -> None:
        """Write the reads noted so far."""
        if self._batch:
            await self._add()

    async def close(self) -> None:
        """Flush, and let go of the database."""
        if self._flushing:
            self._flushing.cancel()
        await self.flush()
        if self._appending:
            await asyncio.wait(self._appending)
        if self._engine:
            await self._engine.dispose()
            self._engine = None
        if self._presence:
            self._presence.end()
            self._presence = None

    def locks(self) -> Path | str:
        """Where processes hold their locks: beside the file, or on the server."""
        return self._url.get_secret_value() if self._url else self._location.parent / "locks"

    def _owner(self) -> str:
        """This process's name, under which it holds a lock as long as it lives."""
        if self._presence is None:
            self._presence = present(self.locks(), new_id("own"))
        return self._presence.name

    async def _flush_soon(self) -> None:
        await asyncio.sleep(_BATCH_SECONDS)
        await self.flush()

    async def _add(self, event: dict[str, Any] | None = None) -> None:
        """Append the batch, then the event, in one transaction."""
        batch, self._batch = self._batch, []
        task = asyncio.create_task(self._append([*batch, *([event] if event else [])]))
        self._appending.add(task)
        task.add_done_callback(self._appended)
        # A caller that goes away does not take with it what others have noted.
        await asyncio.shield(task)

    async def _append(self, rows: list[dict[str, Any]]) -> None:
        from deskclerk.desk.store.lines import append  # noqa: PLC0415 - opened when needed

        await append(await self.engine(), rows)

    def _appended(self, task: asyncio.Task[None]) -> None:
        self._appending.discard(task)
        if not task.cancelled():
            task.exception()  # raised to the caller, if it is still there
