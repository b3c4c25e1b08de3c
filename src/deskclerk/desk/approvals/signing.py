"""How a write gets its signature: a plan is made, a person answers, and the answer is checked and used up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from deskclerk.catalogue import Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.approvals.decisions import Decisions, changed, declined, recorded, waits
from deskclerk.desk.approvals.rules import SigningRules
from deskclerk.desk.approvals.signatures import Approver, Decision, Signature
from deskclerk.desk.caller import Caller, Progress
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal, RefusalContext
from deskclerk.desk.notifications.notifications import Teller
from deskclerk.desk.observing import Observer
from deskclerk.desk.plans.drafting import PlanMaker
from deskclerk.desk.plans.plan import Plan, TakesBack
from deskclerk.desk.plans.store import DECLINED, SIGNED, WAITING, PlanStore, StoredPlan
from deskclerk.desk.policy.policy import Policy
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.waking import PLANS
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.settings import Settings

# Where another process signs that cannot wake this one: half a second is no wait for a person.
_POLL_SECONDS = 0.5
_ENDS = "a person has to confirm this, and this server ends before one has"


@dataclass(frozen=True, slots=True)
class SignedWrite:
    """A write that may be sent: its signed plan, how it was signed, what was last seen of its target.

    `plan` is None where the policy needs no signature, `undoes` the journal's entry that it takes back,
    `given` whether it was signed in this very call. The plan is used up with the write's intent, in one
    transaction: of two calls racing for one signature, one gets past there.
    """

    plan: Plan | None
    how: str
    seen: list[dict[str, Any]]
    undoes: str | None = None
    given: bool = False


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A write as it was asked for: by whom, who can be asked to sign it, and who is told of a wait.

    `plan_id` names a plan that was made before, `takes_back` the entry that the write undoes.
    """

    action: Action
    caller: Caller
    approver: Approver | None = None
    plan_id: str | None = None
    takes_back: TakesBack | None = None
    progress: Progress | None = None


