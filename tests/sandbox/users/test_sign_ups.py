"""Sign-ups that a seed file puts in, as the Backend API reads and marks them."""

import pytest

from deskclerk.errors import InvalidRequest
from deskclerk.sandbox import KEY
from deskclerk.sandbox.controls.seeding import Seed, seed
from deskclerk.sandbox.seed.sign_ups import DONE, GIVEN_UP, HALFWAY, WAITING
from tests.sandbox.companies import user
from tests.sandbox.conftest import NOON
from tests.sandbox.rows import HOUR, sign_in

pytestmark = pytest.mark.anyio
DAY = 24 * HOUR
GONE = (403, "sign_up_cannot_be_updated", None)


async def begun(clerk, key="sua_new", **entry):
    """A sign-up from a seed; its answer."""
    data = {"sign_ups": [{"id": key, **entry}]}
    assert (await seed(clerk.sandbox.store, Seed(instance=KEY, data=data)))["seeded"] == {"sign_ups": 1}
    return await clerk.get(f"/sign_ups/{key}")


async def wrong(clerk, **entry):
    """What is wrong with an entry."""
    with pytest.raises(InvalidRequest) as raised:
        await begun(clerk, **entry)
    return str(raised.value)


async def test_a_sign_up_tells_what_it_lacks_and_what_it_has_proved(clerk):
    answer = await begun(
        clerk,
        email_address="Grace@Example.com",
        phone_number="+1 555 010 1234",
        verified=["phone_number"],
        first_name="Grace",
        locale="en-US",
        unsafe_metadata={"from": "fair"},
        legal_accepted_at="2026-01-31T09:30:00Z",
    )
    assert answer["email_address"] == "grace@example.com"
    assert (answer["status"], answer["required_fields"]) == (
        "missing_requirements",
        ["email_address", "password"],
    )
    assert (answer["missing_fields"], answer["unverified_fields"]) == (["password"], ["email_address"])
    proofs = answer["verifications"]
    assert proofs["email_address"]["next_action"] == "needs_prepare"
    assert (proofs["phone_number"]["next_action"], proofs["web3_wallet"]) == ("", None)
    assert (answer["created_user_id"], answer["custom_action"], answer["external_id"]) == (None, False, None)
    assert (answer["abandon_at"], answer["legal_accepted_at"]) == (NOON + DAY, 1_769_851_800_000)


async def test_your_own_id_and_the_custom_action_are_kept_and_null_takes_the_id_away(clerk):
    place = f"/sign_ups/{(await begun(clerk, email_address='grace@example.com'))['id']}"
    await clerk.patch(place, {"external_id": "crm-7"})
    await clerk.patch(place, {"custom_action": True})
    answer = await clerk.patch(place, {"custom_action": None})
    assert (answer["external_id"], answer["custom_action"]) == ("crm-7", True)
    assert await clerk.get(place) == answer
    assert (await clerk.patch(place, {"external_id": None}))["external_id"] is None


async def test_a_sign_up_is_abandoned_after_a_day_and_changes_no_more(clerk, clock):
    place = f"/sign_ups/{(await begun(clerk, email_address='grace@example.com'))['id']}"
    clock.advance(DAY - 1)
    await clerk.patch(place, {"external_id": "crm-7"})
    clock.advance(1)
    assert (await clerk.get(place))["status"] == "abandoned"
    assert await clerk.refused("PATCH", place, json={"external_id": "crm-8"}) == GONE


async def test_who_became_a_user_has_signed_up_whatever_becomes_of_the_user(clerk, clock):
    ada = await user(clerk, "ada")
    session = await sign_in(clerk, ada)
    entry = {"email_address": "ada@example.com", "user_id": ada, "session_id": session["id"]}
    answer = await begun(clerk, **entry)
    assert (answer["status"], answer["missing_fields"], answer["unverified_fields"]) == ("complete", [], [])
    assert (answer["created_user_id"], answer["created_session_id"]) == (ada, session["id"])
    place = f"/sign_ups/{answer['id']}"
    assert await clerk.refused("PATCH", place, json={"custom_action": True}) == GONE
    clock.advance(2 * DAY)
    await clerk.delete(f"/users/{ada}")
    answer = await clerk.get(place)
    assert (answer["status"], answer["created_user_id"]) == ("complete", None)
    assert answer["created_session_id"] is None


async def test_an_entry_that_cannot_be_is_told_with_its_place(clerk):
    ada = await user(clerk, "ada")
    theirs = (await sign_in(clerk, await user(clerk, "bob"), client_id="client_b"))["id"]
    assert "seed: sign_ups[0]" in await wrong(clerk, email_address="ada@example.com")
    assert "valid email" in await wrong(clerk, email_address="no address")
    assert "user_none" in await wrong(clerk, user_id="user_none")
    assert "user_id must be included" in await wrong(clerk, session_id=theirs)
    assert theirs in await wrong(clerk, user_id=ada, session_id=theirs)
    assert "identifiers" in await wrong(clerk, username="grace", verified=["email_address"])
    assert "verified must be one of" in await wrong(clerk, verified=["password"])
    assert "no such key" in await wrong(clerk, password="secret")
    assert "RFC 3339" in await wrong(clerk, created_at="yesterday")
    with pytest.raises(InvalidRequest, match="begins with sua_"):
        await begun(clerk, key="sign_up_1")


async def test_the_company_has_sign_ups_in_every_state(company):
    expected = {WAITING: "missing_requirements", HALFWAY: "missing_requirements"}
    expected |= {GIVEN_UP: "abandoned", DONE: "complete"}
    answers = [await company.get(f"/sign_ups/{key}") for key in expected]
    assert {item["id"]: item["status"] for item in answers} == expected
    assert answers[0]["unverified_fields"] == ["email_address"]
    assert answers[1]["missing_fields"] == ["password"]
    done = await company.get(f"/users/{answers[3]['created_user_id']}")
    assert done["created_at"] + DAY == answers[3]["abandon_at"]
    assert await company.refused("GET", "/sign_ups/sua_none") == (404, "resource_not_found", None)
