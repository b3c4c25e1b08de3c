"""Tokens of links to the portal for customers' administrators."""

import hashlib

import pytest

from deskclerk.sandbox.store.tables import admin_portal_link_tokens

pytestmark = pytest.mark.anyio

TOKENS = "/admin_portal_link_tokens"


async def make(clerk, **body):
    status, answer = await clerk.ask("POST", TOKENS, json=body)
    assert status == 201, answer
    return answer


async def test_a_token_is_shown_once_and_kept_as_its_digest(clerk):
    made = await make(clerk, scopes=["admin_portal:read"], it_contact_id="it@acme.example")
    assert len(made["token"]) == len("aplt_") + 32
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        (kept,) = (await connection.execute(admin_portal_link_tokens.select())).mappings().all()
    assert kept["token_digest"] == hashlib.sha256(made["token"].encode()).hexdigest()
    assert made["token"] not in str(kept)
    revoked = await clerk.post(f"{TOKENS}/{made['id']}/revoke", {})
    assert "token" not in revoked
    same = made.keys() - {"token", "revoked", "updated_at"}
    assert {name: revoked[name] for name in same} == {name: made[name] for name in same}


async def test_a_token_lasts_an_hour_unless_something_else_is_said(clerk, clock):
    for body, seconds in (({}, 3600), ({"seconds_until_expiration": 1}, 1)):
        made = await make(clerk, **body)
        assert (made["expiration"] - made["created_at"], made["expired"]) == (1000 * seconds, False)
    clock.advance(1000)
    assert (await clerk.post(f"{TOKENS}/{made['id']}/revoke", {}))["expired"]


@pytest.mark.parametrize("seconds", [0, -1, 86_401])
async def test_a_token_lasts_from_a_second_to_a_day(shared, seconds):
    refused = (422, "form_param_value_invalid", "seconds_until_expiration")
    assert await shared.refused("POST", TOKENS, json={"seconds_until_expiration": seconds}) == refused


async def test_what_is_revoked_stays_revoked_for_the_first_reason(clerk, clock):
    made = await make(clerk)
    place = f"{TOKENS}/{made['id']}/revoke"
    first = await clerk.post(place, {"revocation_reason": "Sent to the wrong person"})
    assert (first["revoked"], first["revocation_reason"]) == (True, "Sent to the wrong person")
    clock.advance(1000)
    assert await clerk.post(place, {"revocation_reason": "Another"}) == first


async def test_an_organization_has_one_link_and_every_token_is_for_one(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    other = await clerk.post("/organizations", {"name": "Other"})
    links = [
        (await make(clerk, **body))["admin_portal_link_id"]
        for body in 2 * [{"organization_id": team["id"]}, {"organization_id": other["id"]}, {}]
    ]
    assert links[:3] == links[3:]
    assert len(set(links)) == 3


async def test_tokens_go_with_their_organization(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    made = await make(clerk, organization_id=team["id"])
    await clerk.delete(f"/organizations/{team['id']}")
    refused = (404, "resource_not_found", None)
    assert await clerk.refused("POST", f"{TOKENS}/{made['id']}/revoke", json={}) == refused
    body = {"organization_id": team["id"]}
    assert await clerk.refused("POST", TOKENS, json=body) == (400, "bad_request", "organization_id")
