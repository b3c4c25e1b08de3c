"""M2M tokens: who makes them, who may verify them, when one is given again, and JWTs."""

import re

import pytest

from tests.sandbox.tokens.reading import ISSUER, verified

pytestmark = pytest.mark.anyio

UNKNOWN = (404, "resource_not_found", None)
TOKENS, VERIFY = "/m2m_tokens", "/m2m_tokens/verify"


async def machine(clerk, name, *others, **more):
    return await clerk.post("/machines", {"name": name, "scoped_machines": list(others), **more})


def by(machine):
    return {"Authorization": f"Bearer {machine['secret_key']}"}


async def token(clerk, machine, **body):
    status, answer = await clerk.ask("POST", TOKENS, json=body, headers=by(machine))
    assert status == 201, answer
    return answer


async def is_good(clerk, token, machine=None):
    """Whether a machine, or who has the instance's key, may take the token for good."""
    options = {"headers": by(machine)} if machine else {}
    status, answer = await clerk.ask("POST", VERIFY, json={"token": token["token"]}, **options)
    assert status in (200, 404), answer
    return status == 200


@pytest.fixture
async def files(clerk):
    return await machine(clerk, "Files")


@pytest.fixture
async def mail(clerk, files):
    """A machine that may call `files`."""
    return await machine(clerk, "Mail", files["id"], default_token_ttl=60)


async def test_a_token_is_shown_where_it_is_made_and_nowhere_else(clerk, mail, files, clock):
    made = await token(clerk, mail, claims={"job": [1, None]})
    secret = made.pop("token")
    assert re.fullmatch("mt_[0-9a-f]{32}", made["id"])
    assert re.fullmatch("mt_[0-9A-Za-z]{40}", secret)
    assert (made["subject"], made["scopes"], made["claims"]) == (
        mail["id"],
        [files["id"]],
        {"job": [1, None]},
    )
    assert made["expiration"] == clock.now() + 60_000
    assert await clerk.get(TOKENS, {"subject": mail["id"]}) == {"m2m_tokens": [made], "total_count": 1}
    clock.advance(1000)
    used = await clerk.post(VERIFY, {"token": secret})
    assert used == made | {"last_used_at": clock.now()}


async def test_only_a_machine_makes_tokens(clerk, mail):
    assert await clerk.refused("POST", TOKENS, json={}) == (401, "clerk_key_invalid", None)
    for header in ("Bearer ak_none", f"Bearer {mail['secret_key']}x"):
        refused = await clerk.refused("POST", TOKENS, json={}, headers={"Authorization": header})
        assert refused == (401, "clerk_key_invalid", None)
    basic = {"Authorization": f"Basic {mail['secret_key']}"}
    assert (await clerk.refused("POST", TOKENS, json={}, headers=basic))[1] == (
        "authorization_header_format_invalid"
    )


@pytest.mark.parametrize("path", ["/users", "/machines", "/m2m_tokensx", "/api_keys?subject=user_1"])
async def test_a_machines_key_opens_nothing_but_the_routes_of_tokens(clerk, mail, path):
    assert await clerk.refused("GET", path, headers=by(mail)) == (401, "clerk_key_invalid", None)


async def test_a_replaced_key_makes_tokens_for_as_long_as_it_holds(clerk, mail, clock):
    path = f"/machines/{mail['id']}/secret_key/rotate"
    secret = (await clerk.post(path, {"previous_token_ttl": 5}))["secret"]
    await token(clerk, mail)
    clock.advance(5000)
    refused = await clerk.refused("POST", TOKENS, json={}, headers=by(mail))
    assert refused == (401, "clerk_key_invalid", None)
    renewed = {**mail, "secret_key": secret}
    await token(clerk, renewed)
    await clerk.post(path, {"previous_token_ttl": 0})
    assert (await clerk.refused("POST", TOKENS, json={}, headers=by(renewed)))[0] == 401


async def test_a_deleted_machine_makes_no_tokens_and_its_own_are_worthless(clerk, mail, files):
    kinds = [await token(clerk, mail), await token(clerk, mail, token_format="jwt")]
    await clerk.delete(f"/machines/{mail['id']}")
    assert (await clerk.refused("POST", TOKENS, json={}, headers=by(mail)))[0] == 401
    assert [await is_good(clerk, made, files) for made in kinds] == [False, False]


@pytest.mark.parametrize("form", ["opaque", "jwt"])
async def test_a_token_is_good_for_the_machines_that_its_own_may_call(clerk, mail, files, form):
    third = await machine(clerk, "Third")
    made = await token(clerk, mail, token_format=form)
    verdicts = [await is_good(clerk, made, who) for who in (None, files, mail, third)]
    assert verdicts == [True, True, False, False]
    back = await token(clerk, files, token_format=form)
    assert not await is_good(clerk, back, mail)


