"""Signing out at the issuer: offered where it can be done, and told as it is where it cannot."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from deskclerk.faces.console.authentication import HEADERS
from deskclerk.hosted.people.tables import sessions
from tests.hosted.people.conftest import ORIGIN

pytestmark = pytest.mark.anyio
END = "https://issuer.example/leave?tenant=a"


def shown(answer):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


def way_of(answer):
    """The address of the link that leads to the issuer; None if there is none."""
    found = re.search(r'<a class="button primary" href="([^"]+)"', answer.text)
    return unescape(found[1]) if found else None


@pytest.fixture
async def leaving(person_in, issuer):
    """Somebody who has just signed out of the desk, at an issuer that can sign people out."""
    issuer.published = {"end_session_endpoint": END}
    browser, _ = await person_in("Sol")
    answer = await browser.post("/sign-out", page="/")
    assert answer.headers["location"] == "/signed-out"
    return browser


async def test_the_way_out_at_the_issuer_names_the_desk_and_comes_back_here(leaving):
    answer = await leaving.get("/signed-out")
    assert answer.status_code == 200
    assert "you may still be signed in" in shown(answer)
    way = way_of(answer)
    assert way.startswith("https://issuer.example/leave?")
    asked = parse_qs(urlsplit(way).query)
    assert asked.keys() == {"tenant", "client_id", "post_logout_redirect_uri", "state"}
    assert asked["tenant"] == ["a"]
    assert asked["client_id"] == ["desk"]
    assert asked["post_logout_redirect_uri"] == [f"{ORIGIN}/signed-out"]
    assert len(asked["state"][0]) >= 43
    cookie = next(item for item in answer.headers.get_list("set-cookie") if "deskclerk-out" in item)
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    # The desk's own session is over, whether anybody goes on or not.
    assert (await leaving.get("/security")).status_code == 303


async def test_who_comes_back_from_there_is_told_so_and_nobody_else_is(leaving, browsers):
    state = parse_qs(urlsplit(way_of(await leaving.get("/signed-out"))).query)["state"][0]
    back = await leaving.get("/signed-out", params={"state": state})
    assert "has signed you out too" in shown(back)
    assert way_of(back) is None
    # With a state that somebody made up, or another browser's, nothing of the kind is said.
    for browser, made_up in ((leaving, "made-up"), (browsers(), state), (browsers(), "")):
        answer = await browser.get("/signed-out", params={"state": made_up})
        assert "has signed you out too" not in shown(answer)
        assert way_of(answer)


async def test_two_tabs_that_sign_out_have_one_state(leaving):
    first, second = [way_of(await leaving.get("/signed-out")) for _ in range(2)]
    assert first == second


async def test_an_issuer_without_such_a_place_is_told_of(person_in):
    browser, _ = await person_in("Sol")
    await browser.post("/sign-out", page="/")
    answer = await browser.get("/signed-out")
    assert "has no place where a desk could sign you out" in shown(answer)
    assert "127.0.0.1" in shown(answer)
    assert way_of(answer) is None
    assert "deskclerk-out" not in browser.http.cookies


async def test_an_issuer_that_is_silent_keeps_nobody_in(leaving, site, issuer):
    site.sign_in.issuer.url = "http://127.0.0.1:9"
    issuer.clock.at += 10_000
    answer = await leaving.get("/signed-out")
    assert answer.status_code == 200
    assert "could not be found out" in shown(answer)
    assert way_of(answer) is None


async def test_who_is_still_in_is_not_told_that_they_are_out(person_in):
    browser, _ = await person_in("Sol")
    answer = await browser.get("/signed-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_the_page_runs_nothing_and_is_nobodys_to_keep(leaving):
    answer = await leaving.get("/signed-out")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_no_token_of_the_issuers_is_kept():
    # An id_token_hint would have to be: docs/decisions/0024.
    assert not [column.name for column in sessions.c if "token" in column.name]
