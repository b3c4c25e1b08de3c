"""How a signed write is carried out: intent on disk, one request, outcome on disk, answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import Action
from deskclerk.clerk.answers import ResponseInfo
from deskclerk.clerk.client import Clerk
from deskclerk.desk.approvals.signing import SignedWrite
from deskclerk.desk.caller import MODELS, Caller
from deskclerk.desk.execution.settling import Settling
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE, UNKNOWN, Reply
from deskclerk.desk.plans.store import PlanStore
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.secrets.handovers import Handovers, once_shown
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.view.answers import Answer, show
from deskclerk.errors import (
    ApprovalRefused,
    ClerkError,
    DeskclerkError,
    OutcomeUnknown,
    RateLimited,
    StorageUnavailable,
    WorkspaceGone,
)
from deskclerk.settings import Settings

if TYPE_CHECKING:
    from deskclerk.database import Connection

logger = logging.getLogger("deskclerk.journal")


class _TooSoon(Exception):
    """Clerk would refuse the write now, and take it so many seconds later."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Writes:
    """Carries writes to one instance; the caller may go away meanwhile, the write does not."""

    def __init__(
        self,
        settings: Settings,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        *,
        settling: Settling,
        plans: PlanStore,
        secrets: Secrets,
        handovers: Handovers,
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._settling = settling
        self._plans = plans
        self._caps = RateCaps(instance, journal)
        self._secrets = secrets
        self._handovers = handovers
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def write(self, action: Action, caller: Caller, signed: SignedWrite) -> Answer:
        """Send a write that may be sent; raises what Clerk refused, or OutcomeUnknown."""
        task = asyncio.create_task(self._write(action, caller, signed))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        # A caller that goes away does not tear a write apart: it ends, and is journalled.
        return await asyncio.shield(task)

    async def end(self) -> None:
        """Wait for the writes under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        """Forget a write; if its caller went away, nobody else takes its error (it is journalled)."""
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()

    async def _write(self, action: Action, caller: Caller, signed: SignedWrite) -> Answer:
        clerk = await self._clerk()
        plan_id = signed.plan.id if signed.plan else None
        try:
            # Values take the place of references only now: plan, journal and errors hold the reference.
            ready = await self._secrets.resolve(action)
        except DeskclerkError as error:
            await self._journal.refused(self._instance, caller, action, error, plan_id)
            raise
        found_out: tuple[str, ...] = ()
        # On disk before the first byte leaves: a process that dies in between leaves a write to look for,
        # never one that nobody knows of.
        entry, last_try = await self._intent(clerk, action, caller, signed)
        info = ResponseInfo()
        try:
            answer = await clerk.perform(ready, info, last_try=last_try)
        # Before ClerkError, of which it is one: this is not a refusal, and is not told as one.
        except OutcomeUnknown as error:
            answer, found_out = await self._read_back(entry, error)
        except ClerkError as error:
            _add_notes(error, await self._ended_so(entry, error.kind, error))
            raise
        except BaseException:
            # Cancelled or broken halfway: the request may be under way, so that nothing else is true.
            await self._ended_so(entry, UNKNOWN)
            raise
        try:
            # Before the outcome is on disk: whoever dies in between leaves a write to look for, whose secret
            # waits for a person. The other way round it would be done, and what Clerk shows once be lost.
            rest, notes = await self._handovers.keep(answer, action.spec.hands_over)
        finally:
            # However that went: a secret that cannot be handed over must not undo what is true.
            if not found_out:
                # Without what is handed over: the journal is read by more people than the one it is for.
                public, _ = once_shown(answer, action.spec.hands_over)
                found_out = await self._ended_so(entry, DONE, info, public)
        view = show(action, rest, self._settings.answer_characters, for_model=caller.face == MODELS)
        return Answer(view.value, view.notes + notes + found_out)

    async def _intent(
        self, clerk: Clerk, action: Action, caller: Caller, signed: SignedWrite
    ) -> tuple[dict[str, Any], float]:
        """The journal's entry, and with it the plan used up: one transaction holds both.

        Also until when its last try may begin.
        """
        plan = signed.plan

        async def use(connection: "Connection") -> None:
            if wait := await self._caps.wait(connection, action):
                raise _TooSoon(wait)
            if plan:
                await self._plans.use(connection, plan, signed.how if signed.given else None)

        while True:
            # Before the entry has its time: by that others tell when the write is not under way any more.
            last_try = clerk.last_try()
            try:
                entry = await self._journal.intent(
                    self._instance,
                    caller,
                    action,
                    plan_id=plan.id if plan else None,
                    how=signed.how,
                    seen=signed.seen,
                    undoes=signed.undoes,
                    first=use,
                )
            except _TooSoon as error:
                await asyncio.sleep(error.seconds)
            except (ApprovalRefused, RateLimited) as error:
                await self._journal.refused(self._instance, caller, action, error, plan.id if plan else None)
                raise
            else:
                if plan:
                    self._plans.tell_of_use(given=signed.given)
                return entry, last_try

    async def _read_back(self, entry: dict[str, Any], error: OutcomeUnknown) -> tuple[Any, tuple[str, ...]]:
        """The answer to a write whose own answer was lost, where reading proves that it was done."""
        found, failure = await self._settling.after_loss(entry, error)
        if found.outcome != DONE:
            _add_notes(failure, await self._ended_so(entry, found.outcome, error, note=found.note))
            # Raised after it is on disk, so that what the asker is told and what the journal says are the
            # same.
            raise failure
        notes = await self._ended_so(entry, DONE, error, found.after, found.note)
        return found.after, (
            f"Clerk's answer was lost; reading shows that it was done: {found.note}",
            *notes,
        )

    async def _ended_so(
        self,
        entry: dict[str, Any],
        outcome: str,
        reply: Reply | None = None,
        answer: Any = None,
        note: str | None = None,
    ) -> tuple[str, ...]:
        """Note how a write ended; what to tell the asker besides where that cannot be noted.

        What Clerk did stays true: a full disk must not make a write that was done look like a failure. Its
        intent is on disk, so that others find out by reading how it ended if this process ends before it can
        note that.
        """
        try:
            await self._journal.outcome(entry, outcome, reply, answer, note)
        except WorkspaceGone as error:
            return (f"This could not be noted: {error}",)
        except StorageUnavailable as error:
            logger.error("%s: its end (%s) could not be noted: %s", entry["entry"], outcome, error)
            return (f"This could not be noted in the journal yet; it is tried again, and found out: {error}",)
        return ()


def _add_notes(error: ClerkError, notes: tuple[str, ...]) -> None:
    """Tell with an error what else the asker has to know."""
    error.message = " ".join((error.message, *notes))
