"""The journal as the rest of the desk uses it: the one place that writes and reads records."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from deskclerk.catalogue import Action
from deskclerk.desk.bounds import Bounds, Unbounded
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.process_locks import claimed, unbroken
from deskclerk.desk.journal.records import (
    NOT_DONE,
    EntryFilter,
    Reply,
    end_record,
    printable,
    reply_columns,
    start_record,
)
from deskclerk.desk.journal.storage import Storage
from deskclerk.desk.time_and_ids import new_id
from deskclerk.desk.view.cleaning import without_secrets
from deskclerk.desk.waking import JOURNAL, PLANS, LocalWakes, Wakes
from deskclerk.errors import DeskclerkError, InvalidRequest, StorageUnavailable, WorkspaceGone

if TYPE_CHECKING:
    from deskclerk.database import Connection, Database
    from deskclerk.desk.journal.chain import ChainCheck

    Step = Callable[[Connection], Awaitable[None]]

logger = logging.getLogger("deskclerk.journal")

_BATCH = 50
_MOST_WAITING = 1_000
_CHOICES = 10_000
"""Records that are looked through for what there is to choose from."""
_BATCH_SECONDS = 0.5
"""Reads are many and change nothing: they wait for each other this long, and share one sync of the disk."""
_LONGEST_WAIT = 30.0
"""Seconds between two tries to note what could not be noted."""
_NEVER_SENT = "It was not sent: whether it was noted that it would be could not be told at first."


@dataclass
class RefusalContext:
    """What is known of a call while it is decided: the id of its plan, once there is one."""

    plan_id: str | None = None


class Journal:
    """Events in the desk's database, which is opened on the first one.

    Reads are written in batches; a write's intent is on disk before its request leaves. A read, or how a
    write ended, that cannot be noted is tried again until it is; whoever kills the process before leaves an
    intent whose end others find out.
    """

    def __init__(self, storage: Storage, wakes: Wakes | None = None, bounds: Bounds | None = None) -> None:
        """`wakes` reach this process alone when left out, and without `bounds` there are none."""
        self._storage = storage
        self.wakes: Wakes = wakes or LocalWakes()
        self.bounds: Bounds = bounds or Unbounded()
        self._batch: list[dict[str, Any]] = []
        # By entry and kind what waits after a transaction that failed: it may be on disk all the same, where
        # a commit was not answered.
        self._tried: set[tuple[str, str]] = set()
        self._flushing: asyncio.Task[None] | None = None
        # The event loop keeps only a weak reference to a task: one that nobody holds may vanish half-way.
        self._appending: set[asyncio.Task[int]] = set()
        # By identity and weakly: an error is forgotten with the call that it ended.
        self._noted: WeakSet[DeskclerkError] = WeakSet()

    async def database(self) -> "Database":
        """The desk's database, brought to the current schema."""
        return await self._storage.database()

    @property
    def commands(self) -> bool:
        """Whether commands work on it, and not pages alone."""
        return self._storage.commands

    def where(self, command: str, page: str) -> str:
        """Where people look at what is kept, to begin a sentence: a command, or a page of the console."""
        return f"`deskclerk {command}`" if self.commands else f"The console's page {page}"

    @asynccontextmanager
    async def writing(self, *topics: str, synced: bool = True) -> AsyncIterator["Connection"]:
        """A transaction of the desk's database; who listens to these topics is woken when it is over."""
        database = await self.database()
        try:
            async with database.writing(synced=synced) as connection:
                yield connection
        finally:
            # However it ended: who is cancelled while it is committed does not know whether it was.
            self.wakes.tell(*topics)

    async def read(
        self,
        instance: Instance,
        caller: Caller,
        action: Action,
        outcome: str,
        reply: Reply | None = None,
    ) -> None:
        """Note a read; it reaches the disk within a second."""
        if len(self._batch) >= _MOST_WAITING:
            # Nothing is added to what the disk does not take: this fails, or makes room.
            await self.flush()
        event = start_record("read", new_id("ent"), instance, caller, action)
        self._batch.append(event | {"outcome": outcome} | reply_columns(reply))
        # A burst of reads is bounded in memory by its number, a single one by its time.
        if len(self._batch) >= _BATCH:
            await self.flush()
        else:
            self._see_to_batch()

    async def refused(
        self,
        instance: Instance,
        caller: Caller,
        action: Action,
        error: DeskclerkError,
        plan_id: str | None = None,
        *,
        first: "Step | None" = None,
    ) -> None:
        """Note what was not done, and why; an error that was noted before is not noted again.

        `first` is a step of the plan's, such as a no, that is done in the same transaction before it.
        """
        # It passes several places on its way out, and each of them notes what it lets through.
        if error in self._noted:
            return
        self._noted.add(error)
        event = start_record("refused", new_id("ent"), instance, caller, action)
        plan_id = plan_id or getattr(error, "plan_id", None)
        told = {"outcome": error.kind, "plan": printable(plan_id), "note": printable(error.message)}
        await self._add(event | told | reply_columns(error), first, *((PLANS,) if first else ()))

    @asynccontextmanager
    async def noting_refusals(
        self, instance: Instance, caller: Caller, action: Action
    ) -> AsyncIterator[RefusalContext]:
        """Note the refusal that ends the block, if one does, with the plan that the block has found."""
        context = RefusalContext()
        try:
            yield context
        except DeskclerkError as error:
            await self.refused(instance, caller, action, error, context.plan_id)
            raise

    async def decided(
        self,
        instance: Instance,
        caller: Caller,
        action: Action,
        plan_id: str,
        *,
        how: str,
        step: "Callable[[Connection], Awaitable[str]]",
        topics: Sequence[str] = (PLANS,),
    ) -> str:
        """Take a decision of a person's, and note it and how it was given: neither counts without the other.

        `step` takes it in the transaction that notes it, and says what it is: `signed` or `declined`, which
        is answered. What it raises leaves nothing noted. `topics` are what it changes beside the journal.
        """
        event = start_record("decided", new_id("ent"), instance, caller, action)
        event |= {"plan": plan_id, "signed": printable(how)}

        async def first(connection: "Connection") -> None:
            event["outcome"] = await step(connection)

        await self._add(event, first, *topics)
        return str(event["outcome"])

    async def intent(
        self,
        instance: Instance,
        caller: Caller,
        action: Action,
        *,
        plan_id: str | None,
        how: str,
        seen: list[dict[str, Any]],
        undoes: str | None,
        first: "Step | None" = None,
    ) -> dict[str, Any]:
        """Note that a write is about to be sent; on disk when this returns.

        `how` says how it was signed, `seen` what was there before, `undoes` which entry it takes back.
        `first` is done in the same transaction before it; what that raises leaves nothing noted.
        """
        event = self.intent_record(
            instance, caller, action, plan_id=plan_id, how=how, seen=seen, undoes=undoes
        )
        # Its line tells later what else was under way.
        topics = (PLANS,) if plan_id else ()
        try:
            return event | {"seq": await self._add(event, first, *topics)}
        except StorageUnavailable:
            # It may stand there all the same, and nobody comes back to it as long as this process lives.
            self._wait_with(end_record(event, "outcome", NOT_DONE, None, _NEVER_SENT))
            raise

    def intent_record(
        self,
        instance: Instance,
        caller: Caller,
        action: Action,
        *,
        plan_id: str | None,
        how: str,
        seen: list[dict[str, Any]],
        undoes: str | None,
        job: str | None = None,
    ) -> dict[str, Any]:
        """The record of a write that is about to be sent, for `add_all` or as `intent` adds it."""
        return start_record("intent", new_id("ent"), instance, caller, action) | {
            "plan": plan_id,
            "signed": how,
            "before": without_secrets(seen),
            "undoes": undoes,
            "owner": self.process_name(),
            "job": job,
        }

    async def add_all(self, events: Sequence[dict[str, Any]], first: "Step | None" = None) -> int:
        """Add the intents and outcomes of many writes in one transaction; the last one's line.

        All of it is on disk when this returns. `first` is done in the same transaction before it; what that
        raises leaves nothing noted.
        """
        return await self._add_several(list(events), first)

    async def outcome(
        self,
        intent: dict[str, Any],
        outcome: str,
        reply: Reply | None = None,
        answer: Any = None,
        note: str | None = None,
    ) -> None:
        """Note how a write ended: `done` with Clerk's answer, `not_done`, `unknown`, or its error's kind.

        `reply` is what Clerk said with it: an error, or beside its answer.
        """
        await self._add(end_record(intent, "outcome", outcome, answer, note) | reply_columns(reply))

    async def settled(
        self, intent: dict[str, Any], outcome: str, after: Any, note: str, code: str | None
    ) -> dict[str, Any] | None:
        """Note what a later process found out about an open intent; None if that is known already."""
        from deskclerk.desk.journal.queries import append_settled  # noqa: PLC0415 - opened when needed

        line = end_record(intent, "settled", outcome, after, f"Settled later. {note}")
        line |= {"code": code, "owner": None}
        added = await append_settled(await self.database(), line)
        self.wakes.tell(JOURNAL)
        return line if added else None

    async def open_intents(self, instance: Instance, owner: str | None = None) -> list[dict[str, Any]]:
        """Writes of which no outcome is known, of processes other than this one."""
        from deskclerk.desk.journal.queries import open_intents  # noqa: PLC0415 - opened when needed

        found = await open_intents(await self.database(), instance.id)
        # What this process sent is under way in it: it will journal the end itself.
        own = self._storage.process
        return [line for line in found if line["owner"] != own and owner in (None, line["owner"])]

    async def intents_beside(self, instance: Instance, seq: int) -> list[dict[str, Any]]:
        """Other writes that were not over when the one of line `seq` was about to be sent."""
        from deskclerk.desk.journal.queries import intents_beside  # noqa: PLC0415 - opened when needed

        return await intents_beside(await self.database(), instance.id, seq)

    def gone(self, owner: str) -> AbstractAsyncContextManager[bool]:
        """Whether a process has ended; within the block its open intents are the caller's to settle."""
        return claimed(self.locks(), owner)

    async def entry(self, entry_id: str) -> dict[str, Any] | None:
        """One entry as `{"intent": {...}, "outcome": {...} or None}`; None if there is none of this id.

        A write's intent holds `arguments` and `before`, its outcome `outcome`, `after`, `note` and what
        Clerk said. A read or a refusal is one record, which stands as `intent` with its own `outcome`.
        """
        rows = await self.records_of(entry_id)
        if not rows:
            return None
        return {"intent": rows[0], "outcome": rows[-1] if len(rows) > 1 else None}

    async def entries(
        self, wanted: EntryFilter, after: int = 0, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The entries that fit, oldest first: the last `limit` of them, or those behind line `after`."""
        from deskclerk.desk.journal.queries import entries  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await entries(await self.database(), wanted, after, limit)

    async def seen(self, entry_ids: Sequence[str]) -> dict[str, tuple[Any, Any]]:
        """By entry: what the desk saw before a write, and what Clerk answered; None where none is noted."""
        from deskclerk.desk.journal.queries import seen  # noqa: PLC0415 - opened when needed

        return await seen(await self.database(), entry_ids) if entry_ids else {}

    async def choices(self, most: int = _CHOICES) -> list[dict[str, Any]]:
        """What the last records have to choose from: `{action, face, client, token, outcome, kind}`."""
        from deskclerk.desk.journal.queries import choices  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await choices(await self.database(), most)

    async def daily(self, since: int) -> list[dict[str, Any]]:
        """`{day, kind, count}` of reads, intents and refusals; `day` in whole days since the epoch, UTC."""
        from deskclerk.desk.journal.queries import daily  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await daily(await self.database(), since)

    async def verify(self, noted: str | None = None) -> "ChainCheck":
        """Go along the chain; `noted` is a last line as `SEQ:HASH` that a person kept."""
        from deskclerk.desk.journal.chain import read_head  # noqa: PLC0415 - opened when needed
        from deskclerk.desk.journal.queries import check  # noqa: PLC0415

        head = read_head(noted) if noted else None
        await self.flush()
        while True:
            beginning = await self._storage.beginning()
            if head and head.seq < beginning.seq:
                raise InvalidRequest(
                    f"Line {head.seq} was cut off with what is older than the journal is kept.",
                    next_step=f"The chain begins behind line {beginning.seq}; note a newer one.",
                )
            found = await check(await self.database(), head, beginning)
            # What was cut off in between is no fault; what is missing behind the same beginning is.
            if found.fault is None or await self._storage.beginning() == beginning:
                return found

    async def recent(self, count: int = 20) -> list[dict[str, Any]]:
        """The last events, the oldest of them first."""
        from deskclerk.desk.journal.queries import last  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await last(await self.database(), count)

    async def job_entries(
        self, job_id: str, after: int, count: int, *, back: bool = False
    ) -> list[dict[str, Any]]:
        """The intents of a job's items behind line `after`, at most `count`, each with its last outcome.

        `[{"intent": …, "outcome": … or None}]`, in the journal's order; with `back` the last one first, those
        before the line, or from the end for 0.
        """
        from deskclerk.desk.journal.queries import of_job  # noqa: PLC0415 - opened when needed

        return await of_job(await self.database(), job_id, after, count, back=back)

    async def count_writes(self, instance: Instance, effect: str, since: int) -> int:
        """How many writes of an effect were sent to an instance since then, whichever way they ended.

        The items of jobs are left out: what they send in all was signed as a number.
        """
        from deskclerk.desk.journal.queries import count_writes  # noqa: PLC0415 - opened when needed

        return await count_writes(await self.database(), instance.id, effect, since)

    async def records_of(self, entry_id: str) -> list[dict[str, Any]]:
        """Every record of one entry, in order; a read's too, and a refusal's."""
        from deskclerk.desk.journal.queries import of_entry  # noqa: PLC0415 - opened when needed

        await self.flush()
        return await of_entry(await self.database(), entry_id)

    async def taken_back_by(self, entry_id: str) -> str | None:
        """The entry that took this one back and stands; None if none did, or it was itself taken back."""
        from deskclerk.desk.journal.queries import undone_by  # noqa: PLC0415 - opened when needed

        # An undo that was undone in turn counts no more, however often that went back and forth.
        for entry in await undone_by(await self.database(), entry_id):
            if not await self.taken_back_by(entry):
                return entry
        return None

    async def flush(self) -> None:
        """Write the reads noted so far, and what waits to be noted."""
        if self._batch:
            await self._add()

    async def close(self) -> None:
        """Flush, and let go of the database; StorageUnavailable if reads could not be noted."""
        if self._flushing:
            self._flushing.cancel()
        try:
            # First what is under way: reads that it cannot write wait for the next try, which is this one.
            if self._appending:
                await asyncio.wait(self._appending)
            await self.flush()
        except StorageUnavailable:
            # How a write ended was told to whoever asked for it, with this failure; others find it out.
            if any(row["kind"] == "read" for row in self._batch):
                raise
        except WorkspaceGone:
            # There is no journal any more in which they could be missed.
            pass
        finally:
            if self._flushing:
                self._flushing.cancel()
            await self._storage.close()

    def locks(self) -> Path | str:
        """Where processes hold their locks: a folder, or the URL of a PostgreSQL server."""
        return self._storage.locks()

    def seen_alive(self) -> Callable[[], bool]:
        """A check that is true as long as others have seen this process alive without a break from now on."""
        return unbroken(self.process_name())

    def process_name(self) -> str:
        """This process's name, under which it holds a lock as long as it lives."""
        return self._storage.process_name()

    def _see_to_batch(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        wait = _BATCH_SECONDS
        while self._batch:
            await asyncio.sleep(wait)
            try:
                await self.flush()
                wait = _BATCH_SECONDS
            except StorageUnavailable as error:
                logger.error("Lines that wait to be noted in the journal: %d. %s", len(self._batch), error)
                wait = min(2 * wait, _LONGEST_WAIT)
            except WorkspaceGone:
                return

    async def _add(
        self, event: dict[str, Any] | None = None, first: "Step | None" = None, *topics: str
    ) -> int:
        """Do what comes first, append the batch, then the event, in one transaction; the last line.

        `topics` are what it changes beside the journal.
        """
        return await self._add_several([event] if event else [], first, *topics)

    async def _add_several(self, events: list[dict[str, Any]], first: "Step | None", *topics: str) -> int:
        # Taken before the first await: whoever notes a read meanwhile begins a batch of its own.
        batch, self._batch = self._batch, []
        task = asyncio.create_task(self._append([*batch, *events], first, *topics))
        self._appending.add(task)
        task.add_done_callback(self._appended)
        # A caller that goes away does not take with it what others have noted.
        return await asyncio.shield(task)

    async def _append(self, rows: list[dict[str, Any]], first: "Step | None", *topics: str) -> int:
        from deskclerk.desk.journal.queries import append  # noqa: PLC0415 - opened when needed

        tried = self._tried.intersection(map(_identity, rows))
        try:
            last = await append(await self.database(), rows, first, tried)
        except BaseException as error:
            # What has happened waits for the next try, which may find space on the disk or a server that is
            # back; of everything else whoever asked for it is told. How a write ended is whoever's who noted
            # it, where it was no disk's fault: another may have taken the job over, and will say.
            kinds = ("read", "outcome") if isinstance(error, StorageUnavailable) else ("read",)
            if not isinstance(error, WorkspaceGone):
                self._wait_with(*(row for row in rows if row["kind"] in kinds or _identity(row) in tried))
            raise
        else:
            self._tried -= tried
            return last
        finally:
            self.wakes.tell(JOURNAL, *topics)

    def _wait_with(self, *rows: dict[str, Any]) -> None:
        """Have rows noted with the next try, those that are not on disk already."""
        self._batch = [*rows, *self._batch]
        self._tried.update(map(_identity, rows))
        if rows:
            self._see_to_batch()

    def _appended(self, task: asyncio.Task[int]) -> None:
        self._appending.discard(task)
        if not task.cancelled():
            task.exception()  # raised to the caller, if it is still there


def _identity(row: dict[str, Any]) -> tuple[str, str]:
    return row["entry"], row["kind"]
