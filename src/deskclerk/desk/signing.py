"""How a write gets its signature: a plan is made, a person answers, and the answer is checked and used up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import BY_NAME, Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Approver, Caller, Decision, Progress, Signature
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal, now
from deskclerk.desk.look import look
from deskclerk.desk.plan import Plan, changes_of, digest_of, name_of
from deskclerk.desk.plans import DECLINED, SIGNED, WAITING, Plans, Stored
from deskclerk.desk.reach import reach_of
from deskclerk.desk.reversible import reversible_of
from deskclerk.desk.secrets import Secrets
from deskclerk.desk.signer import Signer
from deskclerk.desk.words import words_of
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, DeskclerkError
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


@dataclass
class _Case:
    """What is known of a call while it is decided: its plan, once there is one."""

    plan: Plan | None = None


class Signing:
    """Makes plans and has them signed, for one instance."""

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
        self._signer = signer
        self._instance = instance
        self._journal = journal
        self.plans = Plans(journal)
        self._secrets = Secrets(settings.data)
        self._clerk = clerk

    async def propose(self, action: Action, caller: Caller) -> Plan | None:
        """The plan that a person is to be asked about; None if it is signed already.

        NotFound if there is no such target, ApprovalRefused if the person declined the very same.
        """
        async with self._noting(action, caller) as case:
            stored = await self._find(action, caller, case)
            return None if stored.status == SIGNED else stored.plan

    async def unsigned(self, action: Action) -> Signed:
        """A write that the policy lets through without a signature; NotFound if there is no such target."""
        return Signed(None, f"confirm = {self._settings.confirm}", await look(action, await self._clerk()))

    async def signed(
        self,
        action: Action,
        caller: Caller,
        approver: Approver | None,
        plan_id: str | None,
        progress: Progress | None = None,
    ) -> Signed:
        """A plan that a person has signed, used up; ApprovalNeeded or ApprovalRefused otherwise."""
        async with self._noting(action, caller) as case:
            if plan_id:
                stored = await self._named(action, plan_id, case)
            else:
                stored = await self._find(action, caller, case)
            plan = case.plan = stored.plan
            how = None if stored.status == SIGNED else await self._ask(plan, approver, progress)
            seen = await look(action, await self._clerk())
            if self._digests(action, seen)[0] != plan.digest:
                await self.plans.dismiss(plan, "changed")
                raise _changed()
            await self.plans.use(plan, how)
            return Signed(plan, how or (await self.plans.load(plan.id)).how or "", seen)

    async def decide(self, plan_id: str, signature: Signature, caller: Caller, pin: str) -> Plan:
        """A person's yes or no from outside the asking call; ApprovalRefused if it cannot count."""
        stored = await self.plans.load(plan_id)
        plan = stored.plan
        # Its secrets were never stored: the action is rebuilt for the journal alone, without checks.
        action = BY_NAME[plan.action].model_construct(**plan.arguments)
        async with self._noting(action, caller) as case:
            case.plan = plan
            self.check_here(stored)
            stored.check_open()
            if signature.decision is Decision.APPROVED:
                await self._check_pin(pin)
                await self.plans.sign(plan, signature.how)
            elif signature.decision is Decision.DECLINED:
                await self.plans.decline(plan, signature.how)
            else:
                raise self._waits(plan, signature.why)
        return plan

    async def _check_pin(self, pin: str) -> None:
        if not pin and await self._signer.is_set():
            raise ApprovalRefused(
                "A signer's PIN is set, and none was given.", next_step="Sign again and enter it."
            )
        await self._signer.check(pin)

    async def open(self, plan_id: str) -> Stored:
        """A plan of this instance that can still be decided; ApprovalRefused says why one cannot."""
        stored = await self.plans.load(plan_id)
        self.check_here(stored)
        stored.check_open()
        return stored

    def check_here(self, stored: Stored) -> None:
        """ApprovalRefused for a plan of another instance than the one in force."""
        if stored.instance != self._instance.id:
            raise ApprovalRefused(
                f"The plan is for another instance ({stored.plan.instance}); the settings in force point to "
                f"the {self._instance.label}.",
                next_step="Nothing was sent. Use the settings that the plan was made with.",
            )

    async def _named(self, action: Action, plan_id: str, case: _Case) -> Stored:
        """A plan that the caller brings along; it has to be for this very call."""
        stored = await self.plans.load(plan_id)
        case.plan = stored.plan
        if stored.plan.action != action.spec.name:
            raise ApprovalRefused(
                "The signature is for another action.", next_step="Ask again from the start."
            )
        self.check_here(stored)
        stored.check_open()
        if stored.request != self._digests(action, None)[1]:
            raise ApprovalRefused(
                "The signature is for other arguments: the arguments changed in between.",
                next_step="Nothing was sent. Ask again; a new signature is needed.",
            )
        return stored

    async def _find(self, action: Action, caller: Caller, case: _Case) -> Stored:
        """What stands for this call: its signed plan, one that waits already, else a new one."""
        clerk = await self._clerk()
        seen = await look(action, clerk)
        digest, request = self._digests(action, seen)
        alike = await self.plans.alike(request)
        same = [stored for stored in alike if stored.plan.digest == digest]
        for stored in same:
            if stored.status == DECLINED:
                case.plan = stored.plan
                raise _declined(stored.plan, stored.how)
        for stored in (item for item in alike if item.status == SIGNED):
            case.plan = stored.plan
            if stored in same:
                return stored
            await self.plans.dismiss(stored.plan, "changed")
            raise _changed()
        soon = now() + self._settings.approval_seconds * 250
        for stored in same:
            if stored.status == WAITING and stored.caller == caller and stored.plan.expires_at > soon:
                return stored
        return await self._make(action, caller, seen, clerk)

    async def _make(self, action: Action, caller: Caller, seen: list[dict[str, Any]], clerk: Clerk) -> Stored:
        digest, request = self._digests(action, seen)
        plan = Plan(
            id=self.plans.new_id(),
            action=action.spec.name,
            heading=action.spec.heading,
            effect=action.spec.effect,
            summary=action.summary(),
            instance=self._instance.label,
            arguments=action.arguments(),
            target="; ".join(name_of(item) for item in seen),
            changes=changes_of(action, seen[0] if seen and action.spec.verb != "create" else None),
            digest=digest,
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
            reach=await reach_of(action, seen, clerk),
            reversible=reversible_of(action),
            words=words_of(action, seen),
        )
        await self.plans.store(plan, request, self._instance, caller)
        return Stored(plan, request, self._instance.id, caller, now(), WAITING, None)

    async def _ask(self, plan: Plan, approver: Approver | None, progress: Progress | None) -> str | None:
        """How the plan was signed; None if that happened elsewhere and stands on disk."""
        why = ""
        if approver:
            signature = await approver(plan)
            if signature.decision is Decision.APPROVED:
                return signature.how
            if signature.decision is Decision.DECLINED:
                await self.plans.decline(plan, signature.how)
                raise _declined(plan)
            if signature.final:
                raise self._waits(plan, signature.why)
            why = signature.why
        await self._wait(plan, why, progress)
        return None

    async def _wait(self, plan: Plan, why: str, progress: Progress | None) -> None:
        """Until the plan is signed elsewhere, for as long as the settings say."""
        most = self._settings.approval_wait
        began = time.monotonic()
        while True:
            stored = await self.plans.load(plan.id)
            if stored.status == DECLINED:
                raise _declined(plan, stored.how)
            stored.check_open()
            if stored.status == SIGNED:
                return
            waited = time.monotonic() - began
            if waited >= most:
                raise self._waits(plan, why)
            if progress:
                await progress(waited, most, f"Waiting for a signature: deskclerk approve {plan.id}")
            await asyncio.sleep(min(_POLL_SECONDS, most - waited))

    def _waits(self, plan: Plan, why: str = "") -> ApprovalNeeded:
        console = f", or at {self.console}" if self.console else ""
        return ApprovalNeeded(
            f"{plan.heading}: {why or 'a person has to confirm this, and none answered'}. "
            "Nothing was sent; the plan is waiting for a signature.",
            plan_id=plan.id,
            next_step=f"A person signs it in a terminal with `deskclerk approve {plan.id}` (`deskclerk "
            f"pending` lists what waits){console}. Then ask again with the same arguments: it happens once. "
            "No argument can confirm it.",
        )

    def _digests(self, action: Action, seen: list[dict[str, Any]] | None) -> tuple[str, str]:
        """The digest of a write with its target, and without."""
        seals = self._secrets.seals(action)
        return (
            digest_of(action, self._instance.id, seen, seals),
            digest_of(action, self._instance.id, None, seals),
        )

    @asynccontextmanager
    async def _noting(self, action: Action, caller: Caller) -> AsyncIterator[_Case]:
        """Leaves one event in the journal for whatever is refused within."""
        case = _Case()
        try:
            yield case
        except DeskclerkError as error:
            await self._journal.refused(self._instance, caller, action, error, case.plan)
            raise


def _changed() -> ApprovalRefused:
    return ApprovalRefused(
        "What was signed is not what is there now: the target changed in between.",
        next_step="Nothing was sent. Read the target and ask again; a new signature is needed.",
    )


def _declined(plan: Plan, how: str | None = None) -> ApprovalRefused:
    reason = (how or "").partition(": ")[2]
    return ApprovalRefused(
        f"{plan.heading}: the person declined{f' ({reason})' if reason else ''}. Nothing was sent.",
        next_step="Declined is final. Do not ask for it again unless the person wants it.",
    )
