"""Clerk's official Python client verifies what the sandbox signs, knowing nothing but its address."""

import dataclasses
import functools

import httpx
import jwt
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors
from clerk_backend_api.security import authenticate_request, authenticaterequest, verifytoken
from clerk_backend_api.security.types import (
    AuthenticateRequestOptions,
    TokenVerificationError,
    TokenVerificationErrorReason,
    VerifyTokenOptions,
)
from clerk_backend_api.security.verifytoken import verify_token, verify_token_async
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contract.served import served

KEY = "sk_test_sandbox"
PARTY = "http://localhost:3000"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A sandbox with its company on a port."""
    with served(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as address:
        yield address


@pytest.fixture(scope="module")
def clerk(address):
    with Clerk(bearer_auth=KEY, server_url=f"{address}/v1") as clerk:
        yield clerk


@pytest.fixture
def options(address):
    getattr(verifytoken, "__jwkcache").cache.clear()
    return VerifyTokenOptions(secret_key=KEY, api_url=address, authorized_parties=[PARTY])


@pytest.fixture(scope="module")
def session(clerk):
    """A session in an organization of the user's own."""
    user = clerk.users.create(email_address=["token@sdk.example"], password="a long enough one")
    team = clerk.organizations.create(request={"name": "Tokens", "created_by": user.id})
    return clerk.sessions.create(request={"user_id": user.id, "active_organization_id": team.id})


@pytest.fixture(scope="module")
def token(clerk, session):
    return clerk.sessions.create_token(session_id=session.id).jwt


def reason(token, options):
    with pytest.raises(TokenVerificationError) as caught:
        verify_token(token, options)
    return caught.value.reason


@pytest.mark.promise("sandbox-signatures")
def test_a_session_token_is_verified_with_the_published_keys(token, session, options):
    claims = verify_token(token, options)
    assert (claims["sid"], claims["sub"], claims["v"]) == (session.id, session.user_id, 2)


@pytest.mark.anyio
async def test_it_is_verified_asynchronously_too(token, session, options):
    assert (await verify_token_async(token, options))["sid"] == session.id


def test_a_token_by_template_is_verified_with_the_same_keys(clerk, session, options):
    # The client leaves out what is in `claims`.
    template = {"name": "sdk", "claims": {"me": "{{user.id}}"}}
    headers = {"Authorization": f"Bearer {KEY}"}
    httpx.post(f"{options.api_url}/v1/jwt_templates", json=template, headers=headers).raise_for_status()
    made = clerk.sessions.create_token_from_template(session_id=session.id, template_name="sdk")
    assert verify_token(made.jwt, options)["me"] == session.user_id


def test_what_the_instance_did_not_sign_is_refused(token, options):
    header, claims, signature = token.split(".")
    forged = f"{header}.{claims}.{signature[:-8]}AAAAAAAA"
    assert reason(forged, options) is TokenVerificationErrorReason.TOKEN_INVALID_SIGNATURE
    stranger = jwt.encode({}, "a secret that is long enough for HS256")
    assert reason(stranger, options) is TokenVerificationErrorReason.JWK_KID_MISMATCH
    assert reason("invalid.session.token", options) is TokenVerificationErrorReason.TOKEN_INVALID


def test_a_token_for_another_party_is_refused(token, options):
    elsewhere = dataclasses.replace(options, authorized_parties=["https://elsewhere.example"])
    assert reason(token, elsewhere) is TokenVerificationErrorReason.TOKEN_INVALID_AUTHORIZED_PARTIES


def test_a_wrong_key_loads_no_keys(token, options):
    wrong = dataclasses.replace(options, secret_key="sk_test_wrong")
    assert reason(token, wrong) is TokenVerificationErrorReason.JWK_FAILED_TO_LOAD


def test_a_request_is_authenticated_by_header_and_by_cookie(token, session, address, options, monkeypatch):
    # The client takes no address here: it stands for the one that it has built in.
    at_the_sandbox = functools.partial(VerifyTokenOptions, api_url=address)
    monkeypatch.setattr(authenticaterequest, "VerifyTokenOptions", at_the_sandbox)
    asked = AuthenticateRequestOptions(secret_key=KEY, authorized_parties=[PARTY])
    for headers in ({"Authorization": f"Bearer {token}"}, {"cookie": f"__session={token}"}):
        state = authenticate_request(httpx.Request("GET", PARTY, headers=headers), asked)
        assert state.is_signed_in, state.message
        assert state.payload["org_id"] == session.last_active_organization_id
        assert (state.payload["org_slug"], state.payload["org_role"]) == ("tokens", "admin")
        auth = state.to_auth()
        assert (auth.sid, auth.sub, auth.fva) == (session.id, session.user_id, [0, -1])


def test_a_request_is_authenticated_without_a_network_by_the_public_key(clerk, token, session):
    (key,) = clerk.jwks.get_jwks().keys
    public = jwt.PyJWK(key.model_dump()).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    asked = AuthenticateRequestOptions(jwt_key=public.decode(), authorized_parties=[PARTY])
    request = httpx.Request("GET", PARTY, headers={"Authorization": f"Bearer {token}"})
    state = authenticate_request(request, asked)
    assert (state.is_signed_in, state.payload["sid"]) == (True, session.id)


def test_the_calls_for_sessions_and_clients_are_answered(clerk, session, token):
    short = clerk.sessions.create_token(session_id=session.id, expires_in_seconds=30).jwt
    claims = jwt.decode(short, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 30
    fresh = clerk.sessions.refresh(
        session_id=session.id,
        expired_token=token,
        refresh_token=session.client_id,
        request_origin=PARTY,
    )
    assert jwt.decode(fresh.jwt, options={"verify_signature": False})["sid"] == session.id
    client = clerk.clients.verify(request={"token": token})
    assert client.last_active_session_id == session.id
    assert clerk.clients.get(client_id=session.client_id) == client


def test_tickets_are_made_and_revoked_once(clerk, session):
    made = clerk.sign_in_tokens.create(request={"user_id": session.user_id, "expires_in_seconds": 60})
    assert made.url.endswith(f"?ticket={made.token}")
    assert clerk.sign_in_tokens.revoke(sign_in_token_id=made.id).status.value == "revoked"
    with pytest.raises(ClerkErrors) as caught:
        clerk.sign_in_tokens.revoke(sign_in_token_id=made.id)
    assert caught.value.data.errors[0].code == "sign_in_token_cannot_be_revoked_code"
    acting = {"user_id": session.user_id, "actor": {"sub": "user_support"}}
    actor = clerk.actor_tokens.create(request=acting)
    assert clerk.actor_tokens.revoke(actor_token_id=actor.id).status.value == "revoked"
    assert clerk.testing_tokens.create().token


def test_a_rotated_client_secret_is_shown_once(clerk):
    made = clerk.oauth_applications.create(request={"name": "Rotating", "redirect_uris": []})
    rotated = clerk.oauth_applications.rotate_secret(oauth_application_id=made.id)
    assert rotated.client_secret
    assert rotated.client_secret != made.client_secret
