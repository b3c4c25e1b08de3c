"""Session tokens over HTTP: what is in them, until when, and how they are refreshed."""

import re

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.rows import HOUR, sign_in
from tests.sandbox.tokens.reading import ISSUER, STANDARD, minted, signed_in, verified

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def someone(shared):
    """A user, an organization and a session, in the module's sandbox."""
    return await signed_in(shared)


async def test_a_session_token_has_the_claims_of_version_2(shared, someone):
    user, team, session = someone
    now = shared.sandbox.store.clock.now() // 1000
    header, claims = await minted(shared, session)
    (instance,) = (await shared.sandbox.store.state()).by_key.values()
    assert header == {"alg": "RS256", "typ": "JWT", "kid": instance.id, "cat": "cl_B7d4PD111AAA"}
    assert re.fullmatch("[0-9a-f]{20}", claims.pop("jti"))
    assert claims == {
        "azp": "http://localhost:3000",
        "exp": now + 60,
        "fea": "",
        "fva": [0, -1],
        "iat": now,
        "iss": ISSUER,
        "nbf": now - 10,
        "o": {"id": team["id"], "slg": "team", "rol": "admin", "per": "", "fpm": ""},
        "pla": "u:free_user,o:free_org",
        "sid": session["id"],
        "sts": "active",
        "sub": user["id"],
        "v": 2,
    }


@pytest.mark.parametrize("version", ["2021-02-05", "2025-03-12"])
async def test_before_2025_04_10_a_session_token_has_the_claims_of_version_1(shared, someone, version):
    _, team, session = someone
    _, claims = await minted(shared, session, version=version)
    assert set(claims) == STANDARD | {
        "fva",
        "sid",
        "org_id",
        "org_role",
        "org_slug",
        "org_permissions",
    }
    assert [claims[f"org_{name}"] for name in ("id", "role", "slug", "permissions")] == [
        team["id"],
        "org:admin",
        "team",
        [],
    ]


async def test_without_an_active_organization_a_token_names_none(shared, someone):
    user, _, _ = someone
    session = await shared.post("/sessions", {"user_id": user["id"]})
    _, claims = await minted(shared, session)
    assert ("o" in claims, claims["pla"]) == (False, "u:free_user")
    _, claims = await minted(shared, session, version="2021-02-05")
    assert set(claims) == STANDARD | {"fva", "sid"}


async def test_the_party_of_a_token_is_the_origin_of_the_request(shared, someone):
    path = f"/sessions/{someone[2]['id']}/tokens"
    _, answer = await shared.ask("POST", path, headers={"Origin": "https://shop.example"})
    _, claims = await verified(shared, answer["jwt"])
    assert claims["azp"] == "https://shop.example"


async def test_a_token_lives_as_long_as_it_is_asked_to(shared, someone):
    _, claims = await minted(shared, someone[2], expires_in_seconds=3600)
    assert claims["exp"] - claims["iat"] == 3600


async def test_an_impersonated_session_names_its_actor(clerk):
    user = await clerk.post("/users", {"username": "adam"})
    session = await sign_in(clerk, user["id"], ago=7 * 60_000 + 1, actor={"sub": "user_support"})
    _, claims = await minted(clerk, session)
    assert (claims["act"], claims["fva"]) == ({"sub": "user_support"}, [7, -1])


async def test_tokens_and_their_sessions_follow_the_clock_of_the_sandbox(clerk, clock):
    user = await clerk.post("/users", {"username": "adam"})
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    assert session["status"] == "active"
    assert (await clerk.get(f"/users/{user['id']}"))["last_sign_in_at"] == clock.now()
    clock.advance(6 * 24 * HOUR)
    _, claims = await minted(clerk, session)
    assert (claims["iat"], claims["fva"][0]) == (clock.now() // 1000, 6 * 24 * 60)
    clock.advance(24 * HOUR)
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "expired"
    gone = (404, "resource_not_found", None)
    assert await clerk.refused("POST", f"/sessions/{session['id']}/tokens") == gone
    refused = await refresh_refused(clerk, session, expired_token=await any_token(clerk, user))
    assert refused == "refresh_sid_mismatch"


async def any_token(clerk, user):
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    return (await clerk.post(f"/sessions/{session['id']}/tokens"))["jwt"]


async def refresh_refused(clerk, session, **changed):
    body = {"refresh_token": session["client_id"], "request_origin": "http://localhost:3000", **changed}
    status, code, _ = await clerk.refused("POST", f"/sessions/{session['id']}/refresh", json=body)
    assert status == 401
    return code


async def test_an_expired_token_is_refreshed_for_its_own_session_only(clerk, clock):
    user = await clerk.post("/users", {"username": "adam"})
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    token = (await clerk.post(f"/sessions/{session['id']}/tokens"))["jwt"]
    clock.advance(HOUR)
    body = {
        "expired_token": token,
        "refresh_token": session["client_id"],
        "request_origin": "http://localhost:3000",
    }
    fresh = await clerk.post(f"/sessions/{session['id']}/refresh", body)
    _, claims = await verified(clerk, fresh["jwt"])
    assert (claims["sid"], claims["iat"]) == (session["id"], clock.now() // 1000)
    assert (await clerk.get(f"/sessions/{session['id']}"))["last_active_at"] == clock.now()
    cookies = (await clerk.post(f"/sessions/{session['id']}/refresh", {**body, "format": "cookie"}))[
        "cookies"
    ]
    assert [text.partition("=")[0] for text in cookies] == ["__session", "__refresh"]
    forged = jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256")
    assert await refresh_refused(clerk, session, expired_token=forged) == "expired_session_token_invalid"
    stranger = await refresh_refused(clerk, session, expired_token=token, refresh_token="client_none")
    assert stranger == "refresh_token_not_found"
    await clerk.post(f"/sessions/{session['id']}/revoke")
    assert await refresh_refused(clerk, session, expired_token=token) == "session_refresh_inactive_session"


async def test_an_organization_that_the_user_left_is_in_no_token(clerk):
    owner = await clerk.post("/users", {"username": "owner"})
    user = await clerk.post("/users", {"username": "adam"})
    team = await clerk.post("/organizations", {"name": "Team", "created_by": owner["id"]})
    members = f"/organizations/{team['id']}/memberships"
    await clerk.post(members, {"user_id": user["id"], "role": "org:member"})
    body = {"user_id": user["id"], "active_organization_id": team["id"]}
    session = await clerk.post("/sessions", body)
    _, claims = await minted(clerk, session)
    assert claims["o"]["rol"] == "member"
    await clerk.delete(f"{members}/{user['id']}")
    _, claims = await minted(clerk, session)
    assert "o" not in claims
