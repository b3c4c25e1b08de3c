"""Signing out on a client's behalf: back to an address that the client has registered, and to no other."""

from urllib.parse import parse_qs

import pytest

from tests.sandbox.oauth.conftest import BACK, Journey, application

pytestmark = pytest.mark.anyio
OUT = "/oauth/logout"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_gets_its_user_back_with_the_state_as_it_came(journey, method):
    asked = {
        "client_id": journey.made["client_id"],
        "post_logout_redirect_uri": BACK,
        "state": "a state & more",
        "ui_locales": "en",
        "logout_hint": "ada",
    }
    sent = {"params": asked} if method == "GET" else {"data": asked}
    answer = await journey.http.request(method, OUT, **sent)
    assert answer.status_code == (302 if method == "GET" else 303)
    place, _, query = answer.headers["location"].partition("?")
    assert place == BACK
    assert parse_qs(query) == {"state": ["a state & more"]}
    assert answer.headers["cache-control"] == "no-store"


async def test_an_address_with_a_query_keeps_it_and_without_a_state_nothing_is_added(clerk, journey):
    own = f"{BACK}?tenant=a"
    made = await application(clerk, redirect_uris=[own])
    asked = {"client_id": made["client_id"], "post_logout_redirect_uri": own}
    assert (await journey.http.get(OUT, params=asked)).headers["location"] == own
    answer = await journey.http.get(OUT, params=asked | {"state": "s"})
    assert answer.headers["location"] == f"{own}&state=s"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        f"{BACK}/",
        f"{BACK}?x=1",
        "https://app.example",
        "//app.example/callback",
    ],
)
async def test_to_an_address_that_is_not_registered_nobody_is_sent(journey, uri):
    asked = {"client_id": journey.made["client_id"], "post_logout_redirect_uri": uri}
    answer = await journey.http.get(OUT, params=asked)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "not among the redirect URIs" in answer.text


async def test_another_clients_address_is_not_the_clients_own(clerk, journey):
    theirs = "https://theirs.example/back"
    await application(clerk, redirect_uris=[theirs])
    asked = {"client_id": journey.made["client_id"], "post_logout_redirect_uri": theirs}
    assert (await journey.http.get(OUT, params=asked)).status_code == 400


@pytest.mark.parametrize("client", [{}, {"client_id": "nobody"}])
async def test_without_a_client_that_is_known_nobody_is_sent_anywhere(journey, client):
    answer = await journey.http.get(OUT, params={"post_logout_redirect_uri": BACK} | client)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_who_wants_to_go_nowhere_is_told_that_they_are_out(journey):
    answer = await journey.http.get(OUT)
    assert (answer.status_code, "You are signed out" in answer.text) == (200, True)
    answer = await journey.http.get(OUT, params={"client_id": journey.made["client_id"]})
    assert "You are signed out of Portal" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_an_id_token_says_whose_client_it_is_long_after_its_end(journey, clock):
    hint = (await journey.tokens())["id_token"]
    clock.advance(400_000_000)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BACK}
    answer = await journey.http.get(OUT, params=asked)
    assert answer.headers["location"] == BACK


async def test_what_is_no_id_token_of_this_client_is_no_hint(clerk, journey):
    tokens = await journey.tokens()
    other = Journey(journey.http, await application(clerk), journey.user_id)
    for hint in (
        "made-up",
        tokens["access_token"],
        f"{tokens['id_token']}x",
        (await other.tokens())["id_token"],
    ):
        asked = {
            "id_token_hint": hint,
            "client_id": journey.made["client_id"],
            "post_logout_redirect_uri": BACK,
        }
        answer = await journey.http.get(OUT, params=asked)
        assert answer.status_code == 400, hint
        assert "location" not in answer.headers
