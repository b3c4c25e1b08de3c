"""Tokens over HTTP: what is in them, who can verify them, and until when."""

import asyncio
import dataclasses
import functools
import logging
import re

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.store.tables import signing_keys
from tests.sandbox.conftest import Client
from tests.sandbox.rows import HOUR, sign_in

pytestmark = pytest.mark.anyio

ISSUER = "https://sandbox.clerk.accounts.dev"
STANDARD = {"azp", "exp", "iat", "iss", "jti", "nbf", "sub"}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRET = "a shared secret of sixty-four bytes at the least, for every HS algorithm"


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="module")
async def someone(shared):
    """A session of a user with an organization, in the module's sandbox."""
    user = await shared.post(
        "/users",
        {
            "email_address": ["ada@example.com"],
            "first_name": "Ada",
            "public_metadata": {"profile": {"interests": ["reading"]}, "seats": 3},
            "private_metadata": {"secret": "never"},
            "unsafe_metadata": {"theme": "dark"},
        },
    )
    team = await shared.post(
        "/organizations", {"name": "Team", "created_by": user["id"], "public_metadata": {"tier": 1}}
    )
    session = await shared.post("/sessions", {"user_id": user["id"], "active_organization_id": team["id"]})
    return user, team, session


async def minted(clerk, session, template="", version=None, **body):
    """The header and the claims of a new token, verified with the published keys."""
    path = f"/sessions/{session['id']}/tokens" + (f"/{template}" if template else "")
    headers = {"Clerk-API-Version": version} if version else {}
    status, answer = await clerk.ask("POST", path, json=body, headers=headers)
    assert status == 200, answer
    return await verified(clerk, answer["jwt"])


async def verified(clerk, token):
    (key,) = (await clerk.get("/jwks"))["keys"]
    timeless = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims = jwt.decode(token, jwt.PyJWK(key).key, ["RS256"], options=timeless)
    return jwt.get_unverified_header(token), claims


async def test_the_keys_are_one_rsa_key_named_after_the_instance(shared):
    answer = await shared.get("/jwks")
    assert await shared.get("/jwks") == answer
    (key,) = answer["keys"]
    (instance,) = shared.sandbox.store.by_key.values()
    assert {name: key[name] for name in ("use", "kty", "kid", "alg", "e")} == {
        "use": "sig",
        "kty": "RSA",
        "kid": instance.id,
        "alg": "RS256",
        "e": "AQAB",
    }
    assert set(key) == {"use", "kty", "kid", "alg", "n", "e"}
    assert jwt.PyJWK(key).key.key_size == 2048


async def test_opening_a_sandbox_makes_no_key(clerk):
    assert await kept_keys(clerk) == []
    answers = await asyncio.gather(*(clerk.get("/jwks") for _ in range(20)))
    assert len({answer["keys"][0]["n"] for answer in answers}) == 1
    assert len(await kept_keys(clerk)) == 1


async def kept_keys(clerk):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(signing_keys.select())).mappings().all()


async def test_a_session_token_has_the_claims_of_version_2(shared, someone):
    user, team, session = someone
    now = shared.sandbox.store.clock.now() // 1000
    header, claims = await minted(shared, session)
    (instance,) = shared.sandbox.store.by_key.values()
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
    forged = jwt.encode(claims, RSA, "RS256")
    assert await refresh_refused(clerk, session, expired_token=forged) == "expired_session_token_invalid"
    stranger = await refresh_refused(clerk, session, expired_token=token, refresh_token="client_none")
    assert stranger == "refresh_token_not_found"
    await clerk.post(f"/sessions/{session['id']}/revoke")
    assert await refresh_refused(clerk, session, expired_token=token) == "session_refresh_inactive_session"


TEMPLATE = {
    "name": "orders",
    "claims": {
        "aud": "https://orders.example",
        "id": "{{user.id}}",
        "mail": "{{user.primary_email_address}}",
        "verified": ["{{user.email_verified}}", "{{user.phone_number_verified}}"],
        "name": "{{user.full_name}}",
        "phone": "{{user.primary_phone_number || 'none'}}",
        "since": "{{user.created_at}}",
        "likes": "{{user.public_metadata.profile.interests}}",
        "theme": "{{user.unsafe_metadata.theme}}",
        "private": "{{user.private_metadata.secret}}",
        "teams": "{{user.organizations}}",
        "team": "{{org.name}} as {{org.role}}",
        "tier": "{{org.public_metadata.tier}}",
        "member": "{{org_membership.public_metadata}}",
        "locked": "{{user.two_factor_enabled}}",
    },
    "lifetime": 300,
    "allowed_clock_skew": 30,
}


