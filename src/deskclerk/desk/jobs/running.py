"""How a job's items are carried out: looked at, their intents on disk, sent, their outcomes on disk.

Each item goes the way of a single write, many side by side. What ends and what begins meanwhile shares one
transaction: it notes outcomes and intents in the journal and what has become of the items, so that the two
never contradict each other. A run that dies leaves items that are `sent`; the next one finds out by reading
how they ended before it sends any of them again.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import Action
from deskclerk.clerk.answers import ResponseInfo
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.rate_budget import hourly_cap
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.many import AT_ONCE, asked_together, look_at_many
from deskclerk.desk.execution.settling import Settling, longest_under_way
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.job import (
    BY_A_PERSON,
    CANCEL,
    CANCELLED,
    CHANGES,
    COUNTED,
    ITEM_DONE,
    PAUSE,
    PAUSED,
    REFUSED,
    RUN,
    SENT,
    SKIPPED,
    UNKNOWN,
    WAITING,
    Item,
    Job,
)
from deskclerk.desk.jobs.job import DONE as JOB_DONE
from deskclerk.desk.jobs.store import JobStore, LostJobError
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE, ENDINGS, NOT_DONE, TOO_SOON, Reply, end_record, reply_columns
from deskclerk.desk.journal.records import UNKNOWN as OUTCOME_UNKNOWN
from deskclerk.desk.notifications.messages import PausedJob
from deskclerk.desk.notifications.notifications import Teller
from deskclerk.desk.observing import Observer
from deskclerk.desk.plans.drafting import digest_of
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.secrets.handovers import Handovers
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import (
    ClerkError,
    ClerkUnavailable,
    DeskclerkError,
    InvalidRequest,
    KeyRejected,
    OutcomeUnknown,
    RateLimited,
    WorkspaceGone,
)

if TYPE_CHECKING:
    from deskclerk.database import Connection

logger = logging.getLogger("deskclerk.jobs")

_SIDE_BY_SIDE = 32
"""Items under way at a time: what a Clerk that answers in 300 ms wants for a hundred a second."""
_LOOK_SECONDS = 0.5
"""Between two looks at what a person wants."""
_PATIENCE = 300_000
"""Milliseconds, beside those it may be under way, after which an item whose end cannot be read is unknown."""
_LONGEST_ERROR = 300
_WAITS_AGAIN = (NOT_DONE, RateLimited.kind, ClerkUnavailable.kind, KeyRejected.kind)
"""How the journal has a write of which nothing was done, and that is no fault of its item."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts of the desk that a run uses."""

    instance: Instance
    journal: Journal
    clerk: Callable[[], Awaitable[Clerk]]
    settling: Settling
    store: JobStore
    secrets: Secrets
    handovers: Handovers
    caps: RateCaps
    teller: Teller
    observer: Observer | None = None


def paused_job(job: Job) -> PausedJob:
    """A job that has paused by itself, as people are told of it."""
    counts = {name: job.counts.get(name, 0) for name in COUNTED}
    return PausedJob(job.id, job.run, job.title, job.reason or "", job.all_of_it, counts, job.caller)


@dataclass(slots=True)
class _Ready:
    """An item that may be sent, and what was seen of its target a moment ago."""

    item: Item
    action: Action
    seen: list[dict[str, Any]]
    intent: dict[str, Any] = field(default_factory=dict)
    alive: Callable[[], bool] = lambda: True
    """Whether others have seen this process alive without a break since before the intent was noted."""
    last_try: float = 0.0


@dataclass(slots=True)
class _Ended:
    """What has become of an item; `outcome` is the journal's word, None where nothing was sent."""

    item: Item
    status: str
    intent: dict[str, Any] | None = None
    outcome: str | None = None
    reply: Reply | None = None
    answer: Any = None
    note: str | None = None
    error: str | None = None
    made: str | None = None


class _TakenForDeadError(Exception):
    """Others may have taken this process for gone, and the job over: nothing more of it is sent."""


