"""Ways through the routes of users beyond the 48 actions: addresses, second factors, images, sign-ups."""

from deskclerk.sandbox.seed.sign_ups import DONE, GIVEN_UP, HALFWAY, WAITING
from tests.contract.visit import PASSWORD, Visit

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000"
    "020001e221bc330000000049454e44ae426082"
)
"""A PNG of one pixel."""


async def email_addresses(visit: Visit) -> None:
    """An e-mail address from its making, through its states, to its end."""
    user = await visit.post("/users", username="contact_mail", email_address=["mail@contract.example"])
    other = await visit.post("/users", email_address=["other-mail@contract.example"])
    some = {"user_id": user["id"], "email_address": "second@contract.example"}
    second = await visit.post("/email_addresses", **some, notify_primary_email_address_changed=True)
    place = f"/email_addresses/{second['id']}"
    await visit.get(place)
    await visit.refused("422 form_identifier_exists", "POST /email_addresses", **some)
    await visit.refused("404", "POST /email_addresses", **some | {"user_id": "user_none"})
    await visit.refused("422", "POST /email_addresses", **some | {"email_address": "none"})
    await visit.refused("422 form_param_missing", "POST /email_addresses", user_id=user["id"])
    await visit.refused("4", f"PATCH {place}", primary=True)
    code = await visit.post(f"{place}/prepare_verification")
    attempt = f"POST {place}/attempt_verification"
    await visit.refused("404", attempt, verification_id="ver_none", code="424242")
    await visit.post(f"{place}/attempt_verification", verification_id=code["id"], code="000000")
    await visit.post(f"{place}/attempt_verification", verification_id=code["id"], code="424242")
    await visit.refused(
        "400 verification_already_verified", attempt, verification_id=code["id"], code="424242"
    )
    await visit.refused("422 form_param_missing", attempt, code="424242")
    await visit.patch(place, verified=None, primary=True)
    await visit.get(f"/users/{user['id']}")
    await visit.delete(place)
    for status in ("reserved", "unverified", "verified"):
        await visit.ask(
            "PUT",
            f"/users/{user['id']}/email_address",
            {"email_address": "only@contract.example", "identification_status": status},
        )
    taken = {"email_address": "other-mail@contract.example"}
    await visit.refused("422 form_identifier_exists", f"PUT /users/{user['id']}/email_address", **taken)
    await visit.refused("404", "PUT /users/user_none/email_address", email_address="a@contract.example")
    last = f"/email_addresses/{other['primary_email_address_id']}"
    await visit.refused("400 last_required_identification_deletion_failed", f"DELETE {last}")
    for verb in ("GET", "PATCH", "DELETE"):
        await visit.refused("404 resource_not_found", f"{verb} {place}")
    await visit.refused("404 resource_not_found", f"POST {place}/prepare_verification")


async def phone_numbers(visit: Visit) -> None:
    """A phone number, also as a second factor."""
    user = await visit.post("/users", username="contact_phone", phone_number=["+15555550120"])
    some = {"user_id": user["id"], "phone_number": "+15555550121"}
    factor = "identification_create_second_factor_unverified"
    await visit.refused(f"400 {factor}", "POST /phone_numbers", **some, reserved_for_second_factor=True)
    second = await visit.post("/phone_numbers", **some, verified=True, reserved_for_second_factor=True)
    place = f"/phone_numbers/{second['id']}"
    await visit.get(place)
    await visit.get(f"/users/{user['id']}")
    await visit.refused("422", "POST /phone_numbers", **some | {"phone_number": "555"})
    await visit.refused("404", "POST /phone_numbers", **some | {"user_id": "user_none"})
    await visit.patch(place, reserved_for_second_factor=False, verified=False)
    code = await visit.post(f"{place}/prepare_verification")
    for text in ("1", "2", "3"):
        await visit.post(f"{place}/attempt_verification", verification_id=code["id"], code=text)
    factor = "identification_update_second_factor_unverified"
    await visit.refused(f"400 {factor}", f"PATCH {place}", reserved_for_second_factor=True)
    await visit.patch(place, verified=True, primary=True, reserved_for_second_factor=None)
    await visit.ask("PUT", f"/users/{user['id']}/phone_number", {"phone_number": "+15555550122"})
    await visit.refused("422", f"PUT /users/{user['id']}/phone_number", phone_number="555")
    await visit.refused("404", "PUT /users/user_none/phone_number", phone_number="+15555550129")
    for verb in ("GET", "PATCH", "DELETE"):
        await visit.refused("404 resource_not_found", f"{verb} {place}")
    left = (await visit.get(f"/users/{user['id']}"))["phone_numbers"][0]["id"]
    await visit.delete(f"/phone_numbers/{left}")