async def test_a_template_is_filled_in_with_the_user_and_the_organization(shared, someone):
    user, team, session = someone
    await shared.post("/jwt_templates", TEMPLATE)
    (instance,) = shared.sandbox.store.by_key.values()
    token = (await shared.post(f"/sessions/{session['id']}/tokens/orders"))["jwt"]
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": instance.id,
        "cat": "cl_B7d4PD222AAA",
    }
    claims = jwt.decode(token, options={"verify_signature": False})
    now = shared.sandbox.store.clock.now() // 1000
    assert (claims["exp"], claims["iat"], claims["nbf"]) == (now + 300, now, now - 30)
    assert set(claims) == STANDARD | set(TEMPLATE["claims"])
    assert {name: claims[name] for name in TEMPLATE["claims"]} == {
        "aud": "https://orders.example",
        "id": user["id"],
        "mail": "ada@example.com",
        "verified": [True, False],
        "name": "Ada",
        "phone": "none",
        "since": user["created_at"],
        "likes": ["reading"],
        "theme": "dark",
        "private": None,
        "teams": {team["id"]: "org:admin"},
        "team": "Team as org:admin",
        "tier": 1,
        "member": {},
        "locked": False,
    }


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        *((f"HS{bits}", SECRET) for bits in (256, 384, 512)),
        *((f"RS{bits}", RSA) for bits in (256, 384, 512)),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("ES384", ec.generate_private_key(ec.SECP384R1())),
        ("ES512", ec.generate_private_key(ec.SECP521R1())),
        ("HS256", "short"),
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
async def test_a_template_signs_with_a_key_of_its_own(shared, someone, algorithm, key):
    secret = key if isinstance(key, str) else pem(key)
    name = f"own-{algorithm}-{len(secret)}"
    own = {"custom_signing_key": True, "signing_algorithm": algorithm, "signing_key": secret}
    await shared.post("/jwt_templates", {"name": name, "claims": {"ok": True}, **own})
    token = (await shared.post(f"/sessions/{someone[2]['id']}/tokens/{name}"))["jwt"]
    public = key if isinstance(key, str) else key.public_key()
    timeless = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims = jwt.decode(token, public, [algorithm], options=timeless)
    assert (claims["ok"], claims["iss"]) == (True, ISSUER)
    assert jwt.get_unverified_header(token)["cat"] == "cl_B7d4PD222AAA"


async def test_the_deepest_claims_that_are_taken_are_filled_in(shared, someone):
    claims = {"a": functools.reduce(lambda inner, _: [inner], range(98), ["{{user.id}}"])}
    await shared.post("/jwt_templates", {"name": "deep", "claims": claims})
    _, found = await minted(shared, someone[2], template="deep")
    assert str(found["a"]).strip("[]'") == someone[0]["id"]


async def test_an_elliptic_key_of_another_curve_is_refused(shared):
    own = {"custom_signing_key": True, "signing_algorithm": "ES384"}
    body = {"name": "curve", "claims": {}, **own, "signing_key": pem(ec.generate_private_key(ec.SECP256R1()))}
    refused = await shared.refused("POST", "/jwt_templates", json=body)
    assert refused == (422, "form_param_format_invalid", "signing_key")


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


async def test_keys_and_tokens_survive_a_restart(databases, clock):
    place = databases.new()
    async with open_sandbox(place, seed=False, clock=clock) as sandbox:
        clerk = Client(sandbox)
        user = await clerk.post("/users", {"username": "adam"})
        session = await clerk.post("/sessions", {"user_id": user["id"]})
        token = (await clerk.post(f"/sessions/{session['id']}/tokens"))["jwt"]
    async with open_sandbox(place, seed=False, clock=clock) as sandbox:
        _, claims = await verified(Client(sandbox), token)
        assert claims["sid"] == session["id"]


async def test_the_private_key_is_in_no_answer_and_in_no_log(clerk, caplog):
    caplog.set_level(logging.DEBUG)
    user = await clerk.post("/users", {"username": "adam"})
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    answers = [
        await clerk.get("/jwks"),
        await clerk.post(f"/sessions/{session['id']}/tokens"),
        await clerk.post("/sign_in_tokens", {"user_id": user["id"]}),
    ]
    (kept,) = await kept_keys(clerk)
    parts = [line for line in kept["private_key"].splitlines() if "-" not in line]
    assert not [line for line in parts if line in str(answers) + caplog.text]
    assert not {"d", "p", "q"} & set(answers[0]["keys"][0])


