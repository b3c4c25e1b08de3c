"""Plans, and the prices at which they can be had."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func

from deskclerk.catalogue.route import GET, POST
from deskclerk.database import Connection
from deskclerk.sandbox.billing.money import CURRENCY, SYMBOL, check_currency, money
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, find, insert, ordered, page
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.free_plans import free_plan_rows
from deskclerk.sandbox.store.tables import billing_plans, billing_prices

SMALLEST, LARGEST = 100, 99_999_999
"""What can be asked for at all, in cents: the least that Clerk takes, the most that cards can be charged."""
_AMOUNTS = ("amount", "annual_monthly_amount")
_PERIODS = {(True, False): "month", (False, True): "annual", (True, True): "both"}
_MONTHS = 12


async def list_plans(call: Call) -> Any:
    """The plans, newest first."""
    query, columns = all_of(call, billing_plans), billing_plans.c
    if "payer_type" in call.query:
        query = query.where(columns.payer_type == call.query["payer_type"])
    return await page(call, ordered(query, columns.created_at, columns.id, descends=True), present_plans)


async def list_prices(call: Call) -> Any:
    """The prices of all plans or of one, cheapest first, the newest of equal ones before others."""
    query, columns = all_of(call, billing_prices), billing_prices.c
    if "plan_id" in call.query:
        query = query.where(columns.plan_id == (await _plan(call, call.query["plan_id"]))["id"])
    # As it is answered: what cannot be paid by the month costs nothing by the month.
    cheapest = func.coalesce(columns.amount, 0)
    return await page(
        call, query.order_by(cheapest, columns.created_at.desc(), columns.id.desc()), present_prices
    )


async def create_price(call: Call) -> dict[str, Any]:
    """A price beside the default one of a plan that is not free for all."""
    plan = await _plan(call, call.body["plan_id"])
    check_currency(call.body.get("currency", CURRENCY))
    if plan["is_default"]:
        text = f"{plan['slug']} is the plan of all who chose none: it has one price."
        raise refusal("default_plan_price_creation_forbidden", "plan has one price", text, param="plan_id")
    values = {name: call.body.get(name) for name in _AMOUNTS}
    _check_amounts(values, call.body.get("supported_billing_periods"))
    key, about = new_id("cprice", call.now), call.body.get("description")
    more = {"plan_id": plan["id"], "description": about, "is_default": False, "created_at": call.now}
    await insert(call, billing_prices, id=key, **values, **more)
    return _price_answer({"id": key, "instance_id": call.instance.id, **values, **more})


def _check_amounts(values: Mapping[str, int | None], periods: str | None) -> None:
    if all(cents is None for cents in values.values()):
        raise _bad_amount("amount", "amount or annual_monthly_amount must be given.")
    for name, cents in values.items():
        if cents and cents < SMALLEST:
            raise _bad_amount(name, f"{name} must be 0, or at least {SMALLEST} cents.")
        if cents and cents > LARGEST:
            text = f"{name} must be at most {LARGEST} cents."
            raise refusal("plan_amount_exceeds_upper_limit", "is too large", text, param=name)
    inferred = _periods(values)
    if periods not in (None, inferred):
        text, name = f"The amounts are those of {inferred}.", "supported_billing_periods"
        raise refusal("supported_billing_period_mismatch", "does not fit the amounts", text, param=name)


def _bad_amount(name: str, text: str) -> Refusal:
    return refusal("plan_amount_invalid", "is invalid", text, param=name)


def _periods(row: RowMapping) -> str:
    return _PERIODS[row["amount"] is not None, row["annual_monthly_amount"] is not None]


async def _plan(call: Call, key: str) -> RowMapping:
    row = await find(call, billing_plans, id=key)
    if row is None:
        text = f"No plan with the id {key} exists in this instance."
        raise refusal("plan_not_found", "plan not found", text, param="plan_id")
    return row


async def add_free_plans(connection: Connection, instance_id: str, now: int) -> None:
    """The plans that a new instance begins with."""
    for table, rows in free_plan_rows(instance_id, now):
        await connection.execute(table.insert(), rows)


async def present_plans(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with what it costs by default."""
    prices = await default_prices(call, [row["id"] for row in rows])
    return [plan_answer(row, prices[row["id"]]) for row in rows]


async def default_prices(call: Call, plan_ids: Sequence[str]) -> dict[str, RowMapping]:
    """The default price of each of these plans, by the plan's id."""
    columns = billing_prices.c
    query = all_of(call, billing_prices).where(columns.plan_id.in_(plan_ids), columns.is_default)
    return {row["plan_id"]: row for row in (await call.connection.execute(query)).mappings()}


def plan_answer(row: RowMapping, price: RowMapping) -> dict[str, Any]:
    """A plan as Clerk answers it, at its default price."""
    annual = price["annual_monthly_amount"]
    same = ("id", "name", "slug", "description", "product_id", "is_default")
    return {
        "object": "commerce_plan",
        **{name: row[name] for name in same},
        "fee": _fee(price["amount"]),
        "annual_monthly_fee": _fee(annual),
        "annual_fee": _fee(None if annual is None else _MONTHS * annual),
        "is_recurring": True,
        "publicly_visible": True,
        "has_base_fee": bool(price["amount"] or annual),
        "for_payer_type": row["payer_type"],
        "avatar_url": None,
        "features": [],
        "free_trial_enabled": False,
        "free_trial_days": None,
    }


async def present_prices(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [_price_answer(row) for row in rows]


def _price_answer(row: RowMapping) -> dict[str, Any]:
    same = ("id", "plan_id", "instance_id", "description", "is_default", "created_at")
    return {
        "object": "commerce_price",
        **{name: row[name] for name in same},
        "currency": CURRENCY,
        "currency_symbol": SYMBOL,
        **{name: row[name] or 0 for name in _AMOUNTS},
        "fee": _fee(row["amount"]),
        "annual_monthly_fee": _fee(row["annual_monthly_amount"]),
        "supported_billing_periods": _periods(row),
    }


def _fee(cents: int | None) -> dict[str, Any] | None:
    return None if cents is None else money(cents)


HANDLERS: Handlers = {
    GET("/billing/plans"): list_plans,
    GET("/billing/prices"): list_prices,
    POST("/billing/prices"): create_price,
}
