"""Plans that cost something: one for users, one for organizations, and what the latter costs a partner."""

from typing import Any

from deskclerk.sandbox.seed.draft import DAY, TODAY, Draft
from deskclerk.sandbox.store.tables import billing_plans, billing_prices

_PLANS = (
    ("Pro", "pro", "user", "For one person with many projects", 900, 750),
    ("Team", "team", "org", "For everyone in an organization", 4_900, 3_900),
)
"""Name, slug, who pays, what it is, and cents for a month: paid by the month, paid by the year."""


def add_plans(draft: Draft) -> None:
    """The plans with their default prices, and one price that was agreed on."""
    for place, (name, slug, payer_type, text, monthly, annual) in enumerate(_PLANS):
        made = TODAY - (200 - place) * DAY
        plan = draft.add(
            billing_plans,
            id=draft.id("cplan", made),
            product_id=draft.id("cprod", made),
            name=name,
            slug=slug,
            description=text,
            payer_type=payer_type,
            is_default=False,
            created_at=made,
        )
        _add_price(draft, plan["id"], made, amount=monthly, annual_monthly_amount=annual)
    _add_price(draft, plan["id"], TODAY - 30 * DAY, amount=2_900, description="Partners")


def _add_price(draft: Draft, plan_id: str, made: int, **values: Any) -> None:
    row = draft.add(
        billing_prices,
        id=draft.id("cprice", made),
        plan_id=plan_id,
        **{"annual_monthly_amount": None, "description": None, **values},
        is_default="description" not in values,
        created_at=made,
    )
    # A price never changes: it has no time of that.
    del row["updated_at"]