async def test_live_instances_create_no_sessions(clerk, monkeypatch):
    store = clerk.sandbox.store
    ((key, instance),) = store.by_key.items()
    live = dataclasses.replace(instance, secret_key="sk_live_example")
    monkeypatch.setitem(store.by_key, key, live)
    user = await clerk.post("/users", {"username": "adam"})
    refused = await clerk.refused("POST", "/sessions", json={"user_id": user["id"]})
    assert refused == (400, "request_invalid_for_environment", None)


async def test_a_client_is_known_by_its_sessions(clerk, clock):
    user = await clerk.post("/users", {"username": "adam"})
    old = await sign_in(clerk, user["id"], ago=HOUR)
    new = await sign_in(clerk, user["id"], status="revoked")
    clock.advance(5)
    other = await clerk.post("/sessions", {"user_id": user["id"]})
    client = await clerk.get("/clients/client_a")
    assert client["session_ids"] == [old["id"], new["id"]]
    assert client["last_active_session_id"] == old["id"]
    assert [item["id"] for item in await clerk.get("/clients")] == [other["client_id"], "client_a"]
    page = await clerk.get("/clients", {"paginated": "true", "limit": 1, "offset": 1})
    assert ([item["id"] for item in page["data"]], page["total_count"]) == (["client_a"], 2)
    token = (await clerk.post(f"/sessions/{old['id']}/tokens"))["jwt"]
    assert await clerk.post("/clients/verify", {"token": token}) == client


async def test_a_sign_in_token_is_shown_once_and_leads_to_the_instance(clerk, clock):
    user = await clerk.post("/users", {"username": "adam"})
    made = await clerk.post("/sign_in_tokens", {"user_id": user["id"], "expires_in_seconds": 90})
    _, claims = await verified(clerk, made["token"])
    assert (claims["sid"], claims["st"]) == (made["id"], "sign_in_token")
    assert claims["exp"] == clock.now() // 1000 + 90
    assert made["url"] == f"{ISSUER}/v1/tickets/accept?ticket={made['token']}"
    revoked = await clerk.post(f"/sign_in_tokens/{made['id']}/revoke")
    assert revoked == {
        "object": "sign_in_token",
        "id": made["id"],
        "status": "revoked",
        "user_id": user["id"],
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


async def test_an_actor_token_names_its_actor(clerk, clock):
    user = await clerk.post("/users", {"username": "adam"})
    actor = {"sub": "user_support", "reason": "a call"}
    made = await clerk.post("/actor_tokens", {"user_id": user["id"], "actor": actor})
    assert (made["actor"], made["status"]) == (actor, "pending")
    _, claims = await verified(clerk, made["token"])
    assert (claims["st"], claims["exp"]) == ("actor_token", clock.now() // 1000 + 3600)


async def test_a_testing_token_is_good_for_an_hour(clerk, clock):
    made = await clerk.post("/testing_tokens")
    assert made["expires_at"] == clock.now() // 1000 + 3600
    assert re.fullmatch(rf"{clock.now() // 1000}-c_[\w-]{{40}}", made["token"])


async def test_a_rotated_secret_is_a_new_one(clerk, clock):
    made = await clerk.post("/oauth_applications", {"name": "Desk"})
    clock.advance(5)
    place = f"/oauth_applications/{made['id']}"
    rotated = await clerk.post(f"{place}/rotate_secret")
    assert rotated["client_secret"] != made["client_secret"]
    assert rotated["updated_at"] == clock.now()
    assert "client_secret" not in await clerk.get(place)


async def test_deleting_an_organization_takes_its_sign_in_tokens_along(clerk):
    user = await clerk.post("/users", {"username": "adam"})
    team = await clerk.post("/organizations", {"name": "Team", "created_by": user["id"]})
    made = await clerk.post("/sign_in_tokens", {"user_id": user["id"], "org_id": team["id"]})
    await clerk.delete(f"/organizations/{team['id']}")
    refused = await clerk.refused("POST", f"/sign_in_tokens/{made['id']}/revoke")
    assert refused == (404, "resource_not_found", None)
