"""Who gets in, how long, and how far."""

import asyncio
import re
from urllib.parse import urlencode

import pytest

from deskclerk.faces.console import sessions
from deskclerk.faces.console.authentication import HEADERS
from tests.faces.console.conftest import Browser

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "path", ["/", "/plans/plan_1", "/secrets", "/events", "/~guessed/", "/~guessed/secrets"]
)
async def test_without_a_session_every_address_says_how_to_get_one(browser, path):
    answer = await browser.get(path)
    assert answer.status_code == 401
    assert "deskclerk console" in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/in/nothing", "/static/console.css", "/static/none", "/~guessed/", "/a/b"]
)
async def test_every_answer_before_the_door_has_the_headers(browser, path):
    answer = await browser.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/", "/secrets", "/none", "/plans/none", "/alive"])
async def test_every_answer_within_has_the_headers(person, path):
    answer = await person.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


async def test_no_page_holds_a_script_or_a_style_of_its_own(person):
    await person.propose()
    for path in ("/", "/secrets", "/none"):
        page = (await person.get(path)).text
        assert re.findall(r"<script(?![^>]* src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page) == []


@pytest.mark.promise("one-time-links")
async def test_a_link_lets_in_once(browser):
    token = await browser.desk.console_links.issue()
    assert (await browser.http.get(f"/in/{token}")).status_code == 200
    assert (await browser.http.head(f"/in/{token}")).status_code == 200
    assert (await browser.http.post(f"/in/{token}")).status_code == 303
    for method in ("GET", "POST"):
        again = await browser.http.request(method, f"/in/{token}")
        assert again.status_code == 410
        assert "set-cookie" not in again.headers


@pytest.mark.promise("one-time-links")
async def test_of_many_who_race_for_a_link_one_gets_in(browser):
    token = await browser.desk.console_links.issue()
    answers = await asyncio.gather(*(browser.http.post(f"/in/{token}") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303, *[410] * 7]


async def test_a_link_expires(browser, monkeypatch):
    token = await browser.desk.console_links.issue(expires_at=1)
    assert (await browser.http.post(f"/in/{token}")).status_code == 410


async def test_the_cookie_is_for_this_console_alone(browser):
    answer = await browser.sign_in()
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    # Another port of this machine is sent cookies too, but never for a path that nobody can guess.
    assert f"Path={browser.home};" in cookie
    assert len(browser.home) > 16


async def test_path_and_cookie_open_only_together(console):
    async with Browser(console).http as one, Browser(console).http as other:
        first, second = Browser(console), Browser(console)
        first.http, second.http = one, other
        await first.sign_in()
        await second.sign_in()
        (cookie,) = second.http.cookies.jar
        stolen = await first.http.get(second.home + "/")
        assert stolen.status_code == 401
        crossed = await first.http.get(first.home + "/", headers={"cookie": f"{cookie.name}={cookie.value}"})
        assert crossed.status_code == 401
        assert (await first.get()).status_code == 200


async def test_a_form_whose_sender_signs_out_before_it_has_come_changes_nothing(person):
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await person.get("/secrets")).text)[1]

    async def form():
        await person.post("/out", csrf=csrf)
        yield urlencode({"csrf": csrf, "name": "smtp", "value": "hunter2"}).encode()

    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await person.http.post(f"{person.home}/secrets", content=form(), headers=kind)
    assert answer.status_code == 401
    assert await person.desk.secrets.listed() == []


async def test_whoever_signs_out_is_out(person):
    assert (await person.get()).status_code == 200
    cookie = next(iter(person.http.cookies.jar))
    await person.post("/out", csrf=re.search(r'value="([^"]+)"', (await person.get()).text)[1])
    kept = {"cookie": f"{cookie.name}={cookie.value}"}
    assert (await person.get(headers=kept)).status_code == 401


async def test_a_session_ends_by_itself(browser, monkeypatch):
    monkeypatch.setattr(sessions, "SECONDS", -1)
    await browser.sign_in()
    assert (await browser.get()).status_code == 401


async def test_a_link_to_one_plan_opens_nothing_else(browser):
    plan, other = await browser.propose(), await browser.propose()
    await browser.sign_in(plan.id)
    assert (await browser.get(f"/plans/{plan.id}")).status_code == 200
    paths = ["/", "/secrets", "/plans/plan_none", f"/plans/{plan.id}/x", "/none"]
    assert {(await browser.get(path)).status_code for path in paths} == {403}
    for path in ("/secrets", "/secrets/hand-over", "/secrets/remove", f"/plans/{other.id}x"):
        assert (await browser.post(path, csrf="x")).status_code == 403


@pytest.mark.parametrize(
    "path", ["/secrets", "/secrets/remove", "/secrets/hand-over", "/out", "/plans/plan_1"]
)
@pytest.mark.parametrize("csrf", ["", "guess", "\u00e4", None])
async def test_a_form_without_its_token_does_nothing_and_says_so(person, path, csrf):
    data = {"name": "x", "value": "y"} | ({} if csrf is None else {"csrf": csrf})
    answer = await person.http.post(person.home + path, data=data)
    assert answer.status_code == 403
    assert "Nothing was done" in answer.text
    assert await person.desk.secrets.listed() == []
    assert (await person.get("/alive")).status_code == 200


async def test_a_token_of_another_session_is_none(console, person):
    stranger = Browser(console)
    async with stranger.http:
        await stranger.sign_in()
        csrf = re.search(r'name="csrf" value="([^"]+)"', (await stranger.get()).text)[1]
    assert (await person.post("/secrets", csrf=csrf, name="x", value="y")).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_does_nothing_even_with_the_token(person, site):
    answer = await person.post("/secrets", headers={"sec-fetch-site": site}, name="x", value="y")
    assert answer.status_code == 403
    assert await person.desk.secrets.listed() == []


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/json"])
async def test_only_a_plain_form_is_read(person, kind):
    answer = await person.http.post(
        person.home + "/secrets", content=b"csrf=x", headers={"content-type": kind}
    )
    assert answer.status_code == 403


async def test_a_form_that_is_too_large_is_not_read(person):
    answer = await person.http.post(person.home + "/secrets", data={"value": "x" * 300_000})
    assert answer.status_code == 413
