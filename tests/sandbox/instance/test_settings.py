"""The instance's settings: what is changed stays so, and counts."""

import pytest

from deskclerk.sandbox import open_sandbox
from tests.sandbox.companies import organization, user
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

ORGANIZATIONS = "/instance/organization_settings"
NOT_ALLOWED = (403, "not_allowed_access", "email_address")


async def test_settings_outlive_the_sandbox(tmp_path):
    for changes in ({"blocklist": True}, {}):
        async with open_sandbox(tmp_path / "sandbox.db", seed=False) as sandbox:
            client = Client(sandbox)
            async with client.http:
                answer = await client.patch("/instance/restrictions", changes)
    assert answer == {
        "object": "instance_restrictions",
        "allowlist": False,
        "blocklist": True,
        "allowlist_blocklist_disabled_on_sign_in": False,
        "block_email_subaddresses": False,
        "block_disposable_email_domains": False,
    }


async def test_null_changes_nothing_and_null_scopes_are_clerks(clerk):
    place = "/instance/oauth_application_settings"
    await clerk.patch(place, {"oauth_jwt_access_tokens": True, "default_scopes": ["email"]})
    answer = await clerk.patch(place, {"oauth_jwt_access_tokens": None})
    assert (answer["oauth_jwt_access_tokens"], answer["default_scopes"]) == (True, ["email"])
    assert (await clerk.patch(place, {"default_scopes": None}))["default_scopes"] is None
    assert await clerk.get(place) == answer | {"default_scopes": None}


async def test_a_scope_given_twice_is_kept_once(clerk):
    scopes = {"default_scopes": ["profile", "email", "profile"]}
    answer = await clerk.patch("/instance/oauth_application_settings", scopes)
    assert answer["default_scopes"] == ["profile", "email"]


async def test_defences_stay_as_they_were_turned(clerk):
    place = "/instance/protect"
    before = await clerk.get(place)
    assert before == {
        "object": "instance_protect",
        "rules_enabled": False,
        "specter_enabled": False,
        "checks_bypassed": False,
    }
    await clerk.patch(place, {"rules_enabled": True})
    await clerk.patch(place, {"rules_enabled": None, "specter_enabled": True})
    assert await clerk.get(place) == before | {"rules_enabled": True, "specter_enabled": True}
    refused = await clerk.refused("PATCH", place, json={"checks_bypassed": True})
    assert refused == (422, "form_param_unknown", "checks_bypassed")


async def test_an_update_of_the_instance_answers_nothing_and_is_kept(clerk):
    answer = await clerk.http.patch("/instance", json={"allowed_origins": ["app://desk"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await clerk.get("/instance"))["allowed_origins"] == ["app://desk"]


async def test_new_organizations_begin_as_the_settings_say(clerk):
    ada = await user(clerk, "ada")
    old = await organization(clerk, "Old", created_by=ada)
    await clerk.patch(ORGANIZATIONS, {"max_allowed_memberships": 2, "admin_delete_enabled": False})
    new = await clerk.get(f"/organizations/{await organization(clerk, 'New', created_by=ada)}")
    assert (new["max_allowed_memberships"], new["admin_delete_enabled"]) == (2, False)
    assert (await clerk.get(f"/organizations/{old}"))["max_allowed_memberships"] == 5


async def test_with_organizations_off_no_route_of_theirs_answers(clerk):
    await clerk.patch(ORGANIZATIONS, {"enabled": False})
    refused = (403, "organization_not_enabled_in_instance", None)
    for path in (
        "/organizations",
        "/organization_roles",
        "/organization_domains",
        "/organization_memberships",
    ):
        assert await clerk.refused("GET", path) == refused
    assert (await clerk.get(ORGANIZATIONS))["enabled"] is False


async def test_with_slugs_off_none_is_taken_and_one_is_made(clerk):
    await clerk.patch(ORGANIZATIONS, {"slug_disabled": True})
    refused = await clerk.refused("POST", "/organizations", json={"name": "Acme", "slug": "mine"})
    assert refused == (403, "organization_slugs_disabled", "slug")
    assert (await clerk.post("/organizations", {"name": "Acme"}))["slug"] == "acme"


async def test_the_block_list_counts_only_while_it_is_on(clerk):
    await clerk.post("/blocklist_identifiers", {"identifier": "*@spam.example"})
    await clerk.post("/blocklist_identifiers", {"identifier": "eve@example.com"})
    await user(clerk, "eve")
    await clerk.patch("/instance/restrictions", {"blocklist": True})
    for address in ("one@spam.example", "EVE@example.com"):
        body = {"email_address": [address]}
        wanted = (422, "form_identifier_exists", "email_address") if address[0] == "E" else NOT_ALLOWED
        assert await clerk.refused("POST", "/users", json=body) == wanted
    refused = await clerk.refused("POST", "/invitations", json={"email_address": "two@spam.example"})
    assert refused == NOT_ALLOWED
    adam, body = await user(clerk, "adam"), {"email_address": "three@spam.example"}
    assert await clerk.refused("PUT", f"/users/{adam}/email_address", json=body) == NOT_ALLOWED
    body["user_id"] = adam
    assert await clerk.refused("POST", "/email_addresses", json=body) == NOT_ALLOWED


async def test_subaddresses_are_refused_where_they_are_blocked(clerk):
    await clerk.patch("/instance/restrictions", {"block_email_subaddresses": True})
    refused = await clerk.refused("POST", "/users", json={"email_address": ["a+b@example.com"]})
    assert refused == NOT_ALLOWED


async def test_the_allow_list_does_not_stop_who_has_the_secret_key(clerk):
    await clerk.patch("/instance/restrictions", {"allowlist": True})
    await user(clerk, "ada")
    await clerk.post("/invitations", {"email_address": "guest@example.com"})


async def test_what_only_a_production_instance_can_is_refused(clerk):
    refused = (400, "request_invalid_for_environment", None)
    body = {"home_url": "https://home.example"}
    assert await clerk.refused("POST", "/instance/change_domain", json=body) == refused
    assert await clerk.refused("PUT", "/beta_features/domain", json=body) == refused
