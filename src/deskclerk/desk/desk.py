"""The desk: the one path that every request takes, whoever asks."""

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from deskclerk.catalogue import READ, WRITE, Action, ListDomains
from deskclerk.clerk.client import Clerk
from deskclerk.desk.approvals.console_links import ConsoleLinks
from deskclerk.desk.approvals.pin import SignerPin
from deskclerk.desk.approvals.rules import AnybodySigns
from deskclerk.desk.approvals.signatures import Approver, Decision, Signature
from deskclerk.desk.approvals.signing import Signing, WriteRequest
from deskclerk.desk.caller import Caller, Progress
from deskclerk.desk.execution.reads import Reads
from deskclerk.desk.execution.settling import Settling
from deskclerk.desk.execution.writes import Writes
from deskclerk.desk.instances.instance import Instance, open_clerk
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.naming import Names
from deskclerk.desk.notifications.notifications import Notifications, Teller
from deskclerk.desk.observing import PROPOSED, Call, Step, observed
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.policy.policy import Limits, Policy
from deskclerk.desk.rates.account import rate_budget
from deskclerk.desk.secrets.handovers import Handovers, LocalHandovers
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.secrets.store import SecretFiles
from deskclerk.desk.target_names import TargetNames
from deskclerk.desk.undo.engine import Reversal, UndoEngine
from deskclerk.desk.view.answers import Answer
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import DeskclerkError
from deskclerk.settings import Settings

if TYPE_CHECKING:
    from deskclerk.desk.disclosure import Disclosure
    from deskclerk.desk.instances.stored import Instances
    from deskclerk.desk.jobs.jobs import Jobs

PYTHON = Caller("python")
_UNWATCHED = nullcontext()
_GRACE_SECONDS, _WORKERS_GRACE_SECONDS = 2.0, 60.0
"""For notifications under way when a desk closes: somebody waits for a command, and nobody for a worker."""