class Signing:
    """Has the writes of one instance signed."""

    console: str | None = None
    """The address of the console where plans can be signed, while one runs."""

    page: Callable[[str], str] | None = None
    """The address of a plan's own page, by its id, where people sign in by name and nowhere else."""

    def __init__(
        self,
        settings: Settings,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        rules: SigningRules,
        *,
        secrets: Secrets,
        teller: Teller,
        observer: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._teller = teller
        self._policy = Policy(settings)
        self.rules = rules
        self._instance = instance
        self._journal = journal
        self.plans = PlanStore(journal, observer)
        self.decisions = Decisions(instance, journal, self.plans, rules, self._policy)
        self._maker = PlanMaker(settings, instance, self.plans, secrets)
        self._clerk = clerk
        self._leaving = False

    async def propose(self, request: WriteRequest) -> Plan | None:
        """The plan that a person is to be asked about; None if none need be, or it is signed already.

        NotFound if there is no such target, ApprovalRefused if the person declined the very same.
        """
        if not self._policy.asks(request.action.spec.effect):
            return None
        async with self._journal.noting_refusals(self._instance, request.caller, request.action) as context:
            stored = await self._find(request, context)
            return None if stored.status == SIGNED else stored.plan

    async def signed(self, request: WriteRequest) -> SignedWrite:
        """A write that a person has signed, or that the policy lets through without.

        ApprovalNeeded or ApprovalRefused otherwise, NotFound if there is no such target.
        """
        async with self._journal.noting_refusals(self._instance, request.caller, request.action) as context:
            if self._policy.asks(request.action.spec.effect):
                return await self._signed(request, context)
            seen = await self._look(request.action, await self._clerk())
            return SignedWrite(
                None, f"confirm = {self._settings.confirm}", seen, _entry_of(request.takes_back)
            )

    async def _signed(self, request: WriteRequest, context: RefusalContext) -> SignedWrite:
        stored = await (self._named(request, context) if request.plan_id else self._find(request, context))
        plan = stored.plan
        context.plan_id = plan.id
        how, given = stored.how or "", False
        if stored.status != SIGNED:
            how, given = await self.ask(plan, request.caller, request.approver, request.progress, stored)
            if not given and request.caller.check_still:
                # It has waited for somebody else, who may have been right to sign when it was not to ask.
                await request.caller.check_still()
        # Looked at a second time, after the person answered: what they saw may be minutes old, and
        # a signature counts only for what is there now.
        seen = await self._look(request.action, await self._clerk())
        if (await self._maker.digests(request.action, seen))[0] != plan.digest:
            await self.plans.dismiss(plan, "changed")
            raise changed()
        return SignedWrite(plan, how, seen, _entry_of(request.takes_back or plan.takes_back), given)

    async def _named(self, request: WriteRequest, context: RefusalContext) -> StoredPlan:
        """A plan that the caller brings along; it has to be for this very call."""
        context.plan_id = request.plan_id
        stored = await self.plans.load(request.plan_id or "")
        # The plan was made by this process, but the arguments come from outside a second time: all is
        # compared.
        if stored.plan.action != request.action.spec.name:
            raise ApprovalRefused(
                "The signature is for another action.", next_step="Ask again from the start."
            )
        self.decisions.check_here(stored)
        stored.check_open()
        if stored.request != (await self._maker.digests(request.action, None))[1]:
            raise ApprovalRefused(
                "The signature is for other arguments: the arguments changed in between.",
                next_step="Nothing was sent. Ask again; a new signature is needed.",
            )
        return stored

    async def _find(self, request: WriteRequest, context: RefusalContext) -> StoredPlan:
        """What stands for this call: its signed plan, one that waits already, else a new one."""
        clerk = await self._clerk()
        seen = await self._look(request.action, clerk)
        digest, without_target = await self._maker.digests(request.action, seen)
        alike = await self.plans.alike(without_target)
        same = [stored for stored in alike if stored.plan.digest == digest]
        # A no outlives a yes: whoever declined the very same write is not asked about it again.
        for stored in same:
            if stored.status == DECLINED:
                context.plan_id = stored.plan.id
                raise declined(stored.plan, stored.how)
        for stored in (item for item in alike if item.status == SIGNED):
            context.plan_id = stored.plan.id
            # Signed for another state of the target: it is closed rather than asked about anew behind the
            # person's back.
            if stored in same:
                return stored
            await self.plans.dismiss(stored.plan, "changed")
            raise changed()
        # A plan about to expire is not shown again: nobody could read it in the time that is left.
        soon = now() + self._settings.approval_seconds * 250
        for stored in (item for item in same if item.plan.takes_back == request.takes_back):
            waits = stored.status == WAITING and stored.plan.expires_at > soon
            if waits and stored.asked_by(request.caller):
                return stored
        return await self._maker.draw_up(request.action, request.caller, seen, clerk, request.takes_back)

    async def ask(
        self,
        plan: Plan,
        caller: Caller,
        approver: Approver | None,
        progress: Progress | None,
        stored: StoredPlan | None = None,
    ) -> tuple[str, bool]:
        """How the plan was signed, and whether here; else that stands on disk.

        `stored` is the plan with whose it is, where it was just read: to judge a yes wants no more of it.
        """
        why = ""
        signature = await self._answered(plan, approver) if approver else None
        if signature:
            if signature.decision is Decision.APPROVED:
                stored = stored or await self.plans.load(plan.id)
                # Steps may have been struck out before the answer came.
                stored.plan.check_shown(plan.digest)
                verdict = await self.rules.judge(stored, signature, caller)
                if verdict.enough:
                    return signature.how, True
                # Not theirs to sign, or not alone: the plan waits for whoever may.
                return await self._wait(plan, verdict.why, progress), False
            if signature.decision is Decision.DECLINED:
                await self._decline(plan, signature.how, caller)
            if signature.final:
                if signature.alone:
                    await self._teller.plan_waits(await self.plans.load(plan.id))
                raise self._waits(plan, signature.why)
            why = signature.why
        # A closed dialogue is no answer: the plan goes on waiting for a terminal or the console.
        return await self._wait(plan, why, progress), False

    async def _decline(self, plan: Plan, how: str, caller: Caller) -> NoReturn:
        """Keep a no with its plan and raise it, noted in the same transaction."""
        error, action = declined(plan), recorded(plan)
        await self._journal.refused(
            self._instance,
            caller,
            action,
            error,
            plan.id,
            first=lambda connection: self.plans.decline(connection, plan, how),
        )
        self.plans.tell(DECLINED)
        raise error

    async def _answered(self, plan: Plan, approver: Approver) -> Signature | None:
        """What a person answers; None where the plan was decided elsewhere, which withdraws the question.

        A client that never brings its dialogue before a person must not keep a signature waiting.
        """
        asking = asyncio.ensure_future(approver(plan))
        watching = asyncio.ensure_future(self._decided_elsewhere(plan))
        try:
            await asyncio.wait((asking, watching), return_when=asyncio.FIRST_COMPLETED)
            # An answer that has come counts, whatever else has: the plan is used up once in any case.
            if asking.done():
                return asking.result()
            watching.result()
            return None
        finally:
            asking.cancel()
            watching.cancel()
            # To their ends: the client is told that its dialogue is not wanted any more.
            await asyncio.gather(asking, watching, return_exceptions=True)

    async def _decided_elsewhere(self, plan: Plan) -> None:
        """Returns once a plan waits no longer, or nobody can be waited for here."""
        with self._journal.wakes.listening(PLANS) as bell:
            while True:
                # First of all nothing is looked at: most answers are there at once.
                await bell.rings(_POLL_SECONDS)
                if self._leaving or (await self.plans.load(plan.id)).status != WAITING:
                    return

    def leave(self) -> None:
        """Wait for nobody any more, as this process ends: who waits is told that the plan goes on waiting."""
        self._leaving = True
        self._journal.wakes.tell(PLANS)

    async def dialogue(self, plan: Plan, caller: Caller) -> str:
        """Why a yes in the caller's own dialogue would not sign the plan; empty if it would."""
        return await self.rules.dialogue(plan, self._instance.id, caller)

    def _waits(self, plan: Plan, why: str) -> ApprovalNeeded:
        return waits(plan, why, self.console, page=self.page(plan.id) if self.page else None)

    def _waiting_for(self, plan: Plan) -> str:
        return (
            f"Waiting for a signature: {self.page(plan.id) if self.page else f'deskclerk approve {plan.id}'}"
        )

    @staticmethod
    async def _look(action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """What is there of the things that a write names; NotFound, so that nobody need be asked."""
        return await consequences_of(type(action)).targets(action, clerk)

    async def _wait(self, plan: Plan, why: str, progress: Progress | None) -> str:
        """Until the plan is signed elsewhere, for as long as the settings say; how it was."""
        most = self._settings.approval_wait
        began = time.monotonic()
        told = False
        with self._journal.wakes.listening(PLANS) as bell:
            while True:
                stored = await self.plans.load(plan.id)
                if stored.status == DECLINED:
                    raise declined(plan, stored.how)
                stored.check_open()
                if stored.status == SIGNED:
                    return stored.how or ""
                if not told:
                    # Now it is clear that nobody within the call will answer; nobody is waited for here.
                    await self._teller.plan_waits(stored)
                    told = True
                waited = time.monotonic() - began
                if waited >= most or self._leaving:
                    raise self._waits(plan, _ENDS if self._leaving else why)
                if progress:
                    await progress(waited, most, self._waiting_for(plan))
                # Never beyond the end: a client has a time-out of its own.
                await bell.rings(_POLL_SECONDS, most - waited)


def _entry_of(takes_back: TakesBack | None) -> str | None:
    return takes_back.entry if takes_back else None
