"""Whose yes signs a plan: the door between the desk and those who may sign.

A desk of one's own knows no people: whoever reaches it signs, with the PIN where one is set. A desk of many
people is given rules of its own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deskclerk.desk.approvals.pin import SignerPin
from deskclerk.desk.approvals.signatures import Decision, Signature
from deskclerk.desk.caller import Caller
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.plans.store import StoredPlan

if TYPE_CHECKING:
    from deskclerk.database import Connection


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a decision comes to.

    `counts`: it is kept with the plan. `enough`: nothing else is wanted. `why` says what is still wanted, or
    why it does not count, and `next_step` what to do then. `how` is how the plan was signed, where that is
    more than this one signature. `keep` is there where others have to be counted: it keeps the decision in
    the transaction that notes it, and answers what it comes to.
    """

    counts: bool
    enough: bool
    why: str = ""
    next_step: str = ""
    how: str = ""
    keep: "Callable[[Connection], Awaitable[Verdict]] | None" = None


ENOUGH = Verdict(counts=True, enough=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a plan is signed, for one who looks at it.

    `signed` are the signatures so far, a line each, and `wanted` what is still wanted, in words. `may_sign`
    is whether whoever looks may sign now (`why_not` if not), `passkey` whether they need their passkey for
    it.
    """

    signed: tuple[str, ...] = ()
    wanted: str = ""
    may_sign: bool = True
    why_not: str = ""
    passkey: bool = False


ANYBODY = Standing()
"""How a plan stands where everybody may sign."""


class SigningRules(Protocol):
    """Whether a decision counts, and whether it is enough."""

    async def judge(self, stored: StoredPlan, signature: Signature, signer: Caller) -> Verdict:
        """What a yes or no of the person behind `signer` comes to.

        ApprovalRefused for what is wrong in itself, such as a PIN.
        """

    async def dialogue(self, plan: Plan, instance: str, asker: Caller) -> str:
        """Why a yes in the asker's own dialogue would not sign a plan of an instance; empty if it would."""

    async def standings(self, plans: Sequence[StoredPlan], looker: Caller) -> dict[str, Standing]:
        """How plans stand, by id, for the person behind `looker`."""

    async def given(self, plans: Sequence[str]) -> Mapping[str, int]:
        """How many have signed each of these plans, which wait, where one signature is not enough."""


class AnybodySigns:
    """The rules of a desk without people: the signer's PIN, where one is set."""

    def __init__(self, signer: SignerPin) -> None:
        self._signer = signer

    async def judge(self, stored: StoredPlan, signature: Signature, signer: Caller) -> Verdict:
        """Every yes signs; that of a dialogue, which no model can answer, without a PIN."""
        del stored, signer
        if signature.decision is Decision.APPROVED and signature.pin is not None:
            await self._signer.want(signature.pin)
        return ENOUGH

    async def dialogue(self, plan: Plan, instance: str, asker: Caller) -> str:
        """Every dialogue signs."""
        del plan, instance, asker
        return ""

    async def standings(self, plans: Sequence[StoredPlan], looker: Caller) -> dict[str, Standing]:
        """Nothing but one signature is wanted of any."""
        del looker
        return {stored.plan.id: ANYBODY for stored in plans}

    async def given(self, plans: Sequence[str]) -> Mapping[str, int]:
        """None: the first signature is enough."""
        del plans
        return {}
