"""Credits of users and organizations."""

import asyncio

import pytest

from tests.sandbox.companies import user

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["users", "organizations"])
async def place(clerk, request):
    """Where the credits of a user or of an organization are."""
    if request.param == "users":
        made = await clerk.post("/users", {"email_address": ["ada@example.com"]})
    else:
        made = await clerk.post("/organizations", {"name": "Team"})
    return f"/{request.param}/{made['id']}/billing/credits"


def give(amount, key, **more):
    return {"amount": amount, "action": "increase", "idempotency_key": key, **more}


def take(amount, key):
    return {"amount": amount, "action": "decrease", "idempotency_key": key}


async def balance(clerk, place):
    answer = await clerk.get(place)
    return answer["balance"] and answer["balance"]["amount"]


async def test_who_never_had_any_has_no_balance_and_who_spent_all_has_zero(clerk, place):
    assert await clerk.get(place) == {"object": "commerce_credit_balance", "balance": None}
    await clerk.post(place, give(500, "a"))
    await clerk.post(place, take(500, "b"))
    assert await balance(clerk, place) == 0


async def test_an_entry_says_what_was_given_and_why(clerk, place):
    given = await clerk.post(place, give(123_456, "a", note="For the wait", currency="usd"))
    taken = await clerk.post(place, take(50, "b"))
    assert (given["amount"]["amount_formatted"], given["note"]) == ("$1,234.56", "For the wait")
    assert (taken["amount"]["amount_formatted"], taken["amount"]["amount"]) == ("-$0.50", -50)
    assert (given["source_type"], given["created_at"]) == ("grant", "2026-09-21T14:13:20.000Z")
    assert given["payer_id"] == taken["payer_id"]
    assert given["source_id"] != taken["source_id"]


async def test_a_key_that_is_known_adjusts_nothing_and_answers_what_was_done(clerk, clock, place):
    first = await clerk.post(place, give(500, "a"))
    clock.advance(1000)
    assert await clerk.post(place, give(700, "a")) == first
    # Even where it could not be done any more.
    spent = await clerk.post(place, take(500, "b"))
    assert await clerk.post(place, take(500, "b")) == spent
    assert await balance(clerk, place) == 0


async def test_of_requests_at_once_with_one_key_one_is_carried_out(clerk, place):
    answers = await asyncio.gather(*(clerk.post(place, give(500, "a")) for _ in range(4)))
    assert len({answer["id"] for answer in answers}) == 1
    assert await balance(clerk, place) == 500


async def test_keys_of_one_payer_are_nothing_to_another(clerk, place):
    other = f"/users/{await user(clerk, 'bob')}/billing/credits"
    await clerk.post(place, give(500, "a"))
    await clerk.post(other, give(300, "a"))
    assert (await balance(clerk, place), await balance(clerk, other)) == (500, 300)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": 101, "action": "decrease"}, "insufficient_credit_balance amount"),
        ({"amount": 0}, "invalid_credit_amount amount"),
        ({"amount": -1}, "invalid_credit_amount amount"),
        ({"amount": 10**12}, "invalid_credit_amount amount"),
        ({"action": "double"}, "invalid_credit_action action"),
        ({"currency": "EUR"}, "form_param_value_invalid currency"),
        ({"idempotency_key": ""}, "form_param_missing idempotency_key"),
        ({"reason": "none"}, "form_param_unknown reason"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_changes_nothing(clerk, place, change, expected):
    await clerk.post(place, give(100, "a"))
    status, code, param = await clerk.refused("POST", place, json=give(1, "b") | change)
    assert (status, f"{code} {param}") == (422, expected)
    assert await balance(clerk, place) == 100


async def test_credits_go_with_their_payer(clerk, place):
    await clerk.post(place, give(500, "a"))
    await clerk.delete(place.removesuffix("/billing/credits"))
    assert await clerk.refused("GET", place) == (404, "resource_not_found", None)
