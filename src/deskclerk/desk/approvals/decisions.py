"""A person's decision on a plan, and what an asker is told where it is no signature.

`Decisions` takes the yes or no that comes from outside the call that asked: a terminal, the console, Python.
"""

from dataclasses import replace

from deskclerk.catalogue import EVERY_BY_NAME
from deskclerk.desk.approvals.rules import SigningRules
from deskclerk.desk.approvals.signatures import Decision, Signature
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.plans.store import DECLINED, PARTLY_SIGNED, SIGNED, PlanStore, StoredPlan
from deskclerk.errors import ApprovalNeeded, ApprovalRefused


class Decisions:
    """Takes decisions on the stored plans of one instance."""

    def __init__(self, instance: Instance, journal: Journal, plans: PlanStore, rules: SigningRules) -> None:
        self._instance = instance
        self._journal = journal
        self._plans = plans
        self._rules = rules

    async def decide(self, plan_id: str, signature: Signature, caller: Caller) -> tuple[Plan, bool]:
        """Keep a yes or a no with its plan, and whether the plan is decided with it.

        ApprovalRefused if it cannot count. A yes to which another has to come leaves the plan waiting.
        """
        stored = await self._plans.load(plan_id)
        plan = stored.plan
        # Its secrets were never stored: the action is rebuilt for the journal alone, without checks.
        action = EVERY_BY_NAME[plan.action].model_construct(**plan.arguments)
        async with self._journal.noting_refusals(self._instance, caller, action) as context:
            context.plan_id = plan.id
            self.check_here(stored)
            stored.check_open()
            if signature.decision is Decision.DISMISSED:
                raise waits(plan, signature.why)
            # A no holds whatever was shown.
            if signature.decision is Decision.APPROVED and signature.shown is not None:
                plan.check_shown(signature.shown)
            # The signer before the plan: a wrong PIN must not tell whether the plan could still be signed.
            # No PIN at all is an empty one here: a decision from outside a dialogue always wants it.
            given = replace(signature, pin=signature.pin or "")
            verdict = await self._rules.judge(stored, given, caller)
            if not verdict.counts:
                raise ApprovalRefused(verdict.why, next_step=verdict.next_step)
            outcome = PARTLY_SIGNED
            if signature.decision is Decision.DECLINED:
                # A no takes back a yes that is not yet used, whoever gave it: it must win over haste.
                await self._plans.decline(plan, signature.how)
                outcome = DECLINED
            elif verdict.enough:
                await self._plans.sign(plan, verdict.how or signature.how)
                outcome = SIGNED
            await self._journal.decided(
                self._instance, caller, action, plan.id, outcome=outcome, how=signature.how
            )
        return plan, outcome != PARTLY_SIGNED

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
