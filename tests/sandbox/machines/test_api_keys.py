"""API keys: whose they are, when they are good, and when their secrets are shown."""

import re

import pytest

pytestmark = pytest.mark.anyio

UNKNOWN = (404, "resource_not_found", None)


async def user(clerk, name="ada"):
    return (await clerk.post("/users", {"email_address": [f"{name}@example.com"]}))["id"]


async def key(clerk, subject, name="Reports", **more):
    return await clerk.post("/api_keys", {"name": name, "subject": subject, **more})


async def names(clerk, subject, **query):
    listed = await clerk.get("/api_keys", {"subject": subject, **query})
    assert listed["total_count"] >= len(listed["data"])
    return [item["name"] for item in listed["data"]]


async def verified(clerk, secret):
    return await clerk.post("/api_keys/verify", {"secret": secret})


async def unverified(clerk, secret):
    return await clerk.refused("POST", "/api_keys/verify", json={"secret": secret}) == UNKNOWN


async def test_a_secret_is_shown_when_it_is_made_and_where_it_is_asked_for(clerk):
    ada = await user(clerk)
    made = await key(clerk, ada, claims={"a": [1, None]}, scopes=["read"], description="For the report")
    secret = made.pop("secret")
    assert re.fullmatch("ak_[0-9a-f]{32}", made["id"])
    assert re.fullmatch("ak_[0-9A-Za-z]{40}", secret)
    assert await clerk.get(f"/api_keys/{made['id']}") == made
    assert (await clerk.get("/api_keys", {"subject": ada}))["data"] == [made]
    assert await clerk.get(f"/api_keys/{made['id']}/secret") == {"secret": secret}


async def test_a_good_secret_is_verified_and_its_use_is_noted(clerk, clock):
    made = await key(clerk, await user(clerk))
    secret = made.pop("secret")
    assert made["last_used_at"] is None
    clock.advance(5000)
    assert await verified(clerk, secret) == made | {"last_used_at": clock.now()}
    assert await clerk.get(f"/api_keys/{made['id']}") == made | {"last_used_at": clock.now()}
    assert await unverified(clerk, secret[:-1])
    assert await unverified(clerk, made["id"])


async def test_a_revoked_key_verifies_no_more(clerk):
    made = await key(clerk, await user(clerk))
    place = f"/api_keys/{made['id']}"
    revoked = await clerk.post(f"{place}/revoke", {"revocation_reason": "Lost"})
    assert (revoked["revoked"], revoked["revocation_reason"]) == (True, "Lost")
    assert await unverified(clerk, made["secret"])
    assert await clerk.post(f"{place}/revoke", {"revocation_reason": "Found"}) == revoked


async def test_an_expired_key_verifies_no_more_until_it_is_given_more_time(clerk, clock):
    made = await key(clerk, await user(clerk), seconds_until_expiration=1.5)
    assert (made["expired"], made["expiration"]) == (False, clock.now() + 1500)
    clock.advance(1499)
    await verified(clerk, made["secret"])
    clock.advance(1)
    assert await unverified(clerk, made["secret"])
    place = f"/api_keys/{made['id']}"
    assert (await clerk.get(place))["expired"] is True
    assert (await clerk.patch(place, {"seconds_until_expiration": None}))["expiration"] is None
    assert (await verified(clerk, made["secret"]))["expired"] is False


async def test_a_deleted_key_verifies_no_more_and_is_not_there(clerk):
    made = await key(clerk, await user(clerk))
    place = f"/api_keys/{made['id']}"
    assert await clerk.delete(place) == {"object": "api_key", "id": made["id"], "deleted": True}
    assert await unverified(clerk, made["secret"])
    assert await clerk.refused("GET", place) == UNKNOWN


async def test_only_good_keys_of_a_subject_are_listed_unless_others_are_asked_for(clerk, clock):
    ada, grace = await user(clerk), await user(clerk, "grace")
    await key(clerk, grace, "Hers")
    for name, more in (("Good", {}), ("Short", {"seconds_until_expiration": 5}), ("Lost", {})):
        made = await key(clerk, ada, name, **more)
        clock.advance(1000)
    await clerk.post(f"/api_keys/{made['id']}/revoke", {})
    await key(clerk, ada, "Other", type="reporting")
    assert await names(clerk, ada) == ["Short", "Good"]
    clock.advance(5000)
    assert await names(clerk, ada) == ["Good"]
    assert await names(clerk, ada, include_invalid="true") == ["Lost", "Short", "Good"]
    assert await names(clerk, ada, include_invalid="true", limit=1, offset=1) == ["Short"]
    assert await names(clerk, ada, include_invalid="true", query="O") == ["Lost", "Short", "Good"]
    assert await names(clerk, ada, query="%") == []
    assert await names(clerk, ada, type="reporting") == ["Other"]


