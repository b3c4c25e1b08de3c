"""Who is on which plan: everybody is on the free one of their type, as nothing here can be paid."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Select, and_, exists, false, literal, or_, select, union_all

from deskclerk.catalogue.route import DELETE, GET, POST
from deskclerk.sandbox.billing.money import money
from deskclerk.sandbox.billing.payers import Payer, payer_answer, payer_of, payers_by, whose
from deskclerk.sandbox.billing.plans import default_prices, plan_answer
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, page
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.store.tables import billing_plans, email_addresses, organizations, users

_ITEM = "csub_item"
_FREE = "The item is of a free plan."
_ONE = "/billing/subscription_items/{subscription_item_id}"


async def user_subscription(call: Call) -> dict[str, Any]:
    """What a user is subscribed to."""
    return await _subscription(call, await payer_of(call, "user"))


async def organization_subscription(call: Call) -> dict[str, Any]:
    """What an organization is subscribed to."""
    return await _subscription(call, await payer_of(call, "org"))


async def list_items(call: Call) -> Any:
    """The items of all payers, newest first."""
    given = call.query
    items = union_all(_items_of(call, "user"), _items_of(call, "org")).subquery()
    query = select(items)
    # None is of a plan that costs something, and none ever ended.
    if not given.get("include_free") or given.get("status", "active") != "active":
        query = query.where(false())
    if "payer_type" in given:
        query = query.where(items.c.kind == given["payer_type"])
    if "plan_id" in given:
        plans = await _free_plans(call)
        kinds = [kind for kind, plan in plans.items() if plan["id"] == given["plan_id"]]
        query = query.where(items.c.kind.in_(kinds))
    return await page(call, query.order_by(items.c.created_at.desc(), items.c.id.desc()), present_items)


def _items_of(call: Call, kind: Literal["user", "org"]) -> Select[Any]:
    table = users if kind == "user" else organizations
    query = select(table.c.id, table.c.created_at, literal(kind).label("kind"))
    query = query.where(table.c.instance_id == call.instance.id)
    if text := call.query.get("query", "").strip():
        item = whose(_ITEM, text)
        found = [
            table.c.id == (item[1] if item else text),
            table.c.name_folded.contains(text.casefold(), autoescape=True),
        ]
        if kind == "user":
            address = email_addresses.c
            has = address.email_address.contains(text.lower(), autoescape=True)
            found.append(exists().where(and_(address.user_id == users.c.id, has)))
        query = query.where(or_(*found))
    return query


async def cancel_item(call: Call) -> Any:
    """Refused: a free plan is what is left when all others are cancelled."""
    await _item(call)
    if call.query.get("end_now"):
        raise refusal("commerce_subscription_item_cannot_be_ended", "cannot be ended", _FREE)
    raise refusal("commerce_subscription_item_cannot_be_canceled", "cannot be canceled", _FREE)


async def extend_trial(call: Call) -> Any:
    """Refused: a free plan is not tried first."""
    await _item(call)
    raise refusal("subscription_item_not_in_free_trial", "not in a free trial", _FREE)


async def change_discount(call: Call) -> Any:
    """Refused: discounts are made in Clerk's dashboard, and here are none."""
    await _item(call)
    key = call.body["discount_id"] if "discount_id" in call.body else call.path["discount_id"]
    text = f"No discount with the id {key} exists in this instance."
    raise refusal("discount_not_found", "discount not found", text)


async def _item(call: Call) -> Payer:
    """Whose item the path names; else 404."""
    key = call.path["subscription_item_id"]
    named = whose(_ITEM, key)
    found = await payers_by(call, [named]) if named else []
    if not found:
        text = f"No subscription item with the id {key} exists in this instance."
        raise refusal("subscription_item_not_found", "subscription item not found", text)
    return found[0]


async def _free_plans(call: Call) -> dict[str, RowMapping]:
    """The free plan of each type of payer."""
    query = all_of(call, billing_plans).where(billing_plans.c.is_default)
    return {row["payer_type"]: row for row in (await call.connection.execute(query)).mappings()}


async def _subscription(call: Call, payer: Payer) -> dict[str, Any]:
    began = payer.row["created_at"]
    return {
        "object": "commerce_subscription",
        "id": payer.id("csub"),
        "instance_id": call.instance.id,
        "status": "active",
        "payer_id": payer.id("cpayer"),
        "created_at": began,
        "updated_at": began,
        "active_at": began,
        "past_due_at": None,
        "subscription_items": await _items(call, [payer]),
    }


async def present_items(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of kind and id, each with its payer and its plan."""
    return await _items(call, await payers_by(call, [(row["kind"], row["id"]) for row in rows]))


async def _items(call: Call, payers: Sequence[Payer]) -> list[dict[str, Any]]:
    plans = await _free_plans(call)
    prices = await default_prices(call, [plan["id"] for plan in plans.values()])
    return [_item_answer(payer, plans[payer.kind], prices[plans[payer.kind]["id"]]) for payer in payers]


def _item_answer(payer: Payer, plan: RowMapping, price: RowMapping) -> dict[str, Any]:
    # Whoever came is on the free plan from that moment on, and has been since.
    began = payer.row["created_at"]
    return {
        "object": "commerce_subscription_item",
        "id": payer.id(_ITEM),
        "instance_id": plan["instance_id"],
        "status": "active",
        "plan_id": plan["id"],
        "price_id": price["id"],
        "plan": plan_answer(plan, price),
        "plan_period": "month",
        "lifetime_paid": money(0),
        "next_payment": None,
        "payer_id": payer.id("cpayer"),
        "payer": payer_answer(payer),
        "is_free_trial": False,
        "period_start": began,
        "period_end": None,
        "canceled_at": None,
        "past_due_at": None,
        "ended_at": None,
        "created_at": began,
        "updated_at": began,
    }


HANDLERS: Handlers = {
    GET("/users/{user_id}/billing/subscription"): user_subscription,
    GET("/billing/subscription_items"): list_items,
    DELETE(_ONE): cancel_item,
    POST(f"{_ONE}/extend_free_trial"): extend_trial,
    POST(f"{_ONE}/discounts"): change_discount,
    DELETE(f"{_ONE}/discounts/{{discount_id}}"): change_discount,
    **where_organizations_are_on(
        {GET("/organizations/{organization_id}/billing/subscription"): organization_subscription}
    ),
}
