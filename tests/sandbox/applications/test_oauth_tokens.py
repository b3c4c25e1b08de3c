"""Tokens that OAuth applications hold, as seeds bring them."""

import re

import pytest

from deskclerk.errors import InvalidRequest
from deskclerk.sandbox.store.tables import metadata
from tests.sandbox.companies import user
from tests.sandbox.rows import beside, bring

pytestmark = pytest.mark.anyio

VERIFY = "/oauth_applications/access_tokens/verify"


async def application(clerk, name="Reports"):
    return await clerk.post("/oauth_applications", {"name": name, "scopes": "email profile"})


def token(owner, holder, text="oat_secret", **more):
    return {"oauth_application_id": holder["id"], "user_id": owner, "token": text, **more}


async def verified(clerk, text):
    return await clerk.post(VERIFY, {"access_token": text})


async def revoke(clerk, holder, text):
    return await clerk.http.post(f"/oauth_applications/{holder['id']}/revoke_token", json={"token": text})


async def test_a_token_tells_whose_it_is_and_is_kept_as_a_digest(clerk, clock):
    key, holder = await user(clerk), await application(clerk)
    await bring(clerk, oauth_access_tokens=[token(key, holder, refresh_token="ort_secret")])
    answer = await verified(clerk, "oat_secret")
    assert re.fullmatch("oat_[0-9a-f]{32}", answer.pop("id"))
    assert answer == {
        "object": "clerk_idp_oauth_access_token",
        "client_id": holder["client_id"],
        "subject": key,
        "scopes": ["email", "profile"],
        "revoked": False,
        "revocation_reason": None,
        "expired": False,
        "expiration": None,
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    assert (await clerk.post(VERIFY, {"secret": "oat_secret"}))["subject"] == key
    async with clerk.sandbox.store.database.reading() as connection:
        rows = [row for table in metadata.sorted_tables for row in await connection.execute(table.select())]
    assert "oat_secret" not in repr(rows)
    assert "ort_secret" not in repr(rows)


async def test_a_token_expires_by_the_sandboxs_clock(clerk, clock):
    key, holder = await user(clerk), await application(clerk)
    clock.time = 1_893_456_000_000 - 1
    entry = token(key, holder, expires_at="2030-01-01T00:00:00Z", scopes=["email"])
    await bring(clerk, oauth_access_tokens=[entry])
    before = await verified(clerk, "oat_secret")
    clock.advance(1)
    assert await verified(clerk, "oat_secret") == before | {"expired": True}
    assert (before["expired"], before["expiration"], before["scopes"]) == (False, clock.now(), ["email"])


@pytest.mark.parametrize("given", ["oat_one", "ort_one", "oat_two"])
async def test_either_token_revokes_all_of_its_grant_and_no_other(clerk, clock, given):
    key, holder = await user(clerk), await application(clerk)
    entries = [
        token(key, holder, "oat_one", refresh_token="ort_one", grant="a"),
        token(key, holder, "oat_two", grant="a"),
        token(key, holder, "oat_other", refresh_token="ort_other"),
        token(key, holder, "oat_before", grant="a", revocation_reason="Revoked by user"),
        token(key, await application(clerk, "Another"), "oat_elsewhere", grant="a"),
    ]
    await bring(clerk, oauth_access_tokens=entries)
    clock.advance(1000)
    answer = await revoke(clerk, holder, given)
    assert (answer.status_code, answer.content) == (204, b"")
    found = {entry["token"]: await verified(clerk, entry["token"]) for entry in entries}
    revoked = {name for name, answer in found.items() if answer["revoked"]}
    assert revoked == {"oat_one", "oat_two", "oat_before"}
    assert found["oat_one"]["updated_at"] == clock.now()
    assert found["oat_before"]["revocation_reason"] == "Revoked by user"
    assert found["oat_before"]["updated_at"] == found["oat_other"]["updated_at"] == clock.now() - 1000
    # Once more it is no error, and changes nothing.
    clock.advance(1000)
    assert (await revoke(clerk, holder, given)).status_code == 204
    assert await verified(clerk, "oat_one") == found["oat_one"]


async def test_a_token_of_another_application_is_none(clerk):
    key, holder, other = await user(clerk), await application(clerk), await application(clerk, "Another")
    await bring(clerk, oauth_access_tokens=[token(key, holder)])
    place = f"/oauth_applications/{other['id']}/revoke_token"
    absent = (404, "resource_not_found", None)
    assert await clerk.refused("POST", place, json={"token": "oat_secret"}) == absent
    assert await clerk.refused("POST", place, json={}) == (422, "form_param_missing", "token")
    none = "/oauth_applications/oa_none/revoke_token"
    assert await clerk.refused("POST", none, json={"token": "oat_secret"}) == absent
    assert not (await verified(clerk, "oat_secret"))["revoked"]


async def test_an_unknown_token_is_not_found_and_none_is_no_request(clerk):
    absent = (404, "resource_not_found", None)
    for text in ("oat_none", "a.b.c", ""):
        assert await clerk.refused("POST", VERIFY, json={"access_token": text}) == absent
    assert await clerk.refused("POST", VERIFY, json={}) == (400, "bad_request", None)
    key, holder = await user(clerk), await application(clerk)
    await bring(clerk, oauth_access_tokens=[token(key, holder, refresh_token="ort_secret")])
    assert await clerk.refused("POST", VERIFY, json={"access_token": "ort_secret"}) == absent
    async with beside(clerk) as other:
        assert await other.refused("POST", VERIFY, json={"access_token": "oat_secret"}) == absent


@pytest.mark.parametrize("gone", ["user", "application"])
async def test_a_token_goes_with_its_user_and_its_application(clerk, gone):
    key, holder = await user(clerk), await application(clerk)
    await bring(clerk, oauth_access_tokens=[token(key, holder)])
    await clerk.delete(f"/users/{key}" if gone == "user" else f"/oauth_applications/{holder['id']}")
    absent = (404, "resource_not_found", None)
    assert await clerk.refused("POST", VERIFY, json={"access_token": "oat_secret"}) == absent


async def test_one_token_is_brought_once(clerk):
    key, holder = await user(clerk), await application(clerk)
    with pytest.raises(InvalidRequest, match=r"oauth_access_tokens\[1\]"):
        await bring(clerk, oauth_access_tokens=[token(key, holder), token(key, holder)])