async def credentials(visit: Visit) -> None:
    """Passwords and second factors."""
    user = await visit.post(
        "/users",
        username="credentials",
        password=PASSWORD,
        totp_secret="JBSWY3DPEHPK3PXP",
        backup_codes=["first code", "second code"],
    )
    bare = await visit.post("/users", username="bare_user")
    place, none = f"/users/{user['id']}", f"/users/{bare['id']}"
    await visit.post(f"{place}/verify_password", password=PASSWORD)
    await visit.refused("422 incorrect_password", f"POST {place}/verify_password", password="wrong")
    await visit.refused("400 no_password_set", f"POST {none}/verify_password", password="wrong")
    await visit.refused("422 form_param_missing", f"POST {place}/verify_password")
    await visit.post(f"{place}/verify_totp", code="first code")
    await visit.refused("422 totp_incorrect_code", f"POST {place}/verify_totp", code="first code")
    await visit.refused("400 totp_disabled", f"POST {none}/verify_totp", code="123456")
    for end in ("backup_code", "totp", "mfa"):
        await visit.delete(f"{place}/{end}")
        await visit.refused("404 resource_not_found", f"DELETE /users/user_none/{end}")
    await visit.post(f"{place}/password/set_compromised", revoke_all_sessions=True)
    await visit.post(f"{place}/password/unset_compromised")
    await visit.refused("400 no_password_set", f"POST {none}/password/set_compromised")
    await visit.post(f"{place}/remove_password", sign_out_of_other_sessions=True)
    await visit.post(f"{none}/remove_password")
    for end in ("verify_password", "verify_totp"):
        body = {"password": PASSWORD} if end == "verify_password" else {"code": "123456"}
        await visit.refused("404 resource_not_found", f"POST /users/user_none/{end}", **body)
    await visit.refused("404 resource_not_found", "POST /users/user_none/remove_password")


async def images(visit: Visit) -> None:
    """A picture is shown, replaced and taken away."""
    user = await visit.post("/users", username="pictured")
    place = f"/users/{user['id']}/profile_image"
    for _ in range(2):
        await visit.send("POST", place, files={"file": ("me.png", PIXEL, "image/png")})
    await visit.get(f"/users/{user['id']}")
    await visit.send("POST", place, files={"other": ("me.png", PIXEL)}, expected="400 form_param_missing")
    await visit.send(
        "POST",
        place,
        files={"file": ("me.txt", b"words", "text/plain")},
        expected="422 form_param_format_invalid",
    )
    await visit.refused("415 unsupported_content_type", f"POST {place}", file="me")
    await visit.send(
        "POST", "/users/user_none/profile_image", files={"file": ("me.png", PIXEL)}, expected="404"
    )
    await visit.refused("404 image_not_found", f"PATCH /users/{user['id']}", profile_image_id="img_none")
    await visit.delete(place)
    await visit.refused("404 image_not_found", f"DELETE {place}")


async def many_users(visit: Visit) -> None:
    """Bans in bulk, and what belongs to users of the sandbox's company."""
    ids = [user["id"] for user in await visit.get("/users", limit="3")]
    await visit.post("/users/ban", user_ids=ids)
    await visit.post("/users/unban", user_ids=ids)
    await visit.refused("404", "POST /users/ban", user_ids=[ids[0], "user_none"])
    await visit.refused(
        "400 bulk_size_exceeded", "POST /users/ban", user_ids=[f"user_{n}" for n in range(51)]
    )
    await visit.refused("422 form_param_missing", "POST /users/unban", user_ids=[])
    organization = (await visit.get("/organizations", order_by="-members_count"))["data"][0]["id"]
    members = (await visit.get(f"/organizations/{organization}/memberships"))["data"]
    member = members[0]["public_user_data"]["user_id"]
    await visit.get(f"/users/{member}/organization_memberships", limit="5")
    await visit.get(f"/users/{member}/organization_invitations", status="pending")
    guest = await visit.post("/users", email_address=["invited@contract.example"])
    await visit.post(
        f"/organizations/{organization}/invitations",
        email_address="invited@contract.example",
        role="org:member",
    )
    await visit.get(f"/users/{guest['id']}/organization_invitations")
    await visit.refused("404", "GET /users/user_none/organization_memberships")
    await visit.refused("404", "GET /users/user_none/organization_invitations")
    await visit.refused("422", f"GET /users/{guest['id']}/organization_invitations", status="lost")


async def links(visit: Visit) -> None:
    """Wallets and connected accounts are taken away."""
    wallet = "0x27b1fdb04752bbc536007a920d24acb045561c26"
    user = await visit.post("/users", username="wallet_user", web3_wallet=[wallet])
    place = f"/users/{user['id']}/web3_wallets/{user['primary_web3_wallet_id']}"
    await visit.delete(place)
    await visit.refused("404 resource_not_found", f"DELETE {place}")
    linked = next(item for item in await visit.get("/users", limit="500") if item["external_accounts"])
    account = f"/users/{linked['id']}/external_accounts/{linked['external_accounts'][0]['id']}"
    address = f"/email_addresses/{linked['primary_email_address_id']}"
    await visit.refused("400 delete_linked_identification_disallowed", f"DELETE {address}")
    await visit.delete(account)
    await visit.refused("404 resource_not_found", f"DELETE {account}")


async def sign_ups(visit: Visit) -> None:
    """Sign-ups of the sandbox's company: one that goes on, and two that are over."""
    place = f"/sign_ups/{WAITING}"
    await visit.get(place)
    await visit.patch(place, external_id="crm-7", custom_action=True)
    await visit.patch(place, external_id=None, custom_action=None)
    await visit.get(f"/sign_ups/{HALFWAY}")
    for key in (GIVEN_UP, DONE):
        await visit.get(f"/sign_ups/{key}")
        await visit.refused("403 sign_up_cannot_be_updated", f"PATCH /sign_ups/{key}", custom_action=True)
    await visit.refused("422 form_param_type_invalid", f"PATCH {place}", custom_action="yes")
    await visit.refused("404 resource_not_found", "GET /sign_ups/sua_none")
    await visit.refused("404 resource_not_found", "PATCH /sign_ups/sua_none", custom_action=True)


USER_JOURNEYS = (email_addresses, phone_numbers, credentials, images, many_users, links, sign_ups)
