"""What it means to change what somebody pays: amounts, and from when."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deskclerk.catalogue import (
    Action,
    AdjustOrgCredits,
    AdjustUserCredits,
    ApplyDiscount,
    CancelSubscriptionItem,
    CreateBillingPrice,
    CreatePriceTransition,
    ExtendFreeTrial,
    ListBillingPlans,
    ListBillingPrices,
    RemoveDiscount,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Creation, Values
from deskclerk.desk.consequences.targets import first_that, parties
from deskclerk.desk.view.cleaning import line_of


def money(amount: Any) -> str:
    """An amount of Clerk's, which is an object, or whole cents: `$12.00`."""
    if isinstance(amount, Mapping):
        shown = amount.get("amount_formatted")
        symbol = amount.get("currency_symbol") or amount.get("currency") or ""
        return line_of(f"{symbol}{shown}" if shown is not None else f"{amount.get('amount')} {symbol}")
    return f"{amount / 100:,.2f}" if isinstance(amount, int) else line_of(amount)


def day(millis: Any) -> str:
    """The day of a moment; empty for what is none."""
    if not isinstance(millis, int) or isinstance(millis, bool):
        return ""
    return dt.datetime.fromtimestamp(millis / 1000, dt.UTC).date().isoformat()


async def what_is_paid(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """The plan of a subscription, what it costs, and until when it is paid."""
    del action, clerk
    if not target:
        return []
    plan = target.get("plan")
    name = line_of(plan.get("name")) if isinstance(plan, Mapping) else "its plan"
    payment = target.get("next_payment")
    amount = (
        f" at {money(payment['amount'])}" if isinstance(payment, Mapping) and payment.get("amount") else ""
    )
    period = f" a {line_of(target['plan_period'])}" if target.get("plan_period") else ""
    ends = day(target.get("period_end"))
    return [f"{name}{amount}{period}", *([f"the period ends on {ends}"] if ends else [])]


async def _when_it_ends(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    if getattr(action, "end_now", None):
        return ["ends at once: what the plan gives is gone from now on, and nothing is paid back by this"]
    ends = day(target.get("period_end"))
    return [f"ends with the period{f', on {ends}' if ends else ''}; until then nothing changes"]


class CancelSubscriptionItemConsequences(Consequences, of=CancelSubscriptionItem):
    """A subscription ends now or with its period."""

    lost = "Only its payer can subscribe again."
    reach = (("the subscription", what_is_paid), ("the end", _when_it_ends))


class ExtendFreeTrialConsequences(Consequences, of=ExtendFreeTrial):
    """A trial can be made longer, not shorter."""

    lost = "A trial cannot be made shorter again."
    reach = (("the subscription", what_is_paid),)


def _has_id(one: str) -> Callable[[Values], bool]:
    return lambda item: item.get("id") == one


async def _prices(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    told = []
    for word, name in (("from", "from_price_id"), ("to", "to_price_id")):
        one = getattr(action, name, "")
        price = await first_that(ListBillingPrices(), clerk, _has_id(one))
        known = money(price.get("fee") or price.get("amount")) if price else "a price that is not listed"
        told.append(f"{word} {known}")
    return [f"the amount changes {' '.join(told)}"]


class CreatePriceTransitionConsequences(Consequences, of=CreatePriceTransition):
    """What is paid from the next period on."""

    lost = "What was paid until then stays paid; another change of price can follow."
    reach = (("the subscription", what_is_paid), ("prices", _prices))


class ApplyDiscountConsequences(Consequences, of=ApplyDiscount):
    """Less is paid."""

    undone_by = RemoveDiscount
    keeps = "what was billed meanwhile stays billed"
    reach = (("the subscription", what_is_paid),)


class RemoveDiscountConsequences(Consequences, of=RemoveDiscount):
    """More is paid again."""

    undone_by = ApplyDiscount
    keeps = "what was billed meanwhile stays billed"
    reach = (("the subscription", what_is_paid),)


async def _plan_of_price(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    plan = await first_that(ListBillingPlans(), clerk, _has_id(getattr(action, "plan_id", "")))
    lines = [f"a price of {line_of(plan.get('name'))}" if plan else "of a plan that is not listed"]
    amount = getattr(action, "amount", None)
    if amount is not None:
        currency = line_of(getattr(action, "currency", None) or "the plan's currency")
        lines.append(f"{money(amount)} in {currency} a month")
    return lines


class CreateBillingPriceConsequences(Creation, of=CreateBillingPrice):
    """Clerk has no way to delete a price."""

    lost = "Clerk has no way to delete a price; nobody pays it until it is chosen."
    reach = (("the plan", _plan_of_price),)


class _Credits(Consequences):
    """A balance that is raised or lowered; the ledger keeps both."""

    keeps = "the ledger keeps both entries"

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """The balance, and whose it is."""
        return [*await super().targets(action, clerk), *await parties(action, clerk)]

    async def reaches(self, action: Action, seen: Sequence[Values], clerk: Clerk) -> tuple[str, ...]:
        """The balance before and after, where both are in the same unit."""
        told = await super().reaches(action, seen, clerk)
        amount = int(getattr(action, "amount", 0))
        sign = 1 if getattr(action, "action", "") == "increase" else -1
        balance = seen[0].get("balance") if seen else None
        now = balance.get("amount") if isinstance(balance, Mapping) else None
        word = "raises" if sign > 0 else "lowers"
        change = f"{word} the balance by {money(amount)}"
        if isinstance(now, int):
            return (f"{change}: {money(now)} → {money(now + sign * amount)}", *told)
        return (change, *told)

    def reversible(self, action: Action) -> str:
        """The opposite adjustment."""
        opposite = "decrease" if getattr(action, "action", "") == "increase" else "increase"
        return f"Can be taken back by hand: the same amount as {opposite}, with another idempotency_key."


class AdjustUserCreditsConsequences(_Credits, of=AdjustUserCredits):
    """A user's balance."""


class AdjustOrgCreditsConsequences(_Credits, of=AdjustOrgCredits):
    """An organization's balance."""
