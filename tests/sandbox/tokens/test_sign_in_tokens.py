"""Sign-in tokens, actor tokens, testing tokens, rotated secrets, and the clients that sessions are on."""

import re

import pytest

from tests.sandbox.rows import HOUR, sign_in
from tests.sandbox.tokens.reading import ISSUER, verified

pytestmark = pytest.mark.anyio


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