async def test_an_opaque_token_keeps_the_scopes_that_it_was_made_with(clerk, mail, files):
    before = await token(clerk, files)
    await clerk.post(f"/machines/{files['id']}/scopes", {"to_machine_id": mail["id"]})
    assert not await is_good(clerk, before, mail)
    after = await token(clerk, files)
    await clerk.delete(f"/machines/{files['id']}/scopes/{mail['id']}")
    assert await is_good(clerk, after, mail)


@pytest.mark.parametrize("form", ["opaque", "jwt"])
async def test_an_expired_token_is_worthless(clerk, mail, clock, form):
    made = await token(clerk, mail, token_format=form, seconds_until_expiration=30)
    clock.advance(29_999)
    assert await is_good(clerk, made)
    clock.advance(1)
    assert not await is_good(clerk, made)


async def test_a_revoked_token_is_worthless_and_keeps_its_first_reason(clerk, mail, files):
    made = await token(clerk, mail)
    path = f"{TOKENS}/{made['id']}/revoke"
    assert await clerk.refused("POST", path, json={}, headers=by(files)) == UNKNOWN
    assert await is_good(clerk, made)
    revoked = await clerk.post(path, {"revocation_reason": "Lost"})
    assert (revoked["revoked"], revoked["revocation_reason"]) == (True, "Lost")
    assert await clerk.post(path, {"revocation_reason": "Found"}) == revoked
    assert not await is_good(clerk, made)
    own = await token(clerk, mail)
    status, answer = await clerk.ask("POST", f"{TOKENS}/{own['id']}/revoke", json={}, headers=by(mail))
    assert (status, answer["revoked"], answer["revocation_reason"]) == (200, True, None)


async def test_only_good_tokens_of_a_machine_are_listed_unless_others_are_asked_for(
    clerk, mail, files, clock
):
    made = []
    for seconds in (5, 100, 200):
        made.append((await token(clerk, mail, seconds_until_expiration=seconds))["id"])
        clock.advance(2000)
    short, lost, good = made
    await clerk.post(f"{TOKENS}/{lost}/revoke", {})
    await token(clerk, files)
    await token(clerk, mail, token_format="jwt")

    async def listed(**query):
        answer = await clerk.get(TOKENS, {"subject": mail["id"], **query})
        return [item["id"] for item in answer["m2m_tokens"]], answer["total_count"]

    assert await listed() == ([good], 1)
    assert await listed(revoked="true") == ([good, lost], 2)
    assert await listed(expired="true") == ([good, short], 2)
    assert await listed(revoked="true", expired="true") == ([good, lost, short], 3)
    assert await listed(revoked="true", expired="true", limit=1, offset=2) == ([short], 3)


@pytest.mark.parametrize("path", [TOKENS, "/api_keys"])
async def test_a_page_is_a_whole_number_also_where_it_is_written_with_a_fraction(clerk, mail, path):
    page = {"subject": mail["id"], "limit": "10.0", "offset": "0.0"}
    assert (await clerk.get(path, page))["total_count"] == 0
    for wrong in ({"limit": "1.5"}, {"limit": "0.0"}, {"limit": "1e1"}, {"offset": "9" * 30}):
        name = next(iter(wrong))
        assert await clerk.refused("GET", path, params=page | wrong) == (400, "bad_request", name)


async def test_a_machine_lists_its_own_tokens_alone(clerk, mail, files):
    query = {"subject": mail["id"]}
    status, answer = await clerk.ask("GET", TOKENS, params=query, headers=by(mail))
    assert (status, answer["total_count"]) == (200, 0)
    refused = await clerk.refused("GET", TOKENS, params=query, headers=by(files))
    assert refused == (403, "authorization_invalid", None)


async def test_a_token_with_enough_life_left_is_given_again(clerk, mail, clock):
    async def again(**body):
        return await token(clerk, mail, min_remaining_ttl_seconds=40, **body)

    first = await token(clerk, mail, claims={"b": 1, "a": 2})
    clock.advance(20_000)
    assert await again(claims={"a": 2, "b": 1}) == first
    others = [await again(**body) for body in ({}, {"claims": {"b": True, "a": 2}}, {"token_format": "jwt"})]
    assert len({made["id"] for made in (first, *others)}) == 4
    clock.advance(1)
    second = await again(claims={"a": 2, "b": 1})
    assert second["id"] != first["id"]
    await clerk.post(f"{TOKENS}/{second['id']}/revoke", {})
    assert (await again(claims={"a": 2, "b": 1}))["id"] not in (first["id"], second["id"])


async def test_a_token_with_other_scopes_or_of_another_machine_is_not_given_again(clerk, mail, files):
    body = {"min_remaining_ttl_seconds": 1}
    first = await token(clerk, mail, **body)
    twin = await machine(clerk, "Twin", files["id"])
    assert (await token(clerk, twin, **body))["id"] != first["id"]
    await clerk.post(f"/machines/{mail['id']}/scopes", {"to_machine_id": twin["id"]})
    second = await token(clerk, mail, **body)
    assert (second["id"] != first["id"], len(second["scopes"])) == (True, 2)
    assert await token(clerk, mail, **body) == second


