"""Sessions over HTTP: listing them, and how they end."""

import pytest

from deskclerk.sandbox.http.call import Call
from tests.sandbox.rows import HOUR, sign_in

pytestmark = pytest.mark.anyio


@pytest.fixture
async def user(clerk):
    return await clerk.post("/users", {"username": "adam"})


@pytest.fixture
def told(monkeypatch):
    """The events that calls tell webhooks."""
    events = []
    emit = Call.emit

    def listen(call, kind, data):
        emit(call, kind, data)
        events.append(call.events[-1])

    monkeypatch.setattr(Call, "emit", listen)
    return events


async def other(clerk):
    return await clerk.post("/users", {"username": "beth"})


async def statuses(clerk, user):
    return [item["status"] for item in await clerk.get("/sessions", {"user_id": user["id"]})]


async def test_sessions_come_newest_first_for_a_user_or_a_client(clerk, user):
    beth = await other(clerk)
    old = await sign_in(clerk, user["id"], ago=2 * HOUR)
    new = await sign_in(clerk, user["id"], ago=HOUR, client_id="client_b")
    theirs = await sign_in(clerk, beth["id"])

    async def ids(**query):
        return [item["id"] for item in await clerk.get("/sessions", query)]

    assert await ids() == [theirs["id"], new["id"], old["id"]]
    assert await ids(user_id=user["id"]) == [new["id"], old["id"]]
    assert await ids(client_id="client_b") == [new["id"]]
    assert await ids(user_id=user["id"], limit=1, offset=1) == [old["id"]]
    assert await ids(user_id="user_none") == []


async def test_a_paginated_list_says_how_many_there_are(clerk, user):
    for _ in range(3):
        await sign_in(clerk, user["id"])
    answer = await clerk.get("/sessions", {"paginated": "true", "limit": 2})
    assert (len(answer["data"]), answer["total_count"]) == (2, 3)
    assert len(await clerk.get("/sessions", {"paginated": "false"})) == 3


async def test_a_session_expires_by_the_clock(clerk, clock, user):
    session = await sign_in(clerk, user["id"], lasts=HOUR)
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "active"
    clock.advance(HOUR)
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "expired"
    assert await clerk.get("/sessions", {"status": "active"}) == []
    assert len(await clerk.get("/sessions", {"status": "expired"})) == 1


async def test_a_session_long_unused_is_abandoned(clerk, clock, user):
    session = await sign_in(clerk, user["id"], lasts=365 * 24 * HOUR)
    clock.advance(30 * 24 * HOUR)
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "abandoned"
    assert len(await clerk.get("/sessions", {"status": "abandoned"})) == 1


async def test_a_revoked_session_stays_revoked(clerk, clock, user):
    session = await sign_in(clerk, user["id"])
    clock.advance(5)
    revoked = await clerk.post(f"/sessions/{session['id']}/revoke")
    assert (revoked["status"], revoked["updated_at"]) == ("revoked", clock.now())
    clock.advance(5)
    assert await clerk.post(f"/sessions/{session['id']}/revoke", {}) == revoked


async def test_revoking_an_ended_session_changes_nothing(clerk, user):
    session = await sign_in(clerk, user["id"], status="ended")
    assert (await clerk.post(f"/sessions/{session['id']}/revoke"))["status"] == "ended"


async def test_an_unknown_status_is_refused(clerk):
    refused = await clerk.refused("GET", "/sessions", params={"status": "asleep"})
    assert refused == (422, "form_param_value_invalid", "status")


async def test_banning_a_user_revokes_every_active_session_of_that_user(clerk, user):
    beth = await other(clerk)
    for status in ("active", "ended", "active"):
        await sign_in(clerk, user["id"], status=status)
    await sign_in(clerk, beth["id"])
    await clerk.post(f"/users/{user['id']}/ban")
    assert sorted(await statuses(clerk, user)) == ["ended", "revoked", "revoked"]
    assert await statuses(clerk, beth) == ["active"]
    await clerk.post(f"/users/{user['id']}/unban")
    assert "active" not in await statuses(clerk, user)


async def test_locking_a_user_leaves_sessions_alone(clerk, user):
    await sign_in(clerk, user["id"])
    await clerk.post(f"/users/{user['id']}/lock")
    assert await statuses(clerk, user) == ["active"]


async def test_a_new_password_can_sign_out_of_all_sessions(clerk, user):
    await sign_in(clerk, user["id"])
    path = f"/users/{user['id']}"
    await clerk.patch(path, {"first_name": "Adam", "sign_out_of_other_sessions": True})
    assert await statuses(clerk, user) == ["active"]
    await clerk.patch(path, {"password": "correct horse battery", "sign_out_of_other_sessions": True})
    assert await statuses(clerk, user) == ["revoked"]


async def test_deleting_a_user_deletes_the_sessions(clerk, user):
    session = await sign_in(clerk, user["id"])
    await clerk.delete(f"/users/{user['id']}")
    assert await clerk.refused("GET", f"/sessions/{session['id']}") == (404, "resource_not_found", None)


async def test_webhooks_are_told_of_sessions_that_begin_and_that_are_revoked(clerk, told, user):
    session = await clerk.post("/sessions", {"user_id": user["id"]})
    other = await sign_in(clerk, user["id"])
    await clerk.post(f"/sessions/{session['id']}/revoke")
    await clerk.post(f"/sessions/{session['id']}/revoke")
    await clerk.post(f"/users/{user['id']}/ban")
    mine = [event for event in told if event.type.startswith("session.")]
    assert [(event.type, event.data["id"], event.data["status"]) for event in mine] == [
        ("session.created", session["id"], "active"),
        ("session.revoked", session["id"], "revoked"),
        ("session.revoked", other["id"], "revoked"),
    ]
    assert [event.data["user"]["id"] for event in mine] == [user["id"]] * 3
    assert set(mine[0].data) == set(session) - {"tasks"} | {"user"}
