"""Users over HTTP: making, changing, keeping out and deleting them."""

import pytest
from pwdlib import PasswordHash
from sqlalchemy import select

from deskclerk.sandbox.store.tables import users

pytestmark = pytest.mark.anyio
EVERYTHING = {
    "external_id": "ext-1",
    "first_name": "Ada",
    "last_name": "Okafor",
    "locale": "en-GB",
    "email_address": ["Ada@Example.com", "ada.okafor@example.org"],
    "email_address_identification_status": ["verified", "reserved"],
    "phone_number": ["+1 (555) 010-0001"],
    "phone_number_identification_status": ["verified"],
    "web3_wallet": ["0x" + "aB" * 20],
    "username": "ada_o",
    "password": "correct horse battery",
    "skip_password_checks": False,
    "skip_password_requirement": False,
    "totp_secret": "JBSWY3DPEHPK3PXP",
    "backup_codes": ["one", "two"],
    "public_metadata": {"plan": "pro"},
    "private_metadata": {"notes": {"a": 1}},
    "unsafe_metadata": {"theme": "dark"},
    "delete_self_enabled": False,
    "legal_accepted_at": "2024-01-01T00:00:00Z",
    "skip_legal_checks": True,
    "skip_user_requirement": False,
    "create_organization_enabled": False,
    "create_organizations_limit": 3,
    "created_at": "2023-05-06T07:08:09.123Z",
    "bypass_client_trust": True,
    "banned": True,
    "locked": True,
}


async def make(clerk, name="ada", **more):
    return await clerk.post("/users", {"email_address": [f"{name}@example.com"], **more})


async def stored(clerk, user_id):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(select(users).where(users.c.id == user_id))).mappings().one()


async def test_a_user_is_made_with_everything_that_clerk_takes(clerk, clock):
    user = await clerk.post("/users", EVERYTHING)
    same = set(EVERYTHING) & set(user) - {"legal_accepted_at", "created_at", "locked"}
    assert {name: user[name] for name in same} == {name: EVERYTHING[name] for name in same}
    assert user["created_at"] == 1683356889123
    assert user["legal_accepted_at"] == 1704067200000
    assert (user["locked"], user["lockout_expires_in_seconds"]) == (True, 3600)
    first, second = user["email_addresses"]
    assert (first["email_address"], first["verification"]["status"]) == ("ada@example.com", "verified")
    assert (second["reserved"], second["verification"]) == (True, None)
    assert user["primary_email_address_id"] == first["id"]
    assert user["phone_numbers"][0]["phone_number"] == "+15550100001"
    assert user["web3_wallets"][0]["web3_wallet"] == "0x" + "ab" * 20
    assert {user[f"{name}_enabled"] for name in ("password", "totp", "backup_code")} == {True}
    assert user["mfa_enabled_at"] == user["password_last_updated_at"] == clock.now()
    assert await clerk.get(f"/users/{user['id']}") == user


