"""The desk: the one path that every request takes, whoever asks."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from deskclerk.catalogue import READ, Action
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import every_page
from deskclerk.desk.caller import Approver, Caller, Decision
from deskclerk.desk.handover import hand_over
from deskclerk.desk.instance import Instance, open_clerk
from deskclerk.desk.journal import Journal
from deskclerk.desk.look import look
from deskclerk.desk.plan import Plan, changes_of, digest_of, name_of
from deskclerk.desk.plans import Plans
from deskclerk.desk.policy import Policy
from deskclerk.desk.view import Answer, show
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, ClerkError, DeskclerkError
from deskclerk.settings import Settings

PYTHON = Caller("python")


class Desk:
    """Validates, asks a person where needed, journals, carries to Clerk, and answers briefly.

    Open one with `async with Desk.open() as desk:`; one desk serves any number of callers at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        approver: Approver | None = None,
        caller: Caller = PYTHON,
        clerk: Clerk | None = None,
    ) -> None:
        self.settings = settings
        self.instance = Instance.of(settings)
        self.policy = Policy(settings)
        self._approver = approver
        self._caller = caller
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._clerk = clerk
        self._journal = Journal(settings.data / "desk.db")
        self._plans = Plans(self._journal)
        self._writes: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings | None = None,
        *,
        approver: Approver | None = None,
        caller: Caller = PYTHON,
        clerk: Clerk | None = None,
    ) -> AsyncIterator[Self]:
        """A desk on the settings in force; nothing is opened before the first request needs it.

        `approver` asks a person to sign a write; without one, writes that need a signature end with
        ApprovalNeeded. `clerk` is a client in place of the one that the settings name; it stays open.
        """
        async with cls(settings or Settings.load(), approver=approver, caller=caller, clerk=clerk) as desk:
            yield desk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the writes under way, then lets go of everything."""
        if self._writes:
            await asyncio.wait(self._writes)
        await self._journal.close()
        await self._stack.aclose()

    def actions(self) -> tuple[type[Action], ...]:
        """The actions that the policy in force offers."""
        return self.policy.offered()

    async def perform(
        self,
        action: Action,
        *,
        caller: Caller | None = None,
        approver: Approver | None = None,
        plan_id: str | None = None,
    ) -> Answer:
        """Carry out one action; what the asker may be shown of Clerk's answer.

        `plan_id` names a plan made by `propose`, which `approver` then has signed instead of a new one.

        Raises:
            DeskclerkError: one of its subclasses; each says what to do next.
        """
        caller = caller or self._caller
        await self._check(action, caller)
        if action.spec.effect is READ:
            return await self._read(action, caller)
        plan, how = None, f"confirm = {self.settings.confirm}"
        if self.policy.asks(action.spec.effect):
            plan, how = await self._signed(action, caller, approver or self._approver, plan_id)
        task = asyncio.create_task(self._write(action, caller, plan, how))
        self._writes.add(task)
        task.add_done_callback(self._ended)
        # A caller that goes away does not tear a write apart: it ends, and is journalled.
        return await asyncio.shield(task)

    async def propose(self, action: Action, caller: Caller | None = None) -> Plan | None:
        """A stored plan for a write that needs a signature; None if the action needs none."""
        caller = caller or self._caller
        await self._check(action, caller)
        return await self._plan(action, caller) if self.policy.asks(action.spec.effect) else None

    async def pages(self, action: Action, caller: Caller | None = None) -> AsyncIterator[Answer]:
        """Every page of a list, each as `perform` would show it."""
        caller = caller or self._caller
        await self._check(action, caller)
        clerk = await self._open_clerk()
        async for page in every_page(action, clerk.perform):
            shape = {"data": page.items, "total_count": page.total}
            await self._journal.read(self.instance, caller, action, "done")
            yield show(action, shape, budget=10**12)

    async def recent(self, count: int = 20) -> list[dict[str, Any]]:
        """The journal's last events, the oldest of them first."""
        return await self._journal.recent(count)

    async def _check(self, action: Action, caller: Caller) -> None:
        try:
            self.policy.check(type(action))
        except DeskclerkError as error:
            await self._journal.refused(self.instance, caller, action, error)
            raise

    async def _read(self, action: Action, caller: Caller) -> Answer:
        clerk = await self._open_clerk()
        try:
            answer = await clerk.perform(action)
        except ClerkError as error:
            await self._journal.read(self.instance, caller, action, error.kind, error)
            raise
        await self._journal.read(self.instance, caller, action, "done")
        return show(action, answer, self.settings.answer_characters)

    async def _plan(self, action: Action, caller: Caller) -> Plan:
        seen = await look(action, await self._open_clerk())
        plan = Plan(
            id=self._plans.new_id(),
            action=action.spec.name,
            heading=action.spec.heading,
            effect=action.spec.effect,
            summary=action.summary(),
            instance=self.instance.label,
            arguments=action.arguments(),
            target="; ".join(name_of(item) for item in seen),
            changes=changes_of(action, seen[0] if seen and action.spec.verb != "create" else None),
            digest=digest_of(action, self.instance.id, seen),
            expires_at=round((time.time() + self.settings.approval_seconds) * 1000),
        )
        await self._plans.store(plan, self.instance, caller)
        return plan

    async def _signed(
        self, action: Action, caller: Caller, approver: Approver | None, plan_id: str | None
    ) -> tuple[Plan, str]:
        """A plan that a person has signed, used up; ApprovalNeeded or ApprovalRefused otherwise."""
        plan = await self._plans.load(plan_id) if plan_id else await self._plan(action, caller)
        if plan.action != action.spec.name:
            raise ApprovalRefused(
                "The signature is for another action.", next_step="Ask again from the start."
            )
        if approver is None:
            await self._plans.close(plan, Decision.DISMISSED, "nobody to ask")
            raise _nobody(plan)
        signature = await approver(plan)
        if signature.decision is not Decision.APPROVED:
            await self._plans.close(plan, signature.decision, signature.how)
            error = (
                _declined(plan) if signature.decision is Decision.DECLINED else _nobody(plan, signature.why)
            )
            await self._journal.refused(self.instance, caller, action, error, plan)
            raise error
        seen = await look(action, await self._open_clerk())
        if digest_of(action, self.instance.id, seen) != plan.digest:
            await self._plans.close(plan, Decision.DISMISSED, "changed")
            raise ApprovalRefused(
                "What was signed is not what is there now: the target or the arguments changed in between.",
                next_step="Nothing was sent. Read the target and ask again.",
            )
        await self._plans.use(plan, signature.how)
        return plan, signature.how

    async def _write(self, action: Action, caller: Caller, plan: Plan | None, how: str) -> Answer:
        clerk = await self._open_clerk()
        entry = await self._journal.intent(self.instance, caller, action, plan, how)
        try:
            answer = await clerk.perform(action)
        except ClerkError as error:
            await self._journal.outcome(entry, error.kind, error)
            raise
        except BaseException:
            await self._journal.outcome(entry, "outcome_unknown")
            raise
        await self._journal.outcome(entry, "done")
        rest, notes = hand_over(answer, self.settings.data / "handover")
        view = show(action, rest, self.settings.answer_characters)
        return Answer(view.value, view.notes + notes)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Forget a write; if its caller went away, nobody else takes its error (it is journalled)."""
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()

    async def _open_clerk(self) -> Clerk:
        async with self._opening:
            if self._clerk is None:
                self._clerk = await self._stack.enter_async_context(open_clerk(self.settings))
            return self._clerk


def _nobody(plan: Plan, why: str = "") -> ApprovalNeeded:
    return ApprovalNeeded(
        f"{plan.heading}: {why or 'a person has to confirm this, and none answered'}. Nothing was sent.",
        plan_id=plan.id,
        next_step="Ask the person to confirm it in the client's dialogue, or to run it with the deskclerk "
        "command line themselves. No argument can confirm it.",
    )


def _declined(plan: Plan) -> ApprovalRefused:
    return ApprovalRefused(
        f"{plan.heading}: the person declined. Nothing was sent.",
        next_step="Do not ask for it again unless the person wants it.",
    )
