"""E-mail addresses and phone numbers: their states, who holds them, and which is the primary one."""

import pytest

from deskclerk.sandbox.users.contacts import CODE, MINUTES
from tests.sandbox.rows import link

pytestmark = pytest.mark.anyio
EMAIL, PHONE = "ada@example.com", "+15550100001"


async def make(clerk, *emails, **more):
    return await clerk.post("/users", {"username": f"user_{len(emails)}", "email_address": [*emails], **more})


async def user_of(clerk, user):
    return await clerk.get(f"/users/{user['id']}")


async def add(clerk, user, kind="email_address", value="second@example.com", **more):
    return await clerk.post(
        "/email_addresses" if kind == "email_address" else "/phone_numbers",
        {"user_id": user["id"], kind: value, **more},
    )


async def replace(clerk, user, value, status="verified"):
    body = {"email_address": value, "identification_status": status}
    done, answer = await clerk.ask("PUT", f"/users/{user['id']}/email_address", json=body)
    assert done == 200, answer
    return answer


async def test_an_address_is_reserved_until_it_is_verified(clerk):
    user = await make(clerk, EMAIL)
    second = await add(clerk, user)
    assert (second["reserved"], second["verification"]) == (True, None)
    verified = await clerk.patch(f"/email_addresses/{second['id']}", {"verified": True})
    assert (verified["reserved"], verified["verification"]["strategy"]) == (False, "admin")
    assert (await user_of(clerk, user))["email_addresses"][1] == verified
    back = await clerk.patch(f"/email_addresses/{second['id']}", {"verified": False})
    assert (back["reserved"], back["verification"]) == (True, None)


async def test_the_first_address_becomes_the_primary_one_and_others_when_asked(clerk):
    user = await make(clerk)
    first = await add(clerk, user)
    assert (await user_of(clerk, user))["primary_email_address_id"] == first["id"]
    second = await add(clerk, user, value="third@example.com", verified=True, primary=True)
    assert (await user_of(clerk, user))["primary_email_address_id"] == second["id"]


async def test_only_a_verified_address_is_made_the_primary_one(clerk):
    user = await make(clerk, EMAIL)
    second = await add(clerk, user)
    path = f"/email_addresses/{second['id']}"
    refused = (422, "form_verification_needed", "primary")
    assert await clerk.refused("PATCH", path, json={"primary": True}) == refused
    body = {"user_id": user["id"], "email_address": "third@example.com", "primary": True}
    assert await clerk.refused("POST", "/email_addresses", json=body) == refused
    assert len((await user_of(clerk, user))["email_addresses"]) == 2
    await clerk.patch(path, {"primary": True, "verified": True})
    assert (await user_of(clerk, user))["primary_email_address_id"] == second["id"]


async def test_when_the_primary_address_goes_the_first_verified_one_takes_its_place(clerk):
    user = await make(clerk, EMAIL)
    await add(clerk, user, value="reserved@example.com")
    third = await add(clerk, user, value="third@example.com", verified=True)
    gone = user["primary_email_address_id"]
    answer = await clerk.delete(f"/email_addresses/{gone}")
    assert answer == {"object": "email_address", "id": gone, "deleted": True}
    assert (await user_of(clerk, user))["primary_email_address_id"] == third["id"]


async def test_the_last_thing_that_identifies_a_user_cannot_be_deleted(clerk):
    user = await clerk.post("/users", {"email_address": [EMAIL]})
    path = f"/email_addresses/{user['primary_email_address_id']}"
    code = "last_required_identification_deletion_failed"
    assert await clerk.refused("DELETE", path) == (400, code, None)
    await clerk.patch(f"/users/{user['id']}", {"username": "ada_o"})
    await clerk.delete(path)
    assert (await user_of(clerk, user))["primary_email_address_id"] is None


async def test_an_address_that_an_account_brought_cannot_be_deleted_nor_replaced(clerk):
    user = await make(clerk, EMAIL)
    await link(clerk, user["id"], "oauth_google", "1", EMAIL)
    refused = (400, "delete_linked_identification_disallowed", None)
    assert await clerk.refused("DELETE", f"/email_addresses/{user['primary_email_address_id']}") == refused
    body = {"email_address": "new@example.com"}
    assert await clerk.refused("PUT", f"/users/{user['id']}/email_address", json=body) == refused
    (account,) = (await user_of(clerk, user))["external_accounts"]
    await clerk.delete(f"/users/{user['id']}/external_accounts/{account['id']}")
    assert (await replace(clerk, user, "new@example.com"))["linked_to"] == []


@pytest.mark.parametrize(
    ("status", "reserved", "verified"),
    [("verified", False, True), ("reserved", True, False), ("unverified", False, False)],
)
async def test_one_address_takes_the_place_of_all(clerk, status, reserved, verified):
    user = await make(clerk, EMAIL, "second@example.com")
    new = await replace(clerk, user, EMAIL, status)
    assert (new["reserved"], new["verification"] is not None) == (reserved, verified)
    after = await user_of(clerk, user)
    assert [item["id"] for item in after["email_addresses"]] == [new["id"]]
    assert after["primary_email_address_id"] == new["id"]


