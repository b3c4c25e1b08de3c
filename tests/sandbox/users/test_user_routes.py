"""Users by their further routes: images, passwords, second factors, bulk bans, organizations."""

import bcrypt
import httpx2
import pytest

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.users.second_factors import totp
from tests.contract.user_journeys import PIXEL
from tests.sandbox.companies import join, organization, user
from tests.sandbox.rows import sign_in

pytestmark = pytest.mark.anyio
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def told(monkeypatch):
    """The types of all events, in their order."""
    types = []
    monkeypatch.setattr(Call, "emit", lambda self, kind, data: types.append(kind))
    return types


async def upload(clerk, user_id, content=PIXEL, kind="image/png"):
    files = {"file": ("me", content, kind)}
    return await clerk.ask("POST", f"/users/{user_id}/profile_image", files=files)


async def fetch(clerk, url):
    """As a browser does: without a key."""
    transport = httpx2.ASGITransport(app=clerk.sandbox.app)
    async with httpx2.AsyncClient(transport=transport) as browser:
        return await browser.get(url)


async def test_an_image_is_shown_at_its_address_until_it_is_replaced_or_deleted(clerk):
    ada = await user(clerk)
    status, shown = await upload(clerk, ada)
    assert (status, shown["has_image"]) == (200, True)
    answer = await fetch(clerk, shown["image_url"])
    assert (answer.content, answer.headers["content-type"]) == (PIXEL, "image/png")
    _, other = await upload(clerk, ada, PIXEL + b"more")
    assert (await fetch(clerk, shown["image_url"])).status_code == 404
    assert (await fetch(clerk, other["image_url"])).content == PIXEL + b"more"
    bare = await clerk.delete(f"/users/{ada}/profile_image")
    assert (bare["has_image"], (await fetch(clerk, other["image_url"])).status_code) == (False, 404)


async def test_the_image_of_a_deleted_user_is_gone(clerk):
    ada = await user(clerk)
    _, shown = await upload(clerk, ada)
    await clerk.delete(f"/users/{ada}")
    assert (await fetch(clerk, shown["image_url"])).status_code == 404


async def test_a_members_image_is_the_users(clerk):
    ada, acme = await user(clerk), await organization(clerk)
    _, shown = await upload(clerk, ada)
    assert (await join(clerk, acme, ada))["public_user_data"]["image_url"] == shown["image_url"]


@pytest.mark.parametrize(
    ("content", "kind", "refused"),
    [
        (b"<svg/>", "image/svg+xml", (422, "form_param_format_invalid")),
        (b"", "image/png", (400, "form_param_missing")),
        (PIXEL + bytes(10 * 2**20), "image/png", (413, "image_too_large")),
        (PIXEL + bytes(11 * 2**20), "image/png", (413, "image_too_large")),
    ],
    ids=["no image", "empty", "too large", "much too large"],
)
async def test_what_is_no_image_is_refused(clerk, content, kind, refused):
    status, answer = await upload(clerk, await user(clerk), content, kind)
    assert (status, answer["errors"][0]["code"]) == refused


async def test_a_password_and_an_imported_digest_verify(clerk):
    digest = bcrypt.hashpw(b"an old password", bcrypt.gensalt(4)).decode()
    old = await user(clerk, "old", password_digest=digest, password_hasher="bcrypt")
    new = await user(clerk, "new", password="a new password")
    for user_id, password in ((old, "an old password"), (new, "a new password")):
        path = f"/users/{user_id}/verify_password"
        assert await clerk.post(path, {"password": password}) == {"verified": True}
        refused = await clerk.refused("POST", path, json={"password": password + "!"})
        assert refused == (422, "incorrect_password", None)


async def test_a_password_is_removed_and_sessions_end_only_when_asked(clerk, told):
    ada = await user(clerk, password="a new password")
    session = await sign_in(clerk, ada)
    told.clear()
    assert (await clerk.post(f"/users/{ada}/remove_password"))["password_enabled"] is False
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "active"
    await clerk.post(f"/users/{ada}/remove_password", {"sign_out_of_other_sessions": True})
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "revoked"
    assert told.count("user.updated") == 1


async def test_a_compromised_password_may_end_all_sessions(clerk):
    ada = await user(clerk, password="a new password")
    session = await sign_in(clerk, ada)
    await clerk.post(f"/users/{ada}/password/set_compromised", {"revoke_all_sessions": True})
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "revoked"


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(now, code):
    assert totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now * 1000) == code