async def test_of_a_password_only_an_argon2_digest_is_kept(clerk):
    user = await make(clerk, password="correct horse battery")
    row = await stored(clerk, user["id"])
    assert row["password_hasher"] == "argon2id"
    assert PasswordHash.recommended().verify("correct horse battery", row["password_digest"])
    assert "correct horse" not in str(dict(row)) + str(user)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email_address", ["X@example.com"]),
        ("phone_number", ["+15550100001"]),
        ("web3_wallet", ["0x" + "Ab" * 20]),
        ("username", "ADA_O"),
        ("external_id", "ext-1"),
    ],
)
async def test_an_identifier_belongs_to_one_user_only(clerk, name, value):
    await clerk.post("/users", EVERYTHING | {"email_address": ["x@example.com", "y@example.com"]})
    body = {"email_address": ["new@example.com"], name: value}
    assert await clerk.refused("POST", "/users", json=body) == (422, "form_identifier_exists", name)
    assert await clerk.get("/users/count") == {"object": "total_count", "total_count": 1}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "form_data_missing", None),
        ({"first_name": "Ada", "external_id": "e"}, "form_data_missing", None),
        ({"email_address": "a@example.com"}, "form_param_type_invalid", "email_address"),
        ({"email_address": [1]}, "form_param_type_invalid", "email_address"),
        ({"email_address": None}, "form_param_nil", "email_address"),
        ({"email_address": ["nobody"]}, "form_param_format_invalid", "email_address"),
        ({"email_address": ["a@b.co", "A@b.co"]}, "form_param_duplicate", "email_address"),
        ({"phone_number": ["5550100"]}, "form_param_format_invalid", "phone_number"),
        ({"web3_wallet": ["0x12"]}, "form_param_format_invalid", "web3_wallet"),
        ({"username": "ab"}, "form_username_invalid_length", "username"),
        ({"username": "a b c d"}, "form_username_invalid_character", "username"),
        ({"username": "12345"}, "form_username_needs_non_number_char", "username"),
        ({"username": "adam", "password": "short"}, "form_password_length_too_short", "password"),
        ({"username": "adam", "password": "é" * 40}, "form_password_size_in_bytes_exceeded", "password"),
        ({"username": "adam", "password": "Password1"}, "form_password_pwned", "password"),
        ({"username": "adam", "password_digest": "x"}, "form_param_missing", "password_hasher"),
        (
            {"username": "adam", "password_digest": "x", "password_hasher": "rot13"},
            "form_param_value_invalid",
            "password_hasher",
        ),
        (
            {"username": "adam", "password_digest": "x", "password_hasher": "bcrypt"},
            "form_password_digest_invalid_code",
            "password_digest",
        ),
        ({"username": "adam", "created_at": "yesterday"}, "form_param_format_invalid", "created_at"),
        ({"username": "adam", "created_at": 1700000000000}, "form_param_type_invalid", "created_at"),
        ({"username": "adam", "locale": "?"}, "form_param_format_invalid", "locale"),
        ({"username": "adam", "totp_secret": "018"}, "invalid_totp_secret_code", "totp_secret"),
        ({"username": "adam", "banned": "yes"}, "form_param_type_invalid", "banned"),
        ({"username": "adam", "create_organizations_limit": -1}, "form_param_value_invalid", None),
        ({"username": "adam", "create_organizations_limit": True}, "form_param_type_invalid", None),
        ({"username": "adam", "create_organizations_limit": 2**63}, "form_param_value_invalid", None),
        ({"username": "adam", "colour": "blue"}, "form_param_unknown", "colour"),
        (
            {"email_address": ["a@b.co"], "email_address_identification_status": ["verified"] * 2},
            "form_param_array_length_mismatch",
            "email_address_identification_status",
        ),
        (
            {"email_address": ["a@b.co"], "email_address_identification_status": ["maybe"]},
            "form_param_value_invalid",
            "email_address_identification_status",
        ),
        (
            {"username": "adam", "public_metadata": {"a": "x" * 9000}},
            "form_param_exceeds_allowed_size",
            "public_metadata",
        ),
    ],
)
async def test_what_cannot_be_a_user_is_refused_with_clerks_code(shared, body, code, param):
    status, found, name = await shared.refused("POST", "/users", json=body)
    assert (status, found) == (422, code)
    assert param is None or name == param
    assert await shared.get("/users") == []


async def test_checks_may_be_skipped_where_clerk_lets_them(clerk):
    bare = await clerk.post("/users", {"skip_user_requirement": True})
    assert {bare[f"{name}_enabled"] for name in ("password", "totp", "backup_code", "two_factor")} == {False}
    await make(clerk, password="short", skip_password_checks=True)
    bcrypt = "$2b$12$" + "a" * 53
    user = await make(clerk, "bob", password_digest=bcrypt, password_hasher="bcrypt")
    assert user["password_enabled"]


async def test_an_update_changes_what_is_given_and_null_clears_it(clerk, clock):
    user = await make(clerk, first_name="Ada", username="ada_1", external_id="e1", locale="en")
    clock.advance(5)
    after = await clerk.patch(
        f"/users/{user['id']}", {"last_name": "Okafor", "first_name": None, "username": ""}
    )
    assert (after["first_name"], after["last_name"], after["username"]) == (None, "Okafor", None)
    assert (after["external_id"], after["locale"]) == ("e1", "en")
    assert after["updated_at"] == user["updated_at"] + 5
    assert len(await clerk.get("/users", {"name_query": "OKAF"})) == 1
    assert await clerk.get("/users", {"username_query": "ada"}) == []


async def test_a_user_may_keep_its_own_username_and_not_take_anothers(clerk):
    user = await make(clerk, username="ada_1")
    await make(clerk, "bob", username="bobby")
    path = f"/users/{user['id']}"
    assert (await clerk.patch(path, {"username": "ADA_1"}))["username"] == "ADA_1"
    refused = await clerk.refused("PATCH", path, json={"username": "Bobby"})
    assert refused == (422, "form_identifier_exists", "username")


async def test_a_primary_address_is_one_of_the_users_own_and_verified(clerk):
    user = await clerk.post("/users", EVERYTHING)
    other = await make(clerk, "bob")
    path, (_, reserved) = f"/users/{user['id']}", user["email_addresses"]

    async def refused(key):
        return await clerk.refused("PATCH", path, json={"primary_email_address_id": key})

    param = "primary_email_address_id"
    assert await refused(reserved["id"]) == (422, "form_verification_needed", param)
    assert await refused(other["primary_email_address_id"]) == (422, "form_resource_not_found", param)
    assert await refused("idn_none") == (422, "form_resource_not_found", param)


async def test_another_verified_address_can_become_the_primary_one(clerk):
    user = await clerk.post("/users", {"email_address": ["a@example.com", "b@example.com"]})
    second = user["email_addresses"][1]["id"]
    after = await clerk.patch(f"/users/{user['id']}", {"primary_email_address_id": second})
    assert after["primary_email_address_id"] == second


