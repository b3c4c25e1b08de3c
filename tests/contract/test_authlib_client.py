"""Authlib's client signs users in at the sandbox on a socket; joserfc checks what it gets."""

import httpx2
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from tests.sandbox.oauth.browser import VERIFIER, Page, sign_in

pytestmark = pytest.mark.anyio

BACK = "https://app.example/callback"
NONCE = "n-0S6_WzA2Mj"
ADA = {
    "id": "user_ada",
    "email_address": ["ada@example.com"],
    "first_name": "Ada",
    "last_name": "Lovelace",
    "username": "ada_l",
    "public_metadata": {"plan": "pro"},
    "private_metadata": {"internal": 1},
}
SCOPES = "openid profile email public_metadata offline_access"


@pytest.fixture
async def http():
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
async def discovered(clerk_sandbox, http):
    """What the issuer says of itself."""
    clerk_sandbox.seed({"users": [ADA]})
    answer = await http.get(f"{clerk_sandbox.url}/.well-known/openid-configuration")
    return answer.json()


async def application(http, sandbox, **more):
    body = {"name": "Portal", "scopes": SCOPES, "redirect_uris": [BACK]} | more
    headers = {"authorization": f"Bearer {sandbox.secret_key}", "clerk-api-version": "2026-05-12"}
    answer = await http.post(f"{sandbox.api_url}/oauth_applications", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def client_of(made, **more):
    return AsyncOAuth2Client(
        made["client_id"],
        made.get("client_secret"),
        scope=SCOPES,
        redirect_uri=BACK,
        code_challenge_method="S256",
        **more,
    )


async def tokens(client, http, discovered):
    address, state = client.create_authorization_url(
        discovered["authorization_endpoint"], nonce=NONCE, code_verifier=VERIFIER
    )
    said = await sign_in(http, address, "user_ada")
    assert (said["state"], said["iss"]) == (state, discovered["issuer"])
    return await client.fetch_token(discovered["token_endpoint"], code=said["code"], code_verifier=VERIFIER)


async def claims_of(http, discovered, made, token, now):
    """The claims of an ID token that joserfc and Authlib take."""
    keys = KeySet.import_key_set((await http.get(discovered["jwks_uri"])).json())
    found = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    wanted = {"essential": True}
    registry = JWTClaimsRegistry(
        now=now,
        iss=wanted | {"value": discovered["issuer"]},
        aud=wanted | {"value": made["client_id"]},
        exp=wanted,
        iat=wanted,
        sub=wanted,
    )
    registry.validate(found.claims)
    params = {"nonce": found.claims.get("nonce"), "access_token": token["access_token"]}
    CodeIDToken(found.claims, found.header, {}, params).validate(now)
    return found.claims


async def introspected(client, discovered, text):
    return (await client.introspect_token(discovered["introspection_endpoint"], text)).json()


@pytest.mark.promise("sandbox-is-an-issuer")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_a_user_signs_in_and_the_id_token_says_who_it_is(clerk_sandbox, http, discovered, method):
    made = await application(http, clerk_sandbox, public=method == "none")
    assert discovered["authorization_endpoint"] == made["authorize_url"]
    assert discovered["userinfo_endpoint"] == made["user_info_url"]
    assert discovered["introspection_endpoint"] == made["token_introspection_url"]
    async with client_of(made, token_endpoint_auth_method=method) as client:
        token = await tokens(client, http, discovered)
        assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 86_400, SCOPES)
        now = clerk_sandbox.clock.now() // 1000
        claims = await claims_of(http, discovered, made, token, now)
        assert claims["nonce"] == NONCE
        assert now - 60 < claims["auth_time"] <= claims["iat"] <= now
        assert claims["exp"] - claims["iat"] == 86_400
        profile = {
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "preferred_username": "ada_l",
        }
        assert profile.items() <= claims.items()
        # Clerk's client library for the API, with the same key, finds the same person.
        answer = await client.get(discovered["userinfo_endpoint"])
        found = answer.json()
        assert profile.items() <= found.items()
        assert (found["sub"], found["user_id"], found["object"]) == (
            "user_ada",
            "user_ada",
            "oauth_user_info",
        )
        assert found["public_metadata"] == {"plan": "pro"}
        assert "private_metadata" not in found


