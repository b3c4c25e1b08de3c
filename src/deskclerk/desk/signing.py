"""How a write gets its signature: a plan is made, a person answers, and the answer is checked and used up."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Approver, Caller, Decision
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.look import look
from deskclerk.desk.plan import Plan, changes_of, digest_of, name_of
from deskclerk.desk.plans import Plans
from deskclerk.desk.secrets import Secrets
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.settings import Settings


@dataclass(frozen=True, slots=True)
class Signed:
    """A write that may be sent: its used-up plan, how it was signed, what was last seen of its target.

    `plan` is None where the policy needs no signature, `undoes` the journal's entry that it takes back.
    """

    plan: Plan | None
    how: str
    seen: list[dict[str, Any]]
    undoes: str | None = None


class Signing:
    """Makes plans and has them signed, for one instance."""

    def __init__(
        self, settings: Settings, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._plans = Plans(journal)
        self._secrets = Secrets(settings.data)
        self._clerk = clerk

    async def plan(self, action: Action, caller: Caller) -> Plan:
        """A new plan for a write, stored and waiting; NotFound if there is no such target."""
        seen = await look(action, await self._clerk())
        plan = Plan(
            id=self._plans.new_id(),
            action=action.spec.name,
            heading=action.spec.heading,
            effect=action.spec.effect,
            summary=action.summary(),
            instance=self._instance.label,
            arguments=action.arguments(),
            target="; ".join(name_of(item) for item in seen),
            changes=changes_of(action, seen[0] if seen and action.spec.verb != "create" else None),
            digest=digest_of(action, self._instance.id, seen, self._secrets.seals(action)),
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
        )
        await self._plans.store(plan, self._instance, caller)
        return plan

    async def unsigned(self, action: Action) -> Signed:
        """A write that the policy lets through without a signature; NotFound if there is no such target."""
        return Signed(None, f"confirm = {self._settings.confirm}", await look(action, await self._clerk()))

    async def signed(
        self, action: Action, caller: Caller, approver: Approver | None, plan_id: str | None
    ) -> Signed:
        """A plan that a person has signed, used up; ApprovalNeeded or ApprovalRefused otherwise."""
        plan = await self._plans.load(plan_id) if plan_id else await self.plan(action, caller)
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
            await self._journal.refused(self._instance, caller, action, error, plan)
            raise error
        seen = await look(action, await self._clerk())
        if digest_of(action, self._instance.id, seen, self._secrets.seals(action)) != plan.digest:
            await self._plans.close(plan, Decision.DISMISSED, "changed")
            raise ApprovalRefused(
                "What was signed is not what is there now: the target or the arguments changed in between.",
                next_step="Nothing was sent. Read the target and ask again.",
            )
        await self._plans.use(plan, signature.how)
        return Signed(plan, signature.how, seen)


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