async def test_an_unverified_address_is_anyones_until_one_verifies_it(clerk):
    users = [await clerk.post("/users", {"username": f"holder_{n}"}) for n in range(3)]
    one, two = [await replace(clerk, user, EMAIL, "unverified") for user in users[:2]]
    await clerk.patch(f"/email_addresses/{two['id']}", {"verified": True})
    assert (await user_of(clerk, users[0]))["email_addresses"] == []
    assert (await user_of(clerk, users[0]))["primary_email_address_id"] is None
    assert (await clerk.refused("GET", f"/email_addresses/{one['id']}"))[0] == 404
    body = {"email_address": EMAIL, "identification_status": "unverified"}
    refused = await clerk.refused("PUT", f"/users/{users[2]['id']}/email_address", json=body)
    assert refused == (422, "form_identifier_exists", "email_address")


async def test_a_new_user_may_take_an_address_that_others_hold_unverified(clerk):
    holder = await clerk.post("/users", {"username": "holder"})
    await replace(clerk, holder, EMAIL, "unverified")
    assert (await clerk.post("/invitations", {"email_address": EMAIL}))["status"] == "pending"
    owner = await clerk.post("/users", {"email_address": [EMAIL]})
    assert [item["id"] for item in await clerk.get("/users", {"email_address": EMAIL})] == [owner["id"]]


async def test_the_right_code_verifies_an_address(clerk):
    user = await make(clerk, EMAIL)
    path = f"/email_addresses/{(await add(clerk, user))['id']}"
    sent = await clerk.post(f"{path}/prepare_verification")
    assert (sent["status"], sent["strategy"], sent["attempts"]) == ("unverified", "email_code", 0)
    body = {"verification_id": sent["id"], "code": "000000"}
    wrong = await clerk.post(f"{path}/attempt_verification", body)
    assert (wrong["status"], wrong["attempts"]) == ("unverified", 1)
    right = await clerk.post(f"{path}/attempt_verification", body | {"code": CODE})
    assert (right["status"], right["attempts"]) == ("verified", 2)
    verification = (await clerk.get(path))["verification"]
    assert (verification["strategy"], verification["status"]) == ("email_code", "verified")


async def test_a_code_fails_after_three_wrong_ones_and_expires_after_ten_minutes(clerk, clock):
    user = await make(clerk, EMAIL, phone_number=[PHONE])
    path = f"/phone_numbers/{user['primary_phone_number_id']}"
    statuses = []
    sent = await clerk.post(f"{path}/prepare_verification")
    for code in ("1", "2", "3", CODE):
        body = {"verification_id": sent["id"], "code": code}
        statuses.append((await clerk.post(f"{path}/attempt_verification", body))["status"])
    late = await clerk.post(f"{path}/prepare_verification")
    clock.advance(MINUTES * 60_000)
    body = {"verification_id": late["id"], "code": CODE}
    statuses.append((await clerk.post(f"{path}/attempt_verification", body))["status"])
    assert statuses == ["unverified", "unverified", "failed", "failed", "expired"]


async def test_the_code_of_one_address_is_none_of_another(clerk):
    user = await make(clerk, EMAIL, "second@example.com")
    one, two = (f"/email_addresses/{item['id']}" for item in user["email_addresses"])
    sent = await clerk.post(f"{one}/prepare_verification")
    body = {"verification_id": sent["id"], "code": CODE}
    assert (await clerk.refused("POST", f"{two}/attempt_verification", json=body))[0] == 404


async def test_a_phone_number_is_a_second_factor_and_the_first_such_the_default_one(clerk, clock):
    user = await make(clerk, EMAIL, backup_codes=["spare"])
    one = await add(clerk, user, "phone_number", PHONE, verified=True, reserved_for_second_factor=True)
    two = await add(
        clerk, user, "phone_number", "+15550100002", verified=True, reserved_for_second_factor=True
    )
    assert (one["default_second_factor"], two["default_second_factor"]) == (True, False)
    on = await user_of(clerk, user)
    assert (on["two_factor_enabled"], on["mfa_enabled_at"]) == (True, clock.now())
    await clerk.delete(f"/phone_numbers/{one['id']}")
    assert (await clerk.get(f"/phone_numbers/{two['id']}"))["default_second_factor"] is True
    clock.advance(1)
    await clerk.patch(f"/phone_numbers/{two['id']}", {"reserved_for_second_factor": False})
    off = await user_of(clerk, user)
    assert (off["two_factor_enabled"], off["mfa_disabled_at"]) == (False, clock.now())
    assert off["backup_code_enabled"] is False


async def test_the_only_thing_that_identifies_a_user_is_no_second_factor(clerk):
    user = await clerk.post("/users", {"phone_number": [PHONE]})
    path, body = f"/phone_numbers/{user['primary_phone_number_id']}", {"reserved_for_second_factor": True}
    assert await clerk.refused("PATCH", path, json=body) == (400, "identification_update_failed", None)