async def test_metadata_is_merged_deeply_and_null_deletes_a_key(clerk):
    user = await make(clerk, public_metadata={"a": {"b": 1, "c": 2}, "d": 3}, private_metadata={"x": 1})
    change = {"public_metadata": {"a": {"b": None, "e": [1]}, "d": None, "f": {"g": None, "h": 0}}}
    after = await clerk.patch(f"/users/{user['id']}/metadata", change)
    assert after["public_metadata"] == {"a": {"c": 2, "e": [1]}, "f": {"h": 0}}
    assert after["private_metadata"] == {"x": 1}


async def test_metadata_can_be_replaced(clerk):
    user = await make(clerk, public_metadata={"a": 1})
    path = f"/users/{user['id']}/metadata"
    status, after = await clerk.ask("PUT", path, json={"public_metadata": {"b": 2}})
    assert (status, after["public_metadata"]) == (200, {"b": 2})


async def test_metadata_left_the_users_route_in_2026_05_12(clerk):
    user = await make(clerk, public_metadata={"a": 1})
    path, body = f"/users/{user['id']}", {"public_metadata": {"b": 2}}
    assert await clerk.refused("PATCH", path, json=body) == (422, "form_param_unknown", "public_metadata")
    clerk.http.headers["Clerk-API-Version"] = "2025-11-10"
    assert (await clerk.patch(path, body))["public_metadata"] == {"b": 2}
    refused = await clerk.refused("PATCH", f"{path}/metadata", json={"first_name": "Ada"})
    assert refused == (422, "form_param_unknown", "first_name")


async def test_banning_is_taken_back_by_unbanning(clerk):
    user = await make(clerk)
    assert (await clerk.post(f"/users/{user['id']}/ban"))["banned"] is True
    assert (await clerk.post(f"/users/{user['id']}/unban", {}))["banned"] is False


async def test_a_lock_counts_down_and_ends(clerk, clock):
    user = await make(clerk)
    locked = await clerk.post(f"/users/{user['id']}/lock")
    assert (locked["locked"], locked["lockout_expires_in_seconds"]) == (True, 3600)
    clock.advance(1_000_500)
    assert (await clerk.get(f"/users/{user['id']}"))["lockout_expires_in_seconds"] == 2600
    clock.advance(2_600_000)
    free = await clerk.get(f"/users/{user['id']}")
    assert (free["locked"], free["lockout_expires_in_seconds"]) == (False, None)


async def test_unlocking_lifts_a_lock(clerk):
    user = await make(clerk, locked=True)
    assert user["locked"]
    assert (await clerk.post(f"/users/{user['id']}/unlock"))["locked"] is False


async def test_a_deleted_user_is_gone_and_its_identifiers_are_free(clerk):
    user = await make(clerk, external_id="e1")
    gone = await clerk.delete(f"/users/{user['id']}")
    assert gone == {"object": "user", "id": user["id"], "deleted": True, "external_id": "e1"}
    assert await clerk.refused("GET", f"/users/{user['id']}") == (404, "resource_not_found", None)
    await make(clerk, external_id="e1")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PATCH", "/metadata"),
        ("PUT", "/metadata"),
        ("POST", "/ban"),
        ("POST", "/unban"),
        ("POST", "/lock"),
        ("POST", "/unlock"),
    ],
)
async def test_an_unknown_user_is_not_found(shared, method, path):
    assert await shared.refused(method, f"/users/user_none{path}") == (404, "resource_not_found", None)


@pytest.mark.parametrize(
    ("content", "kind", "refused"),
    [
        (b"{", "application/json", (400, "request_body_invalid", None)),
        (b"[]", "application/json", (400, "request_body_invalid", None)),
        (b'{"first_name": "\\ud800"}', "application/json", (400, "request_body_invalid", None)),
        (b'{"public_metadata": NaN}', "application/json", (400, "request_body_invalid", None)),
        (b"[" * 100_000, "application/json", (400, "request_body_invalid", None)),
        (b"\xff", "application/json", (400, "request_body_invalid", None)),
        (b"a=b", "application/x-www-form-urlencoded", (415, "unsupported_content_type", None)),
        (b" " * (2**20 + 1), "application/json", (413, "request_body_too_large", None)),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(shared, content, kind, refused):
    headers = {"Content-Type": kind}
    assert await shared.refused("POST", "/users", content=content, headers=headers) == refused


@pytest.mark.parametrize("content", [b"", b"null", b"{}"])
async def test_an_empty_body_of_any_spelling_is_taken_where_nothing_is_required(clerk, content):
    user = await make(clerk)
    headers = {"Content-Type": "application/json"}
    status, _ = await clerk.ask("POST", f"/users/{user['id']}/ban", content=content, headers=headers)
    assert status == 200
