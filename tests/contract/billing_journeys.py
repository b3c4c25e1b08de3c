"""Ways through billing: plans, prices, who is on which plan, credits, and statements that nobody has."""

from tests.contract.visit import Visit


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


BILLING_JOURNEYS = (plans,)
