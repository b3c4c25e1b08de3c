"""The plans that every instance begins with, as rows."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.billing import billing_plans, billing_prices

FREE = {"user": "free_user", "org": "free_org"}
"""The slug of the free plan, by the type of payer."""


def free_plan_rows(instance_id: str, now: int) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """The rows of a new instance, table by table in the order in which they can be inserted."""
    keys = {payer_type: new_id("cplan", now) for payer_type in FREE}
    yield (
        billing_plans,
        [
            {
                "id": keys[payer_type],
                "instance_id": instance_id,
                "product_id": new_id("cprod", now),
                "name": "Free",
                "slug": slug,
                "description": None,
                "payer_type": payer_type,
                "is_default": True,
                "created_at": now,
                "updated_at": now,
            }
            for payer_type, slug in FREE.items()
        ],
    )
    yield (
        billing_prices,
        [
            {
                "id": new_id("cprice", now),
                "instance_id": instance_id,
                "plan_id": key,
                "amount": 0,
                "annual_monthly_amount": None,
                "description": None,
                "is_default": True,
                "created_at": now,
            }
            for key in keys.values()
        ],
    )