async def test_a_name_is_one_good_keys_of_a_subject(clerk):
    ada, grace = await user(clerk), await user(clerk, "grace")
    made, hers = await key(clerk, ada), await key(clerk, grace)
    body = {"name": "Reports", "subject": ada}
    assert await clerk.refused("POST", "/api_keys", json=body) == (409, "conflict", "name")
    theirs = f"/api_keys/{hers['id']}"
    assert await clerk.refused("PATCH", theirs, json={"subject": ada}) == (409, "conflict", "name")
    await clerk.post(f"/api_keys/{made['id']}/revoke", {})
    await clerk.post("/api_keys", body)


async def test_a_key_may_be_given_to_another_subject(clerk):
    ada = await user(clerk)
    team = (await clerk.post("/organizations", {"name": "Team"}))["id"]
    made = await key(clerk, ada)
    assert (await clerk.patch(f"/api_keys/{made['id']}", {"subject": team}))["subject"] == team
    assert (await names(clerk, ada), await names(clerk, team)) == ([], ["Reports"])
    unchanged = await clerk.patch(f"/api_keys/{made['id']}", {"subject": team})
    assert unchanged["subject"] == team


async def test_a_change_leaves_what_it_does_not_name_and_null_takes_away(clerk):
    made = await key(clerk, await user(clerk), claims={"a": 1}, scopes=["read"], description="For the report")
    place = f"/api_keys/{made['id']}"
    assert (await clerk.patch(place, {"scopes": []}))["claims"] == {"a": 1}
    changed = await clerk.patch(place, {"claims": None, "description": None})
    assert (changed["claims"], changed["description"], changed["scopes"]) == (None, None, [])


async def test_keys_go_with_their_subject_and_stay_without_who_made_them(clerk):
    ada, grace = await user(clerk), await user(clerk, "grace")
    team = (await clerk.post("/organizations", {"name": "Team"}))["id"]
    node = (await clerk.post("/machines", {"name": "Node"}))["id"]
    theirs = await key(clerk, grace, created_by=ada)
    gone = [await key(clerk, subject) for subject in (ada, team, node)]
    for path in (f"/users/{ada}", f"/organizations/{team}", f"/machines/{node}"):
        await clerk.delete(path)
    for made in gone:
        assert await unverified(clerk, made["secret"])
    assert (await verified(clerk, theirs["secret"]))["created_by"] is None


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "Reports "}, "name"),
        ({"subject": "sess_1"}, "subject"),
        ({"subject": "user_none"}, "subject"),
        ({"subject": "scim_none"}, "subject"),
        ({"created_by": "user_none"}, "created_by"),
        ({"seconds_until_expiration": 0}, "seconds_until_expiration"),
        ({"seconds_until_expiration": True}, "seconds_until_expiration"),
        ({"seconds_until_expiration": 315_360_001}, "seconds_until_expiration"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_what_is_wrong_has_one_code_here(clerk, wrong, param):
    body = {"name": "Reports", "subject": await user(clerk), **wrong}
    assert await clerk.refused("POST", "/api_keys", json=body) == (400, "bad_request", param)


async def test_keys_of_another_instance_are_not_there(clerk, stranger):
    ada = await user(clerk)
    made = await key(clerk, ada)
    place = f"/api_keys/{made['id']}"
    for method, end in (("GET", ""), ("GET", "/secret"), ("DELETE", "")):
        assert await stranger.refused(method, f"{place}{end}") == UNKNOWN
    for method, end in (("PATCH", ""), ("POST", "/revoke")):
        assert await stranger.refused(method, f"{place}{end}", json={}) == UNKNOWN
    assert await unverified(stranger, made["secret"])
    assert await stranger.refused("GET", "/api_keys", params={"subject": ada}) == UNKNOWN
    body = {"name": "Theirs", "subject": ada}
    assert (await stranger.refused("POST", "/api_keys", json=body))[:2] == (400, "bad_request")
    assert await names(clerk, ada) == ["Reports"]
