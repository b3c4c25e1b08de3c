"""How a write gets its signature: a plan is made, a person answers, and the answer is checked and used up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Approver, Caller, Decision, Progress
from deskclerk.desk.deciding import Deciding
from deskclerk.desk.drafting import Drafting
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.lines import now
from deskclerk.desk.look import look
from deskclerk.desk.noting import Case, noting
from deskclerk.desk.plan import Plan, TakesBack
from deskclerk.desk.plans import DECLINED, SIGNED, WAITING, Plans, Stored
from deskclerk.desk.policy import Policy
from deskclerk.desk.refusals import changed, declined, waits
from deskclerk.desk.signer import Signer
from deskclerk.errors import ApprovalRefused
from deskclerk.settings import Settings

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Signed:
    """A write that may be sent: its used-up plan, how it was signed, what was last seen of its target.

    `plan` is None where the policy needs no signature, `undoes` the journal's entry that it takes back.
    """

    plan: Plan | None
    how: str
    seen: list[dict[str, Any]]
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
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

    def __init__(
        self,
        settings: Settings,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        signer: Signer,
    ) -> None:
        self._settings = settings
        self._policy = Policy(settings)
        self._signer = signer
        self._instance = instance
        self._journal = journal
        self.plans = Plans(journal)
        self.deciding = Deciding(instance, journal, self.plans, signer)
        self._drafting = Drafting(settings, instance, self.plans)
        self._clerk = clerk

    async def propose(self, asked: Asked) -> Plan | None:
        """The plan that a person is to be asked about; None if none need be, or it is signed already.

        NotFound if there is no such target, ApprovalRefused if the person declined the very same.
        """
        if not self._policy.asks(asked.action.spec.effect):
            return None
        async with noting(self._journal, self._instance, asked.action, asked.caller) as case:
            stored = await self._find(asked, case)
            return None if stored.status == SIGNED else stored.plan

    async def signed(self, asked: Asked) -> Signed:
        """A write that a person has signed, its plan used up, or that the policy lets through without.

        ApprovalNeeded or ApprovalRefused otherwise, NotFound if there is no such target.
        """
        async with noting(self._journal, self._instance, asked.action, asked.caller) as case:
            if self._policy.asks(asked.action.spec.effect):
                return await self._signed(asked, case)
            seen = await look(asked.action, await self._clerk())
            return Signed(None, f"confirm = {self._settings.confirm}", seen, _entry_of(asked.takes_back))

    async def _signed(self, asked: Asked, case: Case) -> Signed:
        stored = await (self._named(asked, case) if asked.plan_id else self._find(asked, case))
        plan = case.plan = stored.plan
        how = None if stored.status == SIGNED else await self._ask(plan, asked)
        seen = await look(asked.action, await self._clerk())
        if self._drafting.digests(asked.action, seen)[0] != plan.digest:
            await self.plans.dismiss(plan, "changed")
            raise changed()
        await self.plans.use(plan, how)
        how = how or (await self.plans.load(plan.id)).how or ""
        return Signed(plan, how, seen, _entry_of(asked.takes_back or plan.takes_back))

    async def _named(self, asked: Asked, case: Case) -> Stored:
        """A plan that the caller brings along; it has to be for this very call."""
        case.plan = asked.plan_id
        stored = await self.plans.load(asked.plan_id or "")
        if stored.plan.action != asked.action.spec.name:
            raise ApprovalRefused(
                "The signature is for another action.", next_step="Ask again from the start."
            )
        self.deciding.check_here(stored)
        stored.check_open()
        if stored.request != self._drafting.digests(asked.action, None)[1]:
            raise ApprovalRefused(
                "The signature is for other arguments: the arguments changed in between.",
                next_step="Nothing was sent. Ask again; a new signature is needed.",
            )
        return stored

    async def _find(self, asked: Asked, case: Case) -> Stored:
        """What stands for this call: its signed plan, one that waits already, else a new one."""
        clerk = await self._clerk()
        seen = await look(asked.action, clerk)
        digest, request = self._drafting.digests(asked.action, seen)
        alike = await self.plans.alike(request)
        same = [stored for stored in alike if stored.plan.digest == digest]
        for stored in same:
            if stored.status == DECLINED:
                case.plan = stored.plan
                raise declined(stored.plan, stored.how)
        for stored in (item for item in alike if item.status == SIGNED):
            case.plan = stored.plan
            if stored in same:
                return stored
            await self.plans.dismiss(stored.plan, "changed")
            raise changed()
        soon = now() + self._settings.approval_seconds * 250
        for stored in (item for item in same if item.plan.takes_back == asked.takes_back):
            if stored.status == WAITING and stored.caller == asked.caller and stored.plan.expires_at > soon:
                return stored
        return await self._drafting.draw_up(asked.action, asked.caller, seen, clerk, asked.takes_back)

    async def _ask(self, plan: Plan, asked: Asked) -> str | None:
        """How the plan was signed; None if that happened elsewhere and stands on disk."""
        why = ""
        if asked.approver:
            signature = await asked.approver(plan)
            if signature.decision is Decision.APPROVED:
                if signature.pin is not None:
                    await self._signer.want(signature.pin)
                return signature.how
            if signature.decision is Decision.DECLINED:
                await self.plans.decline(plan, signature.how)
                raise declined(plan)
            if signature.final:
                raise waits(plan, signature.why, self.console)
            why = signature.why
        await self._wait(plan, why, asked.progress)
        return None

    async def _wait(self, plan: Plan, why: str, progress: Progress | None) -> None:
        """Until the plan is signed elsewhere, for as long as the settings say."""
        most = self._settings.approval_wait
        began = time.monotonic()
        while True:
            stored = await self.plans.load(plan.id)
            if stored.status == DECLINED:
                raise declined(plan, stored.how)
            stored.check_open()
            if stored.status == SIGNED:
                return
            waited = time.monotonic() - began
            if waited >= most:
                raise waits(plan, why, self.console)
            if progress:
                await progress(waited, most, f"Waiting for a signature: deskclerk approve {plan.id}")
            await asyncio.sleep(min(_POLL_SECONDS, most - waited))


def _entry_of(takes_back: TakesBack | None) -> str | None:
    return takes_back.entry if takes_back else None