async def test_an_authenticators_code_is_good_for_a_minute_and_a_half(clerk, clock):
    path = f"/users/{await user(clerk, totp_secret=SECRET)}/verify_totp"
    code = totp(SECRET, clock.now())
    assert await clerk.post(path, {"code": code}) == {"verified": True, "code_type": "totp"}
    clock.advance(90_000)
    assert await clerk.refused("POST", path, json={"code": code}) == (422, "totp_incorrect_code", None)
    assert await clerk.refused("POST", path, json={"code": "1"}) == (422, "totp_invalid_length", None)


async def test_a_backup_code_plain_or_as_a_digest_is_good_once(clerk):
    digest = bcrypt.hashpw(b"second", bcrypt.gensalt(4)).decode()
    ada = await user(clerk, totp_secret=SECRET, backup_codes=["first", digest])
    path = f"/users/{ada}/verify_totp"
    for code in ("first", "second"):
        assert (await clerk.post(path, {"code": code}))["code_type"] == "backup_code"
        assert (await clerk.ask("POST", path, json={"code": code}))[0] == 422
    assert (await clerk.get(f"/users/{ada}"))["backup_code_enabled"] is False


@pytest.mark.parametrize("end", ["mfa", "totp"])
async def test_without_second_factors_there_are_no_backup_codes(clerk, clock, end):
    ada = await user(clerk, totp_secret=SECRET, backup_codes=["first"])
    assert await clerk.delete(f"/users/{ada}/{end}") == {"user_id": ada}
    after = await clerk.get(f"/users/{ada}")
    assert {after[f"{name}_enabled"] for name in ("totp", "two_factor", "backup_code")} == {False}
    assert after["mfa_disabled_at"] == clock.now()


async def test_bulk_bans_are_all_or_none(clerk):
    ids = [await user(clerk, name) for name in ("ada", "bob")]
    refused = await clerk.refused("POST", "/users/ban", json={"user_ids": [ids[0], "user_none"]})
    assert refused == (404, "resource_not_found", None)
    assert await clerk.get("/users", {"banned": "true"}) == []
    session = await sign_in(clerk, ids[0])
    banned = await clerk.post("/users/ban", {"user_ids": ids[::-1]})
    assert [(item["id"], item["banned"]) for item in banned] == [(key, True) for key in ids[::-1]]
    assert (await clerk.get(f"/sessions/{session['id']}"))["status"] == "revoked"
    assert [item["banned"] for item in await clerk.post("/users/unban", {"user_ids": ids})] == [False] * 2


async def test_a_users_memberships_and_invitations_are_listed(clerk):
    ada, acme, other = await user(clerk), await organization(clerk), await organization(clerk, "Other")
    await join(clerk, acme, ada)
    invited = await clerk.post(
        f"/organizations/{other}/invitations", {"email_address": "ada@example.com", "role": "org:member"}
    )
    found = await clerk.get(f"/users/{ada}/organization_memberships")
    assert (found["total_count"], found["data"][0]["organization"]["id"]) == (1, acme)
    found = await clerk.get(f"/users/{ada}/organization_invitations", {"status": "pending"})
    assert [item["id"] for item in found["data"]] == [invited["id"]]
    assert found["data"][0]["public_organization_data"]["name"] == "Other"
    gone = await clerk.get(f"/users/{ada}/organization_invitations", {"status": "revoked"})
    assert gone == {"data": [], "total_count": 0}


async def test_what_happens_to_users_is_told(clerk, told):
    ada = await user(clerk, totp_secret=SECRET)
    await clerk.patch(f"/users/{ada}", {"first_name": "Ada"})
    second = await clerk.post("/email_addresses", {"user_id": ada, "email_address": "b@example.com"})
    await clerk.delete(f"/email_addresses/{second['id']}")
    for end in ("ban", "unban", "lock", "unlock"):
        await clerk.post(f"/users/{ada}/{end}")
    await clerk.patch(f"/users/{ada}/metadata", {"public_metadata": {"a": 1}})
    await upload(clerk, ada)
    await clerk.delete(f"/users/{ada}/mfa")
    await clerk.delete(f"/users/{ada}")
    assert told == ["user.created", *["user.updated"] * 10, "user.deleted"]
