"""A person's decision on a plan, and what an asker is told where it is no signature.

`Decisions` takes the yes or no that comes from outside the call that asked: a terminal, the console, Python.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from deskclerk.catalogue import EVERY_BY_NAME, Action
from deskclerk.desk.approvals.rules import SigningRules
from deskclerk.desk.approvals.signatures import Decision, Signature
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.plans.store import DECLINED, PARTLY_SIGNED, SIGNED, PlanStore, StoredPlan
from deskclerk.desk.policy.policy import Policy
from deskclerk.errors import ApprovalNeeded, ApprovalRefused

if TYPE_CHECKING:
    from deskclerk.database import Connection


class Decisions:
    """Takes decisions on the stored plans of one instance."""

    def __init__(
        self, instance: Instance, journal: Journal, plans: PlanStore, rules: SigningRules, policy: Policy
    ) -> None:
        self._instance = instance
        self._journal = journal
        self._plans = plans
        self._rules = rules
        self._policy = policy

    async def decide(self, plan_id: str, signature: Signature, caller: Caller) -> tuple[Plan, bool]:
        """Keep a yes or a no with its plan, and whether the plan is decided with it.

        ApprovalRefused if it cannot count, NotAllowed if it is for a job that may not begin here. A yes to
        which another has to come leaves the plan waiting.
        """
        stored = await self._plans.load(plan_id)
        plan = stored.plan
        action = recorded(plan)
        async with self._journal.noting_refusals(self._instance, caller, action) as context:
            context.plan_id = plan.id
            self.check_here(stored)
            stored.check_open()
            if signature.decision is Decision.DISMISSED:
                raise waits(plan, signature.why)
            if plan.job and signature.decision is Decision.APPROVED:
                # Nobody asks for a job once more, which would be refused then: it begins with its signature.
                self._policy.check_effect(plan.effect)
            # A no holds whatever was shown.
            if signature.decision is Decision.APPROVED and signature.shown is not None:
                plan.check_shown(signature.shown)
            # The signer before the plan: a wrong PIN must not tell whether the plan could still be signed.
            # No PIN at all is an empty one here: a decision from outside a dialogue always wants it.
            given = replace(signature, pin=signature.pin or "")
            verdict = await self._rules.judge(stored, given, caller)

            async def step(connection: "Connection") -> str:
                # The first of two is kept here, and the last one counted: who signs meanwhile waits.
                found = await verdict.keep(connection) if verdict.keep else verdict
                if not found.counts:
                    raise ApprovalRefused(found.why, next_step=found.next_step)
                if signature.decision is Decision.DECLINED:
                    # A no takes back a yes that is not yet used, whoever gave it: it must win over haste.
                    await self._plans.decline(connection, plan, signature.how)
                    return DECLINED
                if not found.enough:
                    return PARTLY_SIGNED
                await self._plans.sign(connection, plan, found.how or signature.how)
                return SIGNED

            outcome = await self._journal.decided(
                self._instance, caller, action, plan.id, how=signature.how, step=step
            )
        if outcome == PARTLY_SIGNED:
            return plan, False
        self._plans.tell(outcome)
        return plan, True

    async def open(self, plan_id: str) -> StoredPlan:
        """A plan of this instance that can still be decided; ApprovalRefused says why one cannot."""
        stored = await self._plans.load(plan_id)
        self.check_here(stored)
        stored.check_open()
        return stored

    def check_here(self, stored: StoredPlan) -> None:
        """ApprovalRefused for a plan of another instance than the one in force."""
        if stored.instance != self._instance.id:
            raise ApprovalRefused(
                f"The plan is for another instance ({stored.plan.instance}); the settings in force point to "
                f"the {self._instance.label}.",
                next_step="Nothing was sent. Use the settings that the plan was made with.",
            )


def recorded(plan: Plan) -> Action:
    """The action of a plan for the journal alone; of a job's, whose targets are the job's."""
    # Without checks: its secrets were never stored.
    return EVERY_BY_NAME[plan.action].model_construct(**plan.arguments)


def waits(
    plan: Plan, why: str = "", console: str | None = None, *, page: str | None = None
) -> ApprovalNeeded:
    """Nobody signed so far; the plan waits, and can be signed in a terminal or at a console's address.

    Where people sign in by name, it can be signed at its `page` alone.
    """
    there = f", or at {console}" if console else ""
    place = f"in a terminal with `deskclerk approve {plan.id}` (`deskclerk pending` lists what waits){there}"
    if page:
        place = f"at {page}"
    return ApprovalNeeded(
        f"{plan.heading}: {why or 'a person has to confirm this, and none answered'}. "
        "Nothing was sent; the plan is waiting for a signature.",
        plan_id=plan.id,
        next_step=f"A person signs it {place}. Then ask again with the same arguments: it happens once. "
        "No argument can confirm it.",
    )


def changed() -> ApprovalRefused:
    """The target is not what the person was shown."""
    return ApprovalRefused(
        "What was signed is not what is there now: the target changed in between.",
        next_step="Nothing was sent. Read the target and ask again; a new signature is needed.",
    )


def declined(plan: Plan, how: str | None = None) -> ApprovalRefused:
    """The person said no; `how` may hold the reason, behind a colon."""
    # `reject --reason` puts the reason behind the way in which it was given.
    reason = (how or "").partition(": ")[2]
    return ApprovalRefused(
        f"{plan.heading}: the person declined{f' ({reason})' if reason else ''}. Nothing was sent.",
        next_step="Declined is final. Do not ask for it again unless the person wants it.",
    )