@pytest.mark.parametrize("more", [{}, {"seconds_until_expiration": 60}])
async def test_no_life_is_asked_for_that_no_new_token_would_have(clerk, mail, more):
    body = {"min_remaining_ttl_seconds": 60, **more}
    refused = await clerk.refused("POST", TOKENS, json=body, headers=by(mail))
    assert refused == (400, "bad_request", "min_remaining_ttl_seconds")
    await token(clerk, mail, min_remaining_ttl_seconds=60, seconds_until_expiration=61)


async def test_a_jwt_is_signed_with_the_instances_key_and_says_whose_it_is(clerk, mail, files, clock):
    made = await token(clerk, mail, token_format="jwt", claims={"job": {"id": 7}, "ok": True})
    header, claims = await verified(clerk, made["token"])
    assert (header["cat"], header["kid"]) == ("cl_B7d4PD333AAA", mail["instance_id"])
    now = clock.now() // 1000
    assert claims == {
        "job": {"id": 7},
        "ok": True,
        "exp": now + 60,
        "iat": now,
        "iss": ISSUER,
        "jti": made["id"],
        "nbf": now - 10,
        "sub": mail["id"],
    }
    answer = await clerk.post(VERIFY, {"token": made.pop("token")})
    assert answer == made
    assert (answer["scopes"], answer["last_used_at"]) == ([files["id"]], None)


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "jti", "nbf", "sub"])
async def test_a_jwt_takes_no_claim_that_clerk_sets_itself(clerk, mail, claim):
    body = {"claims": {claim: "mine"}}
    jwt = body | {"token_format": "jwt"}
    refused = await clerk.refused("POST", TOKENS, json=jwt, headers=by(mail))
    assert refused == (400, "machine_token_reserved_claim", "claims")
    assert (await token(clerk, mail, **body))["claims"] == body["claims"]


async def test_a_jwt_is_not_kept_and_cannot_be_revoked(clerk, mail):
    made = await token(clerk, mail, token_format="jwt")
    assert await clerk.refused("POST", f"{TOKENS}/{made['id']}/revoke", json={}) == UNKNOWN
    assert await is_good(clerk, made)


async def test_a_token_that_is_no_machines_is_not_taken_for_one(clerk, mail):
    user = await clerk.post("/users", {"email_address": ["ada@example.com"]})
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    jwt = (await clerk.post(f"/sessions/{session['id']}/tokens"))["jwt"]
    for text in (jwt, jwt[:-4], "a.b.c", "", "mt_none", mail["secret_key"], "mt_é"):
        assert await clerk.refused("POST", VERIFY, json={"token": text}) == UNKNOWN


async def test_a_token_is_verified_by_its_older_name_too(clerk, mail):
    made = await token(clerk, mail)
    assert (await clerk.post(VERIFY, {"secret": made["token"]}))["id"] == made["id"]
    assert await clerk.refused("POST", VERIFY, json={}) == (400, "bad_request", "token")


async def test_tokens_and_api_keys_have_their_routes_without_a_version_too(clerk, mail, files):
    root = "http://sandbox.localhost"
    status, made = await clerk.ask("POST", f"{root}{TOKENS}", json={}, headers=by(mail))
    assert status == 201
    body = {"token": made["token"]}
    status, answer = await clerk.ask("POST", f"{root}{VERIFY}", json=body, headers=by(files))
    assert (status, answer["id"]) == (200, made["id"])
    body = {"name": "Of mail", "subject": mail["id"]}
    status, key = await clerk.ask("POST", f"{root}/api_keys", json=body)
    assert (status, await clerk.get(f"/api_keys/{key['id']}/secret")) == (200, {"secret": key["secret"]})
    assert await clerk.refused("GET", f"{root}/machines") == UNKNOWN


async def test_claims_that_are_nested_too_deeply_are_refused(clerk, mail):
    claims = {}
    for _ in range(100):
        claims = {"a": claims}
    refused = await clerk.refused("POST", TOKENS, json={"claims": claims}, headers=by(mail))
    assert refused == (400, "bad_request", "claims")


async def test_tokens_of_another_instance_are_not_there(clerk, stranger, mail):
    made = await token(clerk, mail)
    jwt = await token(clerk, mail, token_format="jwt")
    theirs = await machine(stranger, "Theirs")
    for who in (None, theirs):
        assert not await is_good(stranger, made, who)
        assert not await is_good(stranger, jwt, who)
    assert await stranger.refused("POST", f"{TOKENS}/{made['id']}/revoke", json={}) == UNKNOWN
    assert await stranger.refused("GET", TOKENS, params={"subject": mail["id"]}) == UNKNOWN
    assert (await token(stranger, theirs))["subject"] == theirs["id"]
    listed = await stranger.get(TOKENS, {"subject": theirs["id"]})
    assert listed["total_count"] == 1