class _WaitError(Exception):
    """Clerk takes the next one so many seconds later."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Run:
    """One run of a job, part by part; `stopping` ends the part under way early, `idle` says that it has."""

    def __init__(self, job: Job, owner: str, tools: Tools) -> None:
        self.job = job
        self.owner = owner
        self.stopping = False
        self.idle = asyncio.Event()
        self.idle.set()
        self._tools = tools
        self._in_order = job.kind == CHANGES
        self._at_once = 1 if self._in_order else _SIDE_BY_SIDE
        self._ready: deque[_Ready] = deque()
        self._queued: set[int] = set()
        """The items that are looked at and not over."""
        self._skipped: list[_Ended] = []
        self._after = 0
        self._exhausted = False
        self._looking: asyncio.Task[None] | None = None
        self._in_a_row = 0
        self._at_last_pass = -1
        self._why = ""
        self._says = job.reason or ""
        self._hold_until = 0.0
        self._made: dict[int, str] = {}
        self._made_is_whole = False
        self._back_to: int | None = None
        from_then: Mapping[str, int] = job.progress.get("counted_from", {})
        self._tried = job.finished - sum(
            from_then.get(name, 0) for name in (ITEM_DONE, REFUSED, UNKNOWN, SKIPPED)
        )
        self._failed = sum(job.counts.get(name, 0) - from_then.get(name, 0) for name in (REFUSED, UNKNOWN))

    async def settle(self) -> bool:
        """Find out what became of the items that an earlier run has sent; whether all are known now.

        What was not done waits again. What may still be under way at Clerk is looked at later.
        """
        tools = self._tools
        if not await tools.store.items(self.job.id, (SENT,), limit=1):
            return True
        await tools.settling.orphans()
        open_ones = 0
        ended: list[_Ended] = []
        async for item in tools.store.every_item(self.job.id, (SENT,)):
            found = await self._end_of(item)
            if found is None:
                open_ones += 1
            else:
                ended.append(found)
        self._count(ended)
        await self._note(ended, [])
        return open_ones == 0

    async def _end_of(self, item: Item) -> _Ended | None:
        """How a sent item ended as the journal has it; None while that is not known."""
        rows = await self._tools.journal.records_of(item.entry or "")
        end = next((row for row in reversed(rows) if row["kind"] in ENDINGS), None)
        age = now() - rows[0]["at"] if rows else 0
        if _open(end) and rows and rows[0]["owner"] == self._tools.journal.process_name():
            # An earlier run of this very process broke off before it could note the end.
            await self._tools.settling.own(rows[0])
            rows = await self._tools.journal.records_of(item.entry or "")
            end = next((row for row in reversed(rows) if row["kind"] in ENDINGS), None)
        if end is None or _open(end):
            if age <= longest_under_way(await self._tools.clerk()) + _PATIENCE:
                return None
            return _Ended(item, UNKNOWN, error="how it ended could not be read")
        if end["outcome"] == DONE:
            return _Ended(item, ITEM_DONE, made=_made(item, end["after"]))
        if end["outcome"] in _WAITS_AGAIN:
            return _Ended(item, WAITING)
        if end["outcome"] in (OUTCOME_UNKNOWN, OutcomeUnknown.kind):
            return _Ended(item, UNKNOWN, error=end["note"])
        return _Ended(item, REFUSED, error=end["note"] or end["outcome"])

    async def part(self, seconds: float) -> tuple[str, str | None] | None:
        """Carry items out for about so long; the status that the job ends with and why, None if it goes on.

        LostJobError if another run has the job by now.
        """
        until, looked = monotonic() + seconds, 0.0
        flying: set[asyncio.Task[_Ended]] = set()
        finished: list[_Ended] = []
        done: set[asyncio.Task[Any]]
        wanted = RUN
        self.idle.clear()
        try:
            while True:
                if monotonic() - looked > _LOOK_SECONDS:
                    wanted, looked = await self._wanted(), monotonic()
                taking = not (self._why or self.stopping) and wanted == RUN and monotonic() < until
                self._go_back()
                if taking and not (self._in_order and (flying or finished)):
                    self._look_ahead()
                starting = self._next(self._at_once - len(flying)) if taking else []
                self._count(self._skipped)
                finished += self._skipped
                self._skipped = []
                if finished or starting:
                    noted, finished = finished, []
                    for ready in await self._begin(noted, starting):
                        flying.add(asyncio.create_task(self._send(ready)))
                waiting: set[asyncio.Task[Any]] = {
                    *flying,
                    *([self._looking] if self._looking and taking else []),
                }
                if not waiting:
                    if not taking or (self._exhausted and not self._ready):
                        break
                    await asyncio.sleep(min(max(0.0, self._hold_until - monotonic()), _LOOK_SECONDS))
                    continue
                done, _ = await asyncio.wait(
                    waiting, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                # Counted at once: what begins next has to know that the job stops.
                ended = [task.result() for task in done & flying]
                self._count(ended)
                finished += ended
                flying -= done
                if self._looking in done:
                    self._looked()
        finally:
            # Nothing is sent by a task that nobody waits for: what is under way ends, and is noted.
            await self._leave_looking()
            if flying:
                await asyncio.wait(flying)
            await self._note([*finished, *(task.result() for task in flying)], [])
            self.idle.set()
        return await self._verdict(wanted)

    async def _verdict(self, wanted: str) -> tuple[str, str | None] | None:
        if wanted == CANCEL:
            return CANCELLED, None
        if wanted == PAUSE:
            return PAUSED, BY_A_PERSON
        if self._why:
            return PAUSED, self._why
        if not (self._exhausted and not self._ready):
            return None
        # At the end of a pass: what waits once more, or is still to be found out about.
        known = await self.settle()
        if known and not await self._tools.store.open_numbers(self.job.id):
            return JOB_DONE, None
        self._after, self._exhausted = 0, False
        if self._tried == self._at_last_pass:
            await asyncio.sleep(1)
        self._at_last_pass = self._tried
        return None

    async def _wanted(self) -> str:
        wanted, owner = await self._tools.store.wanted(self.job.id)
        if owner != self.owner:
            raise LostJobError(self.job.id)
        return wanted

    def _hold(self, seconds: float) -> None:
        """Send nothing for so long; what is looked at already is looked at again after that."""
        self._hold_until = max(self._hold_until, monotonic() + seconds)
        if self._ready:
            first = min(ready.item.number for ready in self._ready) - 1
            self._back_to = first if self._back_to is None else min(first, self._back_to)
            self._queued -= {ready.item.number for ready in self._ready}
            self._ready.clear()

    # Looked at, a list request ahead of what is sent.

    def _go_back(self) -> None:
        """Begin again before the first item that waits once more, unless a look is under way."""
        if self._back_to is not None and self._looking is None:
            self._after, self._exhausted = min(self._after, self._back_to), False
            self._back_to = None

    def _look_ahead(self) -> None:
        if self._looking is None and not self._exhausted and len(self._ready) < self._at_once:
            if self._in_order and (self._ready or self._hold_until > monotonic()):
                return
            self._looking = asyncio.create_task(self._look())

    def _looked(self) -> None:
        task, self._looking = self._looking, None
        error = task.exception() if task else None
        if isinstance(error, RateLimited):
            self._hold_until = monotonic() + (error.retry_after or 1.0)
        elif isinstance(error, DeskclerkError):
            self._why = f"The targets could not be read: {line_of(error.message, _LONGEST_ERROR)}"
        elif error:
            raise error

    async def _leave_looking(self) -> None:
        """Let go of a look that is under way: nothing of it is kept before it has ended."""
        task, self._looking = self._looking, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    async def _look(self) -> None:
        """The next items that wait, each looked at; what is not to be sent is noted as skipped."""
        tools, most = self._tools, 1 if self._in_order else AT_ONCE
        found = await tools.store.items(self.job.id, (WAITING,), self._after, most)
        if not found:
            self._exhausted = True
            return
        made: dict[int, str] = {}
        ready: list[tuple[Item, Action]] = []
        last = found[-1].number
        for item in found:
            if item.number in self._queued:
                continue
            if item.needs:
                made = await self._made_so_far()
            if missing := item.needs - made.keys():
                if await tools.store.any_open(self.job.id, missing):
                    # What it needs is under way, or waits again: this pass ends here, and another begins.
                    last = item.number - 1
                    self._exhausted = not ready
                    break
                # Asked once more: it may have ended while it was looked for.
                if item.needs - made.keys():
                    self._skipped.append(_Ended(item, SKIPPED, error="what it is about was not made"))
                    continue
            try:
                ready.append((item, item.built(made)))
            except InvalidRequest as error:
                # Valid when it was signed: what an earlier step made is not what this one takes.
                self._skipped.append(self._failure(item, error.message))
        items, actions = [item for item, _ in ready], [action for _, action in ready]
        filtered = self._filters({type(action) for action in actions})
        seen = await look_at_many(actions, await tools.clerk(), filtered)
        self._after = last
        self._queued |= {item.number for item in items}
        for item, action, there in zip(items, actions, seen, strict=True):
            problem = await self._not_now(item, action, there, filtered=bool(filtered))
            if problem:
                self._skipped.append(problem)
            else:
                self._ready.append(_Ready(item, action, there or []))

    def _filters(self, kinds: set[type[Action]]) -> Mapping[str, Any] | None:
        """The filters that found the targets, where the list that had them is the one that is asked now."""
        listers = [asked_together(kind) for kind in kinds]
        found_by = self.job.options.get("found_by")
        same = all(lister and lister.spec.name == found_by for lister in listers)
        return self.job.options.get("where") or None if same else None

    async def _not_now(
        self, item: Item, action: Action, seen: list[dict[str, Any]] | None, *, filtered: bool
    ) -> _Ended | None:
        """Why an item is not sent although it was signed; None if it is."""
        if seen is None:
            gone = "it is gone, or the filters find it no more" if filtered else "it is not there any more"
            return self._failure(item, gone) if self._in_order else _Ended(item, SKIPPED, error=gone)
        if item.target and item.target != await self._digest(action, seen):
            return self._failure(
                item, "what was signed is not what is there now: the target changed in between"
            )
        if consequences_of(type(action)).is_so_already(action, seen):
            return _Ended(item, SKIPPED, error="it is so already")
        return None

    async def _digest(self, action: Action, seen: list[dict[str, Any]]) -> str:
        # With the arguments as they were signed, in which an earlier step's id is a `$1.id`.
        seals = await self._tools.secrets.seals(action)
        return digest_of(action, self._tools.instance.id, seen, seals)

    @staticmethod
    def _failure(item: Item, error: str) -> _Ended:
        return _Ended(item, REFUSED, error=error)

    async def _made_so_far(self) -> dict[int, str]:
        """The ids that items have made: those of this run, and once read those of earlier ones."""
        if not self._made_is_whole:
            async for item in self._tools.store.every_item(self.job.id, (ITEM_DONE,)):
                if item.made:
                    self._made[item.number] = item.made
            self._made_is_whole = True
        return self._made

    # Noted, sent, noted.

    def _next(self, room: int) -> list[_Ready]:
        if monotonic() < self._hold_until:
            return []
        if self._ready and not self._tools.journal.seen_alive()():
            # Whatever became of the job meanwhile is looked at before anything is sent again.
            self._hold(1.0)
            return []
        capped = bool(self._ready) and hourly_cap(type(self._ready[0].action).spec.route) is not None
        # Of what has a cap by the hour one at a time: each is counted before the next.
        return [self._ready.popleft() for _ in range(min(len(self._ready), 1 if capped else room))]

    async def _begin(self, finished: list[_Ended], starting: list[_Ready]) -> list[_Ready]:
        """Note what ended and what begins; what may be sent now."""
        if starting and hourly_cap(type(starting[0].action).spec.route):
            await self._note(finished, [])
            finished = []
        try:
            await self._note(finished, starting)
        except _WaitError as error:
            self._ready.extendleft(reversed(starting))
            self._hold(error.seconds)
            if not self._says:
                minutes = -(-error.seconds // 60)
                self._says = f"waits up to {minutes:.0f} minutes: Clerk takes no more of these in this hour"
                await self._tools.store.say(self.job.id, self.owner, self._says)
            return []
        if self._says:
            self._says = ""
            await self._tools.store.say(self.job.id, self.owner, None)
        return starting

    async def _note(self, finished: Sequence[_Ended], starting: Sequence[_Ready]) -> None:
        """One transaction: outcomes and intents in the journal, and what has become of the items."""
        tools, job = self._tools, self.job
        if not finished and not starting:
            return
        ends = [
            end_record(ended.intent, "outcome", ended.outcome or OUTCOME_UNKNOWN, ended.answer, ended.note)
            | reply_columns(ended.reply)
            for ended in finished
            if ended.intent
        ]
        # Before the transaction that finds the job still this run's: it is not lost unseen between the two.
        alive = tools.journal.seen_alive()
        for ready in starting:
            ready.last_try = (await tools.clerk()).last_try()
            ready.intent = tools.journal.intent_record(
                tools.instance,
                job.caller,
                ready.action,
                plan_id=job.plan,
                how="with its job",
                seen=ready.seen,
                undoes=ready.item.undoes,
                job=job.id,
            )
            ready.alive = alive
        again = [ended for ended in finished if ended.status == WAITING]
        over = [ended for ended in finished if ended.status != WAITING]

        async def items(connection: "Connection") -> None:
            await tools.store.check_owner(connection, job.id, self.owner)
            if starting:
                await self._keep_caps(connection, starting[0].action)
            await tools.store.change_items(
                connection,
                job.id,
                [{"number": it.item.number, "status": SENT, "entry": it.intent["entry"]} for it in starting],
            )
            await tools.store.change_items(
                connection,
                job.id,
                [{"number": it.item.number, "status": WAITING, "entry": None} for it in again],
            )
            await tools.store.change_items(
                connection,
                job.id,
                [
                    {
                        "number": ended.item.number,
                        "status": ended.status,
                        "made": ended.made,
                        "error": ended.error and line_of(ended.error, _LONGEST_ERROR),
                        "secrets": None,
                    }
                    for ended in over
                ],
            )

        try:
            last = await tools.journal.add_all([*ends, *(ready.intent for ready in starting)], items)
        except LostJobError:
            await self._note_for_others(finished)
            raise
        for place, ready in enumerate(starting):
            ready.intent["seq"] = last - len(starting) + 1 + place
        if tools.observer:
            for ended in over:
                tools.observer.item(ended.status)

    async def _note_for_others(self, finished: Sequence[_Ended]) -> None:
        """Note how writes ended whose job another run has by now: it finds that in the journal."""
        ends = [
            end_record(
                ended.intent,
                "outcome",
                # What waits again is not this run's to say of the item; that it was not done is.
                NOT_DONE if ended.status == WAITING else ended.outcome or OUTCOME_UNKNOWN,
                ended.answer,
                ended.note,
            )
            | reply_columns(ended.reply)
            for ended in finished
            if ended.intent
        ]
        if ends:
            # Of a workspace that was deleted nobody has the job, and there is nothing to note it in.
            with contextlib.suppress(WorkspaceGone):
                await self._tools.journal.add_all(ends)

    async def _keep_caps(self, connection: "Connection", action: Action) -> None:
        if hourly_cap(type(action).spec.route) is None:
            return
        try:
            await self._tools.caps.wait(connection, action)
        except RateLimited as error:
            raise _WaitError(error.retry_after or 1.0) from None

    def _count(self, over: Sequence[_Ended]) -> None:
        """Whether what ended so makes the job stop and ask; what waits again is looked for again."""
        for ended in over:
            self._queued.discard(ended.item.number)
            if ended.status == WAITING:
                before = ended.item.number - 1
                self._back_to = before if self._back_to is None else min(before, self._back_to)
                continue
            self._tried += 1
            if ended.made:
                self._made[ended.item.number] = ended.made
            if ended.status in (REFUSED, UNKNOWN):
                self._failed += 1
                self._in_a_row += 1
                if self._in_order:
                    self._why = (
                        f"step {ended.item.number} was not done: {line_of(ended.error, _LONGEST_ERROR)}"
                    )
            elif ended.status == ITEM_DONE:
                self._in_a_row = 0
        self._at_last_pass = -1
        if not self._in_order:
            self._why = self._why or self.job.stop.reason(self._tried, self._failed, self._in_a_row)

    async def _send(self, ready: _Ready) -> _Ended:
        """Send one item whose intent is on disk; what became of it. Raises nothing."""
        item, intent, info = ready.item, ready.intent, ResponseInfo()
        earlier: list[int] = []

        def before() -> None:
            # What was answered before this request of the same write; after a 429 nothing was done.
            if info.status not in (None, 429):
                earlier.append(info.status)
            if not ready.alive():
                raise _TakenForDeadError

        try:
            clerk = await self._tools.clerk()
            resolved = await self._tools.secrets.resolve(ready.action)
            answer = await clerk.perform(resolved, info, before, last_try=ready.last_try)
        except _TakenForDeadError:
            self._hold(1.0)
            if not earlier:
                return _Ended(item, WAITING, intent, NOT_DONE)
            broken = OutcomeUnknown("It was broken off: others may have taken this process for gone.")
            return await self._read_back(ready, broken)
        except OutcomeUnknown as error:
            return await self._read_back(ready, error)
        except RateLimited as error:
            self._hold(error.retry_after or 1.0)
            return _Ended(item, WAITING, intent, error.kind, error)
        except (ClerkUnavailable, KeyRejected) as error:
            # Nothing was sent, or nothing is let in: that is so for every other item too.
            self._why = self._why or line_of(str(error.message), _LONGEST_ERROR)
            return _Ended(item, WAITING, intent, error.kind, error)
        except DeskclerkError as error:
            return _Ended(item, REFUSED, intent, error.kind, error, error=error.message)
        except Exception as error:
            # Of a fault of ours nothing is known but that the request may have left.
            logger.exception("%s: item %d of %s", type(error).__name__, item.number, self.job.id)
            return _Ended(
                item,
                UNKNOWN,
                intent,
                OUTCOME_UNKNOWN,
                error=f"failed inside deskclerk ({type(error).__name__})",
            )
        rest, notes = await self._tools.handovers.keep(answer, item.kind.spec.hands_over)
        note = " ".join(notes) or None
        return _Ended(item, ITEM_DONE, intent, DONE, info, rest, note=note, made=_made(item, answer))

    async def _read_back(self, ready: _Ready, error: OutcomeUnknown) -> _Ended:
        item, intent = ready.item, ready.intent
        try:
            found, failure = await self._tools.settling.after_loss(intent, error)
        except ClerkError as unread:
            return _Ended(item, UNKNOWN, intent, OUTCOME_UNKNOWN, error, error=unread.message)
        if found.outcome == DONE:
            made = _made(item, found.after)
            return _Ended(item, ITEM_DONE, intent, DONE, error, found.after, found.note, made=made)
        status = REFUSED if found.outcome == NOT_DONE else UNKNOWN
        return _Ended(item, status, intent, found.outcome, error, note=found.note, error=failure.message)


def _open(end: Mapping[str, Any] | None) -> bool:
    """Whether how a write ended is not known yet, or was looked for too soon."""
    return end is None or (end["outcome"] == OUTCOME_UNKNOWN and end["code"] == TOO_SOON)


def _made(item: Item, answer: Any) -> str | None:
    """The id of what an item has made."""
    made = answer.get("id") if isinstance(answer, Mapping) and item.kind.spec.creates else None
    return made if isinstance(made, str) else None
