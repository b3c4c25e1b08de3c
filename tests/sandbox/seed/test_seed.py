"""The company in a new sandbox, as its routes show it."""

import pytest
from sqlalchemy import select

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users.password_digests import is_digest
from tests.sandbox.conftest import NOON, Client, ManualClock
from tests.sandbox.rows import HOUR

pytestmark = pytest.mark.anyio
DAY = 24 * HOUR


async def everyone(clerk):
    return await clerk.get("/users", {"limit": 500})


async def test_a_hundred_people_have_addresses_that_reach_nobody(company):
    people = await everyone(company)
    emails = [item["email_address"] for user in people for item in user["email_addresses"]]
    phones = [item["phone_number"] for user in people for item in user["phone_numbers"]]
    assert len(people) == 100
    assert {email.rpartition("@")[2] for email in emails} == {"example.com", "example.org"}
    assert all(email.isascii() and email.islower() for email in emails)
    assert all(phone.startswith("+1555") for phone in phones)
    assert len({(user["first_name"], user["last_name"]) for user in people}) == 100


async def test_some_are_banned_some_locked_and_some_never_came(company):
    people = await everyone(company)
    assert sum(user["banned"] for user in people) == 4
    assert sum(user["locked"] for user in people) == 3
    assert sum(user["last_sign_in_at"] is None for user in people) == 8
    assert all(user["created_at"] < (user["last_sign_in_at"] or NOON) <= NOON for user in people)


async def test_sessions_are_of_every_kind_and_none_active_of_the_banned(company):
    sessions = await company.get("/sessions", {"limit": 500})
    counts = {}
    for item in sessions:
        counts[item["status"]] = counts.get(item["status"], 0) + 1
    assert counts == {"active": 34, "ended": 10, "revoked": 8, "expired": 8}
    banned = await company.get("/users", {"banned": "true"})
    for user in banned:
        theirs = [item["status"] for item in sessions if item["user_id"] == user["id"]]
        assert theirs == ["revoked"]


async def test_one_organization_is_full_and_its_next_member_is_refused(company):
    answer = await company.get("/organizations", {"include_members_count": "true"})
    full = [item for item in answer["data"] if item["members_count"] == item["max_allowed_memberships"]]
    assert [item["name"] for item in full] == ["Quillworks"]
    assert answer["total_count"] == 6
    (newcomer,) = await company.get("/users", {"query": "aino.virtanen"})
    refused = await company.refused(
        "POST",
        f"/organizations/{full[0]['id']}/memberships",
        json={"user_id": newcomer["id"], "role": "org:member"},
    )
    assert refused[:2] == (403, "organization_membership_quota_exceeded")


@pytest.mark.parametrize(
    ("path", "total"),
    [
        ("/invitations?paginated=true", 8),
        ("/allowlist_identifiers?paginated=true", 3),
        ("/blocklist_identifiers", 4),
        ("/jwt_templates?paginated=true", 2),
        ("/domains", 2),
        ("/oauth_applications", 3),
    ],
)
async def test_there_is_something_of_every_kind(company, path, total):
    assert (await company.get(path))["total_count"] == total


async def test_some_have_passkeys_some_trusted_devices_and_all_of_google_have_tokens(company):
    people = await everyone(company)
    passkeys = [item["name"] for user in people for item in user["passkeys"]]
    assert sorted(passkeys) == ["Laptop", "Laptop", "Phone", "Security key"]
    devices = [(await company.get(f"/users/{user['id']}/trusted_devices"))["total_count"] for user in people]
    assert sorted(devices)[-3:] == [0, 1, 2]
    tokens = [
        await company.ask("GET", f"/users/{user['id']}/oauth_access_tokens/oauth_google")
        for user in people
        if user["external_accounts"]
    ]
    assert sorted(status for status, _ in tokens) == [200] * (len(tokens) - 2) + [400, 422]
    place = "/oauth_applications/access_tokens/verify"
    states = {}
    for name in ("good", "expired", "lasting", "revoked"):
        found = await company.post(place, {"access_token": f"oat_company_{name}"})
        states[name] = (found["revoked"], found["expired"])
    assert states == {
        "good": (False, False),
        "expired": (False, True),
        "lasting": (False, False),
        "revoked": (True, False),
    }


async def test_invitations_are_in_every_state(company):
    counts = {"pending": 4, "accepted": 3, "revoked": 2, "expired": 1}
    for status, count in counts.items():
        assert len(await company.get("/invitations", {"status": status})) == count


async def test_the_same_people_and_ids_are_in_every_new_sandbox(company, tmp_path):
    async with open_sandbox(tmp_path / "other.db", clock=ManualClock(NOON + 400 * DAY)) as sandbox:
        later = Client(sandbox)
        async with later.http:
            ids = [user["id"] for user in await everyone(later)]
            assert ids == [user["id"] for user in await everyone(company)]
            active = {"status": "active", "limit": 500}
            assert len(await later.get("/sessions", active)) == 34
            assert sum(user["locked"] for user in await everyone(later)) == 3
            mine = {item["id"] for item in await company.get("/sessions", active)}
            assert mine == {item["id"] for item in await later.get("/sessions", active)}


async def test_every_stored_digest_is_one_of_its_hasher(company):
    async with company.sandbox.store.transaction(reads=True) as connection:
        rows = (await connection.execute(select(users.c.password_digest, users.c.password_hasher))).all()
    assert all(is_digest(hasher, digest) for digest, hasher in rows if hasher)
