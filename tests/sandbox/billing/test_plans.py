"""Plans and their prices."""

import pytest

from deskclerk.sandbox import KEY
from deskclerk.sandbox.controls.data import Reset, reset

pytestmark = pytest.mark.anyio

PRICES = "/billing/prices"


async def test_every_instance_begins_with_a_free_plan_for_each_type_of_payer(clerk):
    plans = await clerk.get("/billing/plans", {"paginated": "true"})
    assert plans["total_count"] == 2
    assert {(plan["slug"], plan["for_payer_type"]) for plan in plans["data"]} == {
        ("free_user", "user"),
        ("free_org", "org"),
    }
    for plan in plans["data"]:
        assert (plan["is_default"], plan["fee"]["amount_formatted"]) == (True, "$0.00")
        (price,) = (await clerk.get(PRICES, {"plan_id": plan["id"]}))["data"]
        assert (price["amount"], price["is_default"]) == (0, True)


async def test_a_reset_puts_the_free_plans_back(clerk):
    await reset(clerk.sandbox.store, Reset(instance=KEY))
    assert (await clerk.get("/billing/plans"))["total_count"] == 2


async def test_the_company_sells_a_plan_to_users_and_one_to_organizations(company):
    plans = (await company.get("/billing/plans"))["data"]
    # Newest first: the free ones are as old as the instance, and that is younger than what is in it.
    assert [plan["slug"] for plan in plans[-2:]] == ["team", "pro"]
    pro = plans[-1]
    fees = ("fee", "annual_monthly_fee", "annual_fee")
    assert [pro[fee]["amount_formatted"] for fee in fees] == ["$9.00", "$7.50", "$90.00"]
    assert [
        plan["slug"] for plan in (await company.get("/billing/plans", {"payer_type": "org"}))["data"]
    ] == [
        "free_org",
        "team",
    ]


async def test_prices_are_listed_from_the_cheapest(company):
    listed = (await company.get(PRICES))["data"]
    assert [price["amount"] for price in listed] == [0, 0, 900, 2_900, 4_900]
    agreed = listed[3]
    assert (agreed["description"], agreed["is_default"]) == ("Partners", False)
    assert (agreed["supported_billing_periods"], agreed["annual_monthly_fee"]) == ("month", None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount": -1}, (422, "plan_amount_invalid", "amount")),
        ({"amount": 99}, (422, "plan_amount_invalid", "amount")),
        ({"amount": None}, (422, "plan_amount_invalid", "amount")),
        ({"amount": 100, "annual_monthly_amount": 1}, (422, "plan_amount_invalid", "annual_monthly_amount")),
        ({"amount": 100_000_000}, (422, "plan_amount_exceeds_upper_limit", "amount")),
        ({"amount": 500, "currency": "EUR"}, (422, "form_param_value_invalid", "currency")),
        (
            {"amount": 500, "supported_billing_periods": "annual"},
            (422, "supported_billing_period_mismatch", "supported_billing_periods"),
        ),
    ],
)
async def test_what_is_no_price_is_refused(company, body, expected):
    plan = (await company.get("/billing/plans", {"payer_type": "user"}))["data"][-1]
    assert await company.refused("POST", PRICES, json={"plan_id": plan["id"], **body}) == expected