class Desk:
    """Validates, asks a person where needed, journals, carries to Clerk, and answers briefly.

    Open one with `async with Desk.open() as desk:`; one desk serves any number of callers at once. What it
    keeps and what can be looked up is asked of its parts: `journal`, `plans`, `decisions`, `signer`,
    `console_links`, `notifications`, `handovers`, `secrets`, `settling`, `policy`, `instances`, `jobs`,
    `disclosure`, `target_names`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        approver: Approver | None = None,
        caller: Caller = PYTHON,
        clerk: Clerk | None = None,
        yields: bool = False,
        workspace: Workspace | None = None,
    ) -> None:
        """`yields`: what this desk sends to Clerk lets everybody else go first.

        `workspace` is the customer of a hosted desk; without one the desk is this machine's own.
        """
        settings.check()
        self.settings = settings
        self.workspace = workspace or Workspace.of_this_machine(settings)
        self.instance = Instance.of(settings, self.workspace.instance)
        self.policy = Policy(settings, self.workspace.steps)
        self.approver = approver
        self._caller = caller
        self._stack = AsyncExitStack()
        # Of two first requests one opens the client; a second sandbox in the process would be another world.
        self._opening = asyncio.Lock()
        self._clerk = clerk
        self.observer = observer = self.workspace.observer
        self.journal = Journal(self.workspace.storage, self.workspace.wakes, self.workspace.bounds)
        self._budget = rate_budget(self.instance, self.journal, yields=yields)
        self.secrets = Secrets(self.workspace.secrets or SecretFiles(settings.data), settings.secrets)
        self.handovers: Handovers = self.workspace.handovers or LocalHandovers(
            settings.data / "handover", to_console=settings.handover == "console"
        )
        self.signer = SignerPin(self.journal, self.instance)
        self.console_links = ConsoleLinks(self.journal, self.instance)
        self._limits = Limits(settings, self.instance, self.journal, self._open_clerk, self.workspace.steps)
        self.notifications = Notifications(
            settings.notify,
            self.instance,
            self.journal,
            self._console,
            grace=_WORKERS_GRACE_SECONDS if yields else _GRACE_SECONDS,
        )
        self._teller: Teller = self.workspace.teller or self.notifications
        self.signing = Signing(
            settings,
            self.instance,
            self.journal,
            self._open_clerk,
            self.workspace.signing or AnybodySigns(self.signer),
            secrets=self.secrets,
            teller=self._teller,
            observer=observer,
        )
        self.plans = self.signing.plans
        self.decisions = self.signing.decisions
        self.settling = Settling(self.instance, self.journal, self._open_clerk)
        self._writes = Writes(
            settings,
            self.instance,
            self.journal,
            self._open_clerk,
            settling=self.settling,
            plans=self.plans,
            secrets=self.secrets,
            handovers=self.handovers,
        )
        self._reads = Reads(
            settings.answer_characters,
            self.instance,
            self.journal,
            self._open_clerk,
            secrets=self.secrets,
            handovers=self.handovers,
        )
        self._names = Names(self.instance, self.journal, self._open_clerk)
        self.target_names = TargetNames(
            self.instance, self.journal, self._open_clerk, plans=self.plans, policy=self.policy
        )
        self._undo = UndoEngine(self.instance, self.journal, self._open_clerk)

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
        # In this order: a write that ends has an outcome to journal, and perhaps a secret to hand over.
        try:
            await self._writes.end()
            await self.handovers.save()
            await self.notifications.close()
            if self._budget:
                await self._budget.close()
            await self.journal.close()
        finally:
            await self._stack.aclose()

    def actions(self, caller: Caller | None = None) -> tuple[type[Action], ...]:
        """The actions that the policy in force offers to a caller."""
        return self.policy.offered(caller or self._caller)

    async def action(
        self, kind: type[Action], arguments: Mapping[str, Any], caller: Caller | None = None
    ) -> Action:
        """An action from arguments as clients send them, with ids in the place of the names of people.

        Where a user is wanted, an e-mail address, phone number, username or external id does as well; where
        an organization, its slug. InvalidRequest says which argument is wrong, or who could be meant.
        """
        caller = caller or self._caller
        may = partial(self.policy.check, caller=caller)
        with self._watched(kind, caller) as call:
            found = await self._names.arguments(kind, arguments, caller, may)
            action = kind.parse(found)
            if call:
                call.over = False
        return action

    async def perform(
        self,
        action: Action,
        *,
        caller: Caller | None = None,
        approver: Approver | None = None,
        plan_id: str | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """Carry out one action; what the asker may be shown of Clerk's answer.

        `plan_id` names a plan made by `propose`, which `approver` then has signed instead of a new one.
        `progress` is told while the call waits for a signature from elsewhere (see `sign`).

        Raises:
            DeskclerkError: one of its subclasses; each says what to do next.
        """
        # 1 validate: the action's own constructor did, before it came here.
        caller = caller or self._caller
        with self._watched(type(action), caller):
            await self._check_policy(action, caller)
            if action.spec.by_desk:
                return await self.jobs.answer(
                    action, caller, approver=approver or self.approver, plan_id=plan_id, progress=progress
                )
            if action.spec.effect is READ:
                return await self._reads.read(action, caller)
            # What this process sends could hide what became of a write that an earlier one left open.
            await self.settling.once()
            return await self._write(
                WriteRequest(action, caller, approver or self.approver, plan_id, None, progress)
            )

    async def undo(
        self,
        entry_id: str,
        *,
        caller: Caller | None = None,
        approver: Approver | None = None,
        again: bool = False,
        given: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """Take a journalled write back, signed like any write; the answer's notes say what remains.

        `again` does so although it was taken back already. `given` holds what only a person can add:
        `notify`, and a secret as `secret:NAME`.

        Raises:
            CannotUndo: why it does not come back, and what comes nearest.
        """
        caller = caller or self._caller
        with self._watched(None, caller) as call:
            found = await self._inverse(entry_id, caller, given, again=again)
            if call:
                call.action, call.effect = _told_as(type(found.action))
            approver = approver or self.approver
            answer = await self._write(
                WriteRequest(found.action, caller, approver, None, found.takes_back, progress)
            )
        return Answer(answer.value, found.takes_back.notes + answer.notes)

    async def propose(self, action: Action, caller: Caller | None = None) -> Plan | None:
        """A stored plan for a write that needs a signature; None if it needs none, or has one already."""
        caller = caller or self._caller
        with self._watched(type(action), caller) as call:
            plan = await self._propose(action, caller)
            if call:
                call.outcome, call.over = PROPOSED, plan is not None
        return plan

    async def propose_undo(
        self,
        entry_id: str,
        *,
        caller: Caller | None = None,
        again: bool = False,
        given: Mapping[str, Any] | None = None,
    ) -> Plan | None:
        """A stored plan that takes a write back; `undo` with the same words performs it once it is signed.

        None if it needs no signature, or has one already; CannotUndo as `undo`.
        """
        caller = caller or self._caller
        with self._watched(None, caller) as call:
            found = await self._inverse(entry_id, caller, given, again=again)
            plan = await self.signing.propose(WriteRequest(found.action, caller, takes_back=found.takes_back))
            if call:
                call.action, call.effect = _told_as(type(found.action))
                call.outcome, call.over = PROPOSED, plan is not None
        return plan

    async def sign(
        self, plan_id: str, signature: Signature, *, pin: str = "", caller: Caller | None = None
    ) -> Plan:
        """A person's yes or no to a plan; the asker's next call, or one that waits, then carries it out.

        A job begins with its signature. A yes wants the signer's PIN where one is set: `pin`, or the
        signature's own.
        """
        signature = replace(signature, pin=pin or signature.pin)
        plan, decided = await self.decisions.decide(plan_id, signature, caller or self._caller)
        if plan.job and decided:
            # Its targets are there already: nobody has to come back for it to begin.
            await self.jobs.decided(plan, signed=signature.decision is Decision.APPROVED)
        return plan

    async def compare(self, action: Action, caller: Caller | None = None) -> tuple[Answer, Answer]:
        """One read of one thing: all that Clerk has of it, and what a model that asks the same is shown."""
        caller = caller or self._caller
        with self._watched(type(action), caller):
            await self._check_policy(action, caller)
            return await self._reads.compare(action, caller)

    async def pages(self, action: Action, caller: Caller | None = None) -> AsyncGenerator[Answer, None]:
        """Every page of a list, each as `perform` would show it."""
        caller = caller or self._caller
        with self._watched(type(action), caller) as call:
            await self._check_policy(action, caller)
            if call:
                call.over = False
        found = self._reads.pages(action, caller)
        while True:
            # Each by itself: whoever takes the pages does something else in between.
            with self._watched(type(action), caller) as call:
                answer = await anext(found, None)
                if call:
                    call.over = answer is not None
            if answer is None:
                return
            yield answer

    async def first_read(self, caller: Caller | None = None) -> dict[str, Any] | None:
        """Whether the key is good: what the instance says of itself, `{"domain": …}`, with one cheap read.

        None if the policy offers no read that needs no id; ClerkError if the key is not good.
        """
        lists = [action for action in self.actions() if action.spec.is_list]
        free = [kind for kind in lists if not any(item.required for item in kind.parameters().values())]
        # The domains first: they also say whose instance it is.
        kind = ListDomains if ListDomains in free else next(iter(free), None)
        if kind is None:
            return None
        items = (await self.perform(kind.parse({"limit": 1}), caller=caller)).value.get("items") or [{}]
        return {"domain": items[0].get("frontend_api_url") and items[0].get("name")}

    @functools.cached_property
    def jobs(self) -> "Jobs":
        """Many writes under one signature, and long exports."""
        from deskclerk.desk.jobs.jobs import Jobs  # noqa: PLC0415 - most calls are a single one

        return Jobs(
            self.settings,
            self.instance,
            self.journal,
            self._open_clerk,
            policy=self.policy,
            limits=self._limits,
            signing=self.signing,
            names=self._names,
            settling=self.settling,
            secrets=self.secrets,
            handovers=self.handovers,
            teller=self._teller,
            observer=self.observer,
            caller=self._caller,
            approver=self.approver,
            see_to_jobs=self.workspace.see_to_jobs,
            item_secrets=self.workspace.item_secrets,
        )

    @functools.cached_property
    def disclosure(self) -> "Disclosure":
        """What callers may see of the plans, the journal and the policy."""
        from deskclerk.desk.disclosure import Disclosure  # noqa: PLC0415 - few callers look

        return Disclosure(self.settings, self.instance, self.journal, self.plans, self.policy)

    @property
    def instances(self) -> "Instances":
        """The instances that the settings file knows."""
        from deskclerk.desk.instances.stored import Instances  # noqa: PLC0415 - few commands edit a file

        async def probe(settings: Settings, caller: Caller) -> dict[str, Any] | None:
            async with Desk(settings) as desk:
                return await desk.first_read(caller)

        return Instances(self.settings, probe, lambda settings: Desk(settings).allowed())

    def allowed(self) -> dict[str, Any]:
        """What the settings in force let through, and how much of it waits for a signature."""
        return self.policy.allowed(self.actions())

    async def _check_policy(self, action: Action, caller: Caller) -> None:
        """2 policy: whether this caller may ask for this here; a refusal is journalled."""
        # Before the journal is thought of: where it is full, a refusal must not add to it.
        await self.journal.bounds.action()
        try:
            self.policy.check(type(action), caller)
            # Before anybody is asked to sign: a reference to nothing would only fail after the yes.
            await self.secrets.check(action, caller.face)
            if action.spec.effect is not READ:
                await self._limits.check(action)
        except DeskclerkError as error:
            await self.journal.refused(self.instance, caller, action, error)
            raise

    async def _propose(self, action: Action, caller: Caller) -> Plan | None:
        await self._check_policy(action, caller)
        if action.spec.by_desk:
            return await self.jobs.plan_to_sign(action, caller)
        if not self.policy.asks(action.spec.effect):
            return None
        await self.settling.once()
        with self._step("plan"):
            return await self.signing.propose(WriteRequest(action, caller))

    async def _write(self, request: WriteRequest) -> Answer:
        # 3 plan, 4 approval: drawn up, shown, answered, checked once more and used up.
        with self._step("plan"):
            signed = await self.signing.signed(request)
        # 5 intent on disk, 6 Clerk, 7 outcome on disk, 8 view.
        with self._step("write"):
            return await self._writes.write(request.action, request.caller, signed)

    def _watched(self, kind: type[Action] | None, caller: Caller) -> AbstractContextManager[Call | None]:
        """Have a call watched where somebody does; None as its kind is an undo of what is not known yet."""
        if self.observer is None:
            return _UNWATCHED
        return observed(self.observer, Call(*_told_as(kind), caller.face))

    def _step(self, name: Step) -> AbstractContextManager[object]:
        return self.observer.step(name) if self.observer else _UNWATCHED

    async def _inverse(
        self, entry_id: str, caller: Caller, given: Mapping[str, Any] | None, *, again: bool
    ) -> Reversal:
        """The write that takes an entry back, allowed like any other."""
        await self.settling.once()
        found = await self._undo.find(entry_id, again=again, given=given or {})
        await self._check_policy(found.action, caller)
        return found

    async def _console(self) -> str | None:
        """The address of a console where a person who is signed in there can decide; None if none runs."""
        return self.signing.console or next(iter(await self.console_links.running()), None)

    async def _open_clerk(self) -> Clerk:
        async with self._opening:
            if self._clerk is None:
                own = self.workspace
                opened = open_clerk(self.settings, self._budget, self.observer, own.connections, own.steps)
                self._clerk = await self._stack.enter_async_context(opened)
            return self._clerk


def _told_as(kind: type[Action] | None) -> tuple[str, str]:
    """The name and the effect by which an observer is told of a call."""
    return (kind.spec.name, str(kind.spec.effect)) if kind else ("undo", str(WRITE))
