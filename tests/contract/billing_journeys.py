"""Ways through billing: plans, prices, who is on which plan, credits, and statements that nobody has."""

from tests.contract.visit import PASSWORD, Visit


async def plans(visit: Visit) -> None:
    """Plans, and a price that was agreed on."""
    await visit.get("/billing/plans")
    await visit.get("/billing/plans", payer_type="user", limit="1", offset="1")
    await visit.refused("422", "GET /billing/plans", payer_type="company")
    plans = (await visit.get("/billing/plans", payer_type="org"))["data"]
    team = next(plan["id"] for plan in plans if not plan["is_default"])
    free = next(plan["id"] for plan in plans if plan["is_default"])
    await visit.post("/billing/prices", plan_id=team, amount=2_500, annual_monthly_amount=2_000)
    await visit.post(
        "/billing/prices",
        plan_id=team,
        amount=None,
        annual_monthly_amount=0,
        currency="USD",
        description="Complimentary",
        supported_billing_periods="annual",
    )
    await visit.get("/billing/prices", limit="500")
    await visit.get("/billing/prices", plan_id=team, offset="1")
    await visit.refused("404 plan_not_found", "GET /billing/prices", plan_id="cplan_none")
    prices = "POST /billing/prices"
    await visit.refused("404 plan_not_found", prices, plan_id="cplan_none", amount=500)
    await visit.refused("422 default_plan_price_creation_forbidden", prices, plan_id=free, amount=500)
    await visit.refused("422 plan_amount_invalid", prices, plan_id=team, amount=99)
    await visit.refused("422 plan_amount_invalid", prices, plan_id=team, amount=None)
    await visit.refused("422 plan_amount_exceeds_upper_limit", prices, plan_id=team, amount=10**9)
    await visit.refused("422 form_param_missing", prices, plan_id=team)
    mismatch = "422 supported_billing_period_mismatch"
    await visit.refused(mismatch, prices, plan_id=team, amount=500, supported_billing_periods="both")


async def subscriptions(visit: Visit) -> None:
    """Everybody is on a free plan, which cannot be cancelled, tried or discounted."""
    user = await visit.post("/users", email_address=["payer@contract.example"], password=PASSWORD)
    team = await visit.post("/organizations", name="Payers")
    await visit.get(f"/users/{user['id']}/billing/subscription")
    subscription = await visit.get(f"/organizations/{team['id']}/billing/subscription")
    await visit.refused("404 resource_not_found", "GET /users/user_none/billing/subscription")
    await visit.refused("404 resource_not_found", "GET /organizations/org_none/billing/subscription")
    await visit.get("/billing/subscription_items")
    await visit.get("/billing/subscription_items", include_free="true", limit="500")
    plan = subscription["subscription_items"][0]["plan_id"]
    await visit.get(
        "/billing/subscription_items",
        include_free="true",
        plan_id=plan,
        status="active",
        payer_type="org",
        query="payers",
    )
    await visit.refused("422", "GET /billing/subscription_items", status="canceled")
    await items(visit, f"/billing/subscription_items/{subscription['subscription_items'][0]['id']}")


async def items(visit: Visit, item: str) -> None:
    """What a free plan's item refuses."""
    none = "404 subscription_item_not_found"
    await visit.refused("422 commerce_subscription_item_cannot_be_canceled", f"DELETE {item}")
    ended = "422 commerce_subscription_item_cannot_be_ended"
    await visit.ask("DELETE", item, expected=ended, end_now="true")
    await visit.refused(none, "DELETE /billing/subscription_items/csub_item_none")
    later = {"extend_to": "2030-01-01T00:00:00Z"}
    await visit.refused("403 subscription_item_not_in_free_trial", f"POST {item}/extend_free_trial", **later)
    await visit.refused(none, "POST /billing/subscription_items/csub_item_none/extend_free_trial", **later)
    soon = {"extend_to": "soon"}
    await visit.refused("422 form_param_format_invalid", f"POST {item}/extend_free_trial", **soon)
    discount = {"discount_id": "disc_none"}
    await visit.refused("404 discount_not_found", f"POST {item}/discounts", **discount)
    await visit.refused(none, "POST /billing/subscription_items/none/discounts", **discount)
    await visit.refused("404 discount_not_found", f"DELETE {item}/discounts/disc_none")


async def granted_credits(visit: Visit) -> None:
    """Credits of a user and of an organization."""
    user = await visit.post("/users", email_address=["credit@contract.example"], password=PASSWORD)
    team = await visit.post("/organizations", name="Credits")
    for place in (f"/users/{user['id']}/billing/credits", f"/organizations/{team['id']}/billing/credits"):
        await visit.get(place)
        given = {"amount": 1_500, "action": "increase", "idempotency_key": "one"}
        await visit.post(place, **given, currency="USD", note="Sorry")
        await visit.post(place, **given)
        taken = {"amount": 500, "action": "decrease", "idempotency_key": "two"}
        await visit.post(place, **taken)
        await visit.get(place)
        more = taken | {"amount": 1_001, "idempotency_key": "three"}
        await visit.refused("422 insufficient_credit_balance", f"POST {place}", **more)
        await visit.refused("422 invalid_credit_amount", f"POST {place}", **more | {"amount": 0})
        await visit.refused("422 invalid_credit_action", f"POST {place}", **more | {"action": "double"})
        await visit.refused("422 form_param_missing", f"POST {place}", amount=1, action="increase")
    await visit.refused("404 resource_not_found", "GET /users/user_none/billing/credits")
    await visit.refused("404 resource_not_found", "POST /organizations/org_none/billing/credits", **given)


async def statements(visit: Visit) -> None:
    """Nothing was ever charged."""
    await visit.get("/billing/statements", limit="5")
    await visit.refused("404 resource_not_found", "GET /billing/statements/cstmt_none")
    await visit.refused("404 resource_not_found", "GET /billing/statements/cstmt_none/payment_attempts")


BILLING_JOURNEYS = (plans, subscriptions, granted_credits, statements)
