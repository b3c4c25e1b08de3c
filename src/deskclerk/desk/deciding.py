"""A person's yes or no to a plan from outside the call that asked: a terminal, the console, Python."""

from deskclerk.catalogue import BY_NAME
from deskclerk.desk.caller import Caller, Decision, Signature
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.noting import noting
from deskclerk.desk.plan import Plan
from deskclerk.desk.plans import DECLINED, SIGNED, Plans, Stored
from deskclerk.desk.refusals import waits
from deskclerk.desk.signer import Signer
from deskclerk.errors import ApprovalRefused


class Deciding:
    """Takes decisions on the stored plans of one instance."""

    def __init__(self, instance: Instance, journal: Journal, plans: Plans, signer: Signer) -> None:
        self._instance = instance
        self._journal = journal
        self._plans = plans
        self._signer = signer

    async def decide(self, plan_id: str, signature: Signature, caller: Caller) -> Plan:
        """Keep a yes or a no with its plan; ApprovalRefused if it cannot count.

        A yes wants the signer's PIN where one is set; a no never does.
        """
        stored = await self._plans.load(plan_id)
        plan = stored.plan
        # Its secrets were never stored: the action is rebuilt for the journal alone, without checks.
        action = BY_NAME[plan.action].model_construct(**plan.arguments)
        async with noting(self._journal, self._instance, action, caller) as case:
            case.plan = plan
            self.check_here(stored)
            stored.check_open()
            if signature.decision is Decision.APPROVED:
                await self._signer.want(signature.pin or "")
                await self._plans.sign(plan, signature.how)
                outcome = SIGNED
            elif signature.decision is Decision.DECLINED:
                await self._plans.decline(plan, signature.how)
                outcome = DECLINED
            else:
                raise waits(plan, signature.why)
            await self._journal.decided(
                self._instance, caller, action, plan, outcome=outcome, how=signature.how
            )
        return plan

    async def open(self, plan_id: str) -> Stored:
        """A plan of this instance that can still be decided; ApprovalRefused says why one cannot."""
        stored = await self._plans.load(plan_id)
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
