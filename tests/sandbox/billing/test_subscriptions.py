"""Who is on which plan, and the statements that nobody has."""

import pytest

from deskclerk.sandbox.billing.payers import id_of, whose

pytestmark = pytest.mark.anyio

ITEMS = "/billing/subscription_items"


async def test_a_user_is_on_the_free_plan_of_users_from_the_first_day(clerk, clock):
    made = await clerk.post("/users", {"email_address": ["ada@example.com"], "first_name": "Ada"})
    clock.advance(1000)
    subscription = await clerk.get(f"/users/{made['id']}/billing/subscription")
    (item,) = subscription["subscription_items"]
    assert (subscription["status"], subscription["active_at"]) == ("active", made["created_at"])
    assert (item["plan"]["slug"], item["period_end"], item["is_free_trial"]) == ("free_user", None, False)
    assert item["payer_id"] == item["payer"]["id"] == subscription["payer_id"]
    assert [item["payer"][name] for name in ("user_id", "first_name", "email")] == [
        made["id"],
        "Ada",
        "ada@example.com",
    ]
    assert await clerk.get(f"/users/{made['id']}/billing/subscription") == subscription


async def test_items_of_free_plans_are_listed_where_they_are_asked_for(clerk, clock):
    ada = await clerk.post("/users", {"email_address": ["ada@example.com"], "first_name": "Ada"})
    clock.advance(1000)
    team = await clerk.post("/organizations", {"name": "Team"})
    assert await clerk.get(ITEMS) == {"data": [], "total_count": 0}

    async def payers(**query):
        listed = await clerk.get(ITEMS, {"include_free": "true", **query})
        assert listed["total_count"] >= len(listed["data"])
        return [item["payer"].get("user_id") or item["payer"]["organization_id"] for item in listed["data"]]

    assert await payers() == [team["id"], ada["id"]]
    assert await payers(limit=1, offset=1) == [ada["id"]]
    assert await payers(payer_type="user") == [ada["id"]]
    assert await payers(status="active") == [team["id"], ada["id"]]
    assert await payers(status="ended") == []
    (item,) = (await clerk.get(ITEMS, {"include_free": "true", "payer_type": "org"}))["data"]
    assert await payers(plan_id=item["plan_id"]) == [team["id"]]
    assert await payers(plan_id="cplan_none") == []
    for text, found in (("TEA", team), ("ada@", ada), (ada["id"], ada), (item["id"], team)):
        assert await payers(query=text) == [found["id"]]
    assert await payers(query="%") == []


async def test_an_item_is_gone_with_its_payer(clerk):
    ada = await clerk.post("/users", {"email_address": ["ada@example.com"]})
    subscription = await clerk.get(f"/users/{ada['id']}/billing/subscription")
    item = f"{ITEMS}/{subscription['subscription_items'][0]['id']}"
    free = (422, "commerce_subscription_item_cannot_be_canceled", None)
    assert await clerk.refused("DELETE", item) == free
    await clerk.delete(f"/users/{ada['id']}")
    assert await clerk.refused("DELETE", item) == (404, "subscription_item_not_found", None)


async def test_where_organizations_are_off_they_have_no_subscriptions(clerk):
    team = await clerk.post("/organizations", {"name": "Team"})
    await clerk.patch("/instance/organization_settings", {"enabled": False})
    for what in ("subscription", "credits"):
        refused = await clerk.refused("GET", f"/organizations/{team['id']}/billing/{what}")
        assert refused == (403, "organization_not_enabled_in_instance", None)


@pytest.mark.parametrize(("kind", "key"), [("user", "user_1"), ("org", "org_1"), ("user", "user_o_2")])
def test_the_id_of_an_item_tells_whose_it_is(kind, key):
    assert whose("csub_item", id_of("csub_item", kind, key)) == (kind, key)


@pytest.mark.parametrize("key", ["", "csub_item_", "csub_item_x1", "csub_u1", "user_1"])
def test_other_ids_are_nobodys(key):
    assert whose("csub_item", key) is None


async def test_nothing_was_ever_charged(clerk):
    assert await clerk.get("/billing/statements") == {"data": [], "total_count": 0}
