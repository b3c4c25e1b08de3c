"""The append-only record of everything asked, decided and done."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import Action
from deskclerk.desk.caller import Caller
from deskclerk.desk.view import without_secrets
from deskclerk.errors import ClerkError, DeskclerkError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from deskclerk.desk.instance import Instance
    from deskclerk.desk.plan import Plan
    from deskclerk.desk.signing import Signed

_BATCH = 50
_BATCH_SECONDS = 0.5


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id(prefix: str) -> str:
    """A prefix and a sortable KSUID."""
    from ksuid import KsuidMs  # noqa: PLC0415 - listing tools needs no ids

    return f"{prefix}_{KsuidMs()}"


class Journal:
    """Events in the desk's database, which is opened on the first one.

    Reads are written in batches; a write's intent is on disk before its request leaves.
    """

    def __init__(self, location: Path) -> None:
        self._location = location
        self._engine: AsyncEngine | None = None
        self._opening = asyncio.Lock()
        self._batch: list[dict[str, Any]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._appending: set[asyncio.Task[None]] = set()

    async def engine(self) -> "AsyncEngine":
        """The desk's database, brought to the current schema."""
        async with self._opening:
            if self._engine is None:
                from deskclerk.database import open_engine, upgrade  # noqa: PLC0415 - opened when needed

                engine = open_engine(self._location, durable=True)
                await upgrade(engine, "deskclerk.desk.store.migrations")
                self._engine = engine
            return self._engine

    async def read(
        self,
        instance: "Instance",
        caller: Caller,
        action: Action,
        outcome: str,
        error: ClerkError | None = None,
    ) -> None:
        """Note a read; it reaches the disk within a second."""
        event = _event("read", new_id("ent"), instance, caller, action)
        self._batch.append(event | {"outcome": outcome} | _said(error))
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
        plan: "Plan | None" = None,
    ) -> None:
        """Note what was not done, and why."""
        event = _event("refused", new_id("ent"), instance, caller, action)
        said = _said(error) if isinstance(error, ClerkError) else {}
        plan_id = plan.id if plan else getattr(error, "plan_id", None)
        await self._add(
            event | {"outcome": error.kind, "plan": plan_id, "note": printable(error.message)} | said
        )

    async def intent(
        self, instance: "Instance", caller: Caller, action: Action, signed: "Signed"
    ) -> dict[str, Any]:
        """Note that a write is about to be sent, and what it will change; on disk when this returns."""
        event = _event("intent", new_id("ent"), instance, caller, action)
        event |= {
            "plan": signed.plan.id if signed.plan else None,
            "signed": signed.how,
            "before": without_secrets(signed.seen),
            "undoes": signed.undoes,
        }
        await self._add(event)
        return event

    async def outcome(
        self, intent: dict[str, Any], outcome: str, error: ClerkError | None = None, answer: Any = None
    ) -> None:
        """Note how a write ended: `done` with Clerk's answer, or the kind of its error."""
        event = intent | {"kind": "outcome", "at": now(), "outcome": outcome, "before": None}
        await self._add(event | {"after": without_secrets(answer)} | _said(error))

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


def _event(kind: str, entry: str, instance: "Instance", caller: Caller, action: Action) -> dict[str, Any]:
    return {
        "at": now(),
        "kind": kind,
        "entry": entry,
        "instance": instance.id,
        "face": caller.face,
        "client": printable(caller.client),
        "token": printable(caller.token),
        "action": action.spec.name,
        "effect": str(action.spec.effect),
        "target": "/".join(str(getattr(action, name)) for name in action.spec.route.names) or None,
        "arguments": action.arguments(),
    }


def printable(text: str | None) -> str | None:
    """Text as a database takes it: lone surrogates are replaced."""
    return text and text.encode("utf-8", "replace").decode()


def _said(error: ClerkError | None) -> dict[str, Any]:
    if error is None:
        return {}
    return {"status": error.status, "code": error.code, "trace_id": error.trace_id}