async def test_a_refresh_token_is_good_once_and_revoking_ends_all_of_the_grant(
    clerk_sandbox, http, discovered
):
    made = await application(http, clerk_sandbox)
    async with client_of(made) as client:
        first = dict(await tokens(client, http, discovered))
        for name in ("access_token", "refresh_token"):
            found = await introspected(client, discovered, first[name])
            assert (found["active"], found["client_id"]) == (True, made["client_id"])
            assert (found["sub"], found["scope"]) == ("user_ada", SCOPES)
        clerk_sandbox.clock.advance("25h")
        assert await introspected(client, discovered, first["access_token"]) == {"active": False}
        second = dict(await client.refresh_token(discovered["token_endpoint"]))
        assert {first["refresh_token"], second["refresh_token"], second["access_token"]}.isdisjoint(
            {first["access_token"]}
        )
        assert second["refresh_token"] != first["refresh_token"]
        now = clerk_sandbox.clock.now() // 1000
        claims = await claims_of(http, discovered, made, second, now)
        assert (claims["sub"], "nonce" in claims) == ("user_ada", False)
        answer = await client.revoke_token(discovered["revocation_endpoint"])
        assert answer.status_code == 200
        for token in (first, second):
            for name in ("access_token", "refresh_token"):
                assert await introspected(client, discovered, token[name]) == {"active": False}
        with pytest.raises(OAuthError) as error:
            await client.refresh_token(discovered["token_endpoint"], second["refresh_token"])
        assert error.value.error == "invalid_grant"


async def test_whose_refresh_token_was_used_twice_has_nothing_left(clerk_sandbox, http, discovered):
    made = await application(http, clerk_sandbox)
    async with client_of(made) as client:
        first = dict(await tokens(client, http, discovered))
        second = dict(await client.refresh_token(discovered["token_endpoint"]))
        for stolen in (first, second):
            with pytest.raises(OAuthError) as error:
                await client.refresh_token(discovered["token_endpoint"], stolen["refresh_token"])
            assert error.value.error == "invalid_grant"
        for token in (first, second):
            assert await introspected(client, discovered, token["access_token"]) == {"active": False}


async def test_a_jwt_is_checked_with_the_issuers_keys_and_has_no_audience(clerk_sandbox, http, discovered):
    made = await application(http, clerk_sandbox)
    headers = {"authorization": f"Bearer {clerk_sandbox.secret_key}", "clerk-api-version": "2026-05-12"}
    place = f"{clerk_sandbox.api_url}/instance/oauth_application_settings"
    await http.patch(place, json={"oauth_jwt_access_tokens": True}, headers=headers)
    async with client_of(made) as client:
        token = await tokens(client, http, discovered)
        keys = KeySet.import_key_set((await http.get(discovered["jwks_uri"])).json())
        found = jwt.decode(token["access_token"], keys, algorithms=["RS256"])
        assert found.header["typ"] == "at+jwt"
        assert found.claims.keys() == {"iss", "sub", "client_id", "jti", "scope", "iat", "nbf", "exp"}
        verify = f"{clerk_sandbox.api_url}/oauth_applications/access_tokens/verify"
        body = {"access_token": token["access_token"]}
        verified = (await http.post(verify, json=body, headers=headers)).json()
        assert (verified["id"], verified["subject"]) == (found.claims["jti"], "user_ada")
        assert not verified["expired"]
        # The ID token of the same sign-in is signed with the same key, and lets nobody in.
        body = {"access_token": token["id_token"]}
        assert (await http.post(verify, json=body, headers=headers)).status_code == 404
        with pytest.raises(OAuthError) as error:
            await client.fetch_token(
                discovered["token_endpoint"], grant_type="refresh_token", refresh_token=token["access_token"]
            )
        assert error.value.error == "invalid_grant"
        # It holds until its end, whatever is revoked.
        answer = await client.revoke_token(discovered["revocation_endpoint"], token["access_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")
        await client.revoke_token(discovered["revocation_endpoint"], token["refresh_token"])
        assert (await introspected(client, discovered, token["access_token"]))["active"]
        clerk_sandbox.clock.advance("25h")
        body = {"access_token": token["access_token"]}
        assert (await http.post(verify, json=body, headers=headers)).json() == {"active": False}


async def test_the_answer_can_come_as_a_form(clerk_sandbox, http, discovered):
    made = await application(http, clerk_sandbox, consent_screen_enabled=False)
    async with client_of(made) as client:
        address, state = client.create_authorization_url(
            discovered["authorization_endpoint"], response_mode="form_post", code_verifier=VERIFIER
        )
        page = Page((await http.get(address)).text)
        form = page.form_with("user_id", "user_ada")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await http.post(form.action, content=form.sent("user_id", "user_ada"), headers=headers)
        assert answer.status_code == 200
        (form,) = Page(answer.text).forms
        said = dict(form.fields)
        assert (form.action, said["state"], said["iss"]) == (BACK, state, discovered["issuer"])
        token = await client.fetch_token(
            discovered["token_endpoint"], code=said["code"], code_verifier=VERIFIER
        )
        assert token["access_token"].startswith("oat_")
