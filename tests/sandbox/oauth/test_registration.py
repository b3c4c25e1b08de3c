"""Clients that register themselves."""

import json

import pytest

from tests.sandbox.companies import user
from tests.sandbox.oauth.browser import Page
from tests.sandbox.oauth.conftest import BACK, Journey

pytestmark = pytest.mark.anyio

SETTINGS = "/instance/oauth_application_settings"


@pytest.fixture
async def register(clerk, visitor):
    """Registers a client with what is given; the status and the answer."""
    await clerk.patch(SETTINGS, {"dynamic_oauth_client_registration": True})

    async def ask(**given):
        answer = await visitor.post("/oauth/register", json={"redirect_uris": [BACK]} | given)
        return answer.status_code, answer.json()

    return ask


async def test_where_it_is_off_nobody_registers_and_nothing_says_that_one_could(clerk, visitor):
    answer = await visitor.post("/oauth/register", json={"redirect_uris": [BACK]})
    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    assert "dynamic_oauth_client_registration" in answer.json()["error_description"]
    place = "/.well-known/oauth-authorization-server"
    assert "registration_endpoint" not in (await visitor.get(place)).json()
    await clerk.patch(SETTINGS, {"dynamic_oauth_client_registration": True})
    said = (await visitor.get(place)).json()["registration_endpoint"]
    assert said == "http://sandbox.localhost/oauth/register"
    assert (await clerk.get("/oauth_applications"))["total_count"] == 0


async def test_a_client_becomes_an_application_of_the_instance(clerk, clock, register):
    status, answer = await register(
        client_name="Agent", client_uri="https://agent.example", jwks={"keys": []}
    )
    assert status == 201
    secret = answer.pop("client_secret")
    assert answer == {
        "client_id": answer["client_id"],
        "client_id_issued_at": clock.now() // 1000,
        "client_secret_expires_at": 0,
        "client_name": "Agent",
        "client_uri": "https://agent.example",
        "redirect_uris": [BACK],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "email offline_access profile",
    }
    assert len(secret) == 32
    (found,) = (await clerk.get("/oauth_applications"))["data"]
    assert (found["name"], found["client_uri"]) == ("Agent", "https://agent.example")
    assert (found["dynamically_registered"], found["consent_screen_enabled"]) == (True, True)
    place = f"/oauth_applications/{found['id']}"
    code = "oauth_application_consent_screen_cannot_be_disabled"
    refused = await clerk.refused("PATCH", place, json={"consent_screen_enabled": False})
    assert refused == (422, code, None)
    assert (await clerk.patch(place, {"name": "Known agent"}))["dynamically_registered"]


async def test_a_public_client_has_no_secret_and_needs_pkce(clerk, register):
    _, answer = await register(
        token_endpoint_auth_method="none", grant_types=["authorization_code", "refresh_token", "implicit"]
    )
    assert "client_secret" not in answer
    assert answer["grant_types"] == ["authorization_code", "refresh_token"]
    (found,) = (await clerk.get("/oauth_applications"))["data"]
    assert (found["public"], found["pkce_required"]) == (True, True)


async def test_scopes_are_what_the_client_names_or_what_the_instance_has_for_those_that_name_none(
    clerk, visitor, register
):
    assert (await register(scope="openid profile openid"))[1]["scope"] == "openid profile"
    await clerk.patch(SETTINGS, {"default_scopes": ["openid", "email", "read"]})
    _, answer = await register()
    assert answer["scope"] == "openid email"
    # Asking for none later means the same.
    mine = Journey(visitor, answer, await user(clerk))
    assert (await mine.tokens(scope=None))["scope"] == "openid email"
    await clerk.patch(SETTINGS, {"default_scopes": None})
    assert (await register())[1]["scope"] == "email offline_access profile"


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1:99@evil.example/",
        "https://app.example/#there",
        "https://",
        "https:app.example",
        "javascript:alert(1)",
        "DATA:text/html,hello",
        "no address",
        "/callback",
    ],
)
async def test_an_address_that_others_could_read_is_refused(register, uri):
    status, answer = await register(redirect_uris=[uri])
    assert (status, answer["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "uri",
    ["http://localhost:3000/cb", "http://[::1]", "http://127.0.0.1?x", "myapp://cb", "com.example.app:/cb"],
)
async def test_programs_may_name_this_machine_or_a_scheme_of_their_own(register, uri):
    assert (await register(redirect_uris=[uri]))[0] == 201


@pytest.mark.parametrize(
    "given",
    [
        {"redirect_uris": []},
        {"redirect_uris": BACK},
        {"redirect_uris": None},
        {"redirect_uris": [BACK] * 33},
        {"redirect_uris": ["https://a.example/" + "a" * 1024]},
        {"redirect_uris": ["https://a.example/\n"]},
        {"client_name": ""},
        {"client_name": "n" * 257},
        {"client_name": "a\0b"},
        {"client_name": 1},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"grant_types": ["client_credentials"]},
        {"grant_types": []},
        {"response_types": ["token"]},
        {"scope": "everything"},
        {"scope": ""},
    ],
)
async def test_what_cannot_stand_is_refused(register, given):
    status, answer = await register(**given)
    assert (status, answer["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nothing", b'{"client_name":"\\ud800"}', b"\xff", b"[" * 10_000]
)
async def test_what_is_no_json_object_is_refused(register, visitor, body):
    headers = {"content-type": "application/json"}
    answer = await visitor.post("/oauth/register", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    form = {"redirect_uris": json.dumps([BACK])}
    answer = await visitor.post("/oauth/register", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_consent_tells_that_nobody_has_checked_the_name(clerk, visitor, register):
    _, answer = await register(client_name="Clerk itself")
    mine = Journey(visitor, answer, await user(clerk))
    form = Page((await visitor.get(mine.address(scope="profile"))).text).form_with("user_id", mine.user_id)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    page = await visitor.post(form.action, content=form.sent("user_id", mine.user_id), headers=headers)
    assert "registered itself" in page.text
