"""What pages in other sites, odd addresses and large or slow bodies can do to a hosted desk: nothing."""

import json

import pytest

from deskclerk.hosted.people.sign_in import own_path
from tests.hosted.attacks.test_other_workspaces import addresses, combinations, ids_for, served, signs_out

__all__ = ["addresses", "served"]
pytestmark = pytest.mark.anyio


async def test_every_page_forbids_frames_caches_and_others_scripts(world, served):
    browser, values = world.acme.people["owner"].browser, ids_for(world.acme)
    seen = 0
    for address in served:
        if (
            "GET" not in address.methods
            or address.path.startswith("/mcp")
            or address.path.endswith("/events")
        ):
            continue
        for one in (browser, world):
            answer = await one.http.get(address.filled(next(combinations(address, values))))
            headers = answer.headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"], address
            assert "default-src 'none'" in headers["content-security-policy"], address
            assert headers["x-frame-options"] == "DENY"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in headers
            seen += 1
    assert seen > 60


async def test_no_form_of_another_site_or_without_its_token_counts(world, served):
    acme = world.acme
    browser, values = acme.people["owner"].browser, ids_for(acme)
    before = await world.rows(acme)
    tried = 0
    for address in served:
        if "POST" not in address.methods or address.path.startswith("/mcp"):
            continue
        path = address.filled(next(combinations(address, values)))
        cross = await browser.post(path, headers={"sec-fetch-site": "cross-site"})
        beside = await browser.post(path, headers={"sec-fetch-site": "same-site"})
        without = await browser.http.post(path, data={"decision": "decline"})
        as_json = await browser.http.post(path, json={"csrf": browser.csrf})
        assert {answer.status_code for answer in (cross, beside, without, as_json)} == {403}, path
        tried += 1
    assert tried > 30
    after = await world.rows(acme)
    assert {name for name in after if after[name] != before[name]} <= {"events", "heads"}


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "/\r\nlocation: https://evil.example", " //evil.example", "evil.example", "",
     "///evil.example", "/\u2215evil.example"],
)  # fmt: skip
async def test_signing_in_leads_to_this_site_alone(world, to):
    assert own_path(to) in ("/", to if to.startswith("/w") else "/")
    browser = world.acme.people["viewer"].browser
    answer = await browser.http.get("/sign-in", params={"to": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(world):
    answer = await world.acme.people["signer"].browser.sign_in()
    begun = await world.http.get("/sign-in")
    for one in (answer, begun):
        (cookie,) = one.headers.get_list("set-cookie")
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "path=/" in cookie.lower()
        assert "domain" not in cookie.lower()


ODD = (
    "/mcp/zz-bolt%2f{instance}", "/mcp//zz-bolt", "//mcp/zz-bolt", "/MCP/zz-bolt", "/mcp/ZZ-BOLT",
    "/mcp/zz-bolt.", "/mcp/zz-bolt%00", "/mcp/zz-bolt%0a", "/mcp/zz-bolt%20", "/mcp/acme/../zz-bolt",
    "/mcp/acme%2f..%2fzz-bolt", "/mcp/%7a%7a-bolt", "/mcp/zz-bolt/{instance}/x", "/mcp/zz-bolt;x=1",
    "/mcp/zz\u2010bolt", "/mcp/\uff5a\uff5a-bolt", "/w/zz-bolt%2f", "/w/zz-bolt./", "/w/ZZ-bolt/",
    "/w//zz-bolt/", "//w/zz-bolt/", "/w/acme/../zz-bolt/", "/w/acme%2f..%2fzz-bolt/", "/w/zz-bolt%00/",
    "/w/acme/i/..%2f..%2fzz-bolt/", "/w/acme/i/{instance}%2fplans/", "/w/zz-bolt%0a/",
    "/static/..%2f..%2fsite.py", "/w/acme/?done=%00", "/w/acme/i/{instance}/plans/x%00",
    "/static/%2e%2e/%2e%2e/site.py", "/w/acme/i/{instance}/plans/..%2f..%2f..%2fzz-bolt",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD)
async def test_an_odd_address_leads_to_nothing_of_another_workspace(world, path):
    bolt, acme = world.bolt, world.acme
    path = path.format(instance=bolt.instance)
    for answer in (
        await acme.people["owner"].browser.get(path),
        await world.mcp(acme.token, "tools/list", {}, path=path),
    ):
        assert answer.status_code in (307, 400, 401, 403, 404, 405, 422) or signs_out(answer), answer.text
        assert "evil" not in answer.headers.get("location", "")
        assert bolt.word not in answer.text.replace(bolt.instance, "")


async def test_bodies_that_are_too_large_are_not_read_to_their_end(world):
    browser, acme = world.acme.people["owner"].browser, world.acme
    for path in (f"{acme.home}/members/invite", f"{acme.console}/secrets", "/security/passkeys"):
        answer = await browser.post(path, {"name": "x" * 300_000})
        assert answer.status_code == 413, path
    many = "&".join(f"f{number}=" for number in range(2_500))
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await browser.http.post(
        f"{acme.home}/policy", content=f"csrf={browser.csrf}&{many}", headers=form
    )
    assert answer.status_code == 403


async def test_a_batch_of_ten_thousand_calls_is_one_refusal(world):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "clerk_users_list"}}
    headers = {
        "authorization": f"Bearer {world.acme.token}",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
    }
    before = await world.column("SELECT count(*) FROM events WHERE workspace = :of", of=world.acme.id)
    answer = await world.http.post("/mcp", content=json.dumps([call] * 10_000), headers=headers)
    assert answer.status_code == 400
    assert len(answer.content) < 10_000
    assert await world.column("SELECT count(*) FROM events WHERE workspace = :of", of=world.acme.id) == before
