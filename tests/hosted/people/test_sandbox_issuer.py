"""The sandbox as the issuer, which signs in as Clerk does: a person is picked there and is in here."""

import httpx2
import pytest

from deskclerk.faces.hosted.app import pages_app
from deskclerk.faces.hosted.site import CALLBACK, SIGNED_OUT, people_site
from deskclerk.hosted.attempts import JournalledAttempts
from deskclerk.hosted.issuer import Issuer
from tests.contract.test_mcp_authorization import backend
from tests.hosted.conftest import destinations_of
from tests.hosted.people.conftest import ORIGIN, Browser, Desks, told
from tests.hosted.people.test_sign_out import way_of
from tests.sandbox.oauth.browser import Page, press, sent_back, sign_in

pytestmark = pytest.mark.anyio
ADA = {
    "id": "user_ada",
    "email_address": ["ada@example.com"],
    "first_name": "Ada",
    "last_name": "Lovelace",
}


@pytest.fixture
async def http():
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
async def at_the_sandbox(clerk_sandbox, hosted, workspaces, http):
    """A browser at a site whose issuer the sandbox is, and the site."""
    clerk_sandbox.seed({"users": [ADA]})
    body = {
        "name": "Desk",
        "redirect_uris": [ORIGIN + CALLBACK, ORIGIN + SIGNED_OUT],
        "scopes": "openid profile email",
    }
    made = await backend(http, clerk_sandbox, "POST", "/oauth_applications", body)
    async with Issuer(clerk_sandbox.url, made["client_id"], made["client_secret"]) as issuer:
        site = people_site(
            ORIGIN,
            hosted,
            workspaces,
            JournalledAttempts(hosted),
            issuer,
            destinations=destinations_of(hosted),
        )
        yield Browser(pages_app(site, Desks(site, None)), site)


async def test_who_is_picked_at_the_sandbox_is_in_with_their_verified_address(at_the_sandbox, http):
    browser = at_the_sandbox
    begun = await browser.get("/sign-in?to=/security")
    said = await sign_in(http, begun.headers["location"], "user_ada")
    answer = await browser.get("/sign-in/callback", params=said)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/security"), told(answer)
    person = (await browser.site.sessions.find(browser.http.cookies["deskclerk"])).person
    assert (person.name, person.email) == ("Ada Lovelace", "ada@example.com")
    again = await browser.get("/sign-in/callback", params=said)
    assert again.status_code == 400


async def test_who_says_no_at_the_sandbox_is_not_in(at_the_sandbox, http):
    browser = at_the_sandbox
    begun = await browser.get("/sign-in")
    page = await http.get(begun.headers["location"])
    page = await press(http, Page(page.text), "user_id", "user_ada")
    _, said = sent_back(await press(http, Page(page.text), "decision", "deny"))
    answer = await browser.get("/sign-in/callback", params=said)
    assert "did not let you in" in told(answer)
    assert "deskclerk" not in browser.http.cookies


async def test_a_code_of_the_sandboxs_that_another_sign_in_was_given_is_refused(at_the_sandbox, http):
    browser = at_the_sandbox
    first = await sign_in(http, (await browser.get("/sign-in")).headers["location"], "user_ada")
    second = await sign_in(http, (await browser.get("/sign-in")).headers["location"], "user_ada")
    answer = await browser.get("/sign-in/callback", params=first | {"code": second["code"]})
    assert answer.status_code == 400
    assert "deskclerk" not in browser.http.cookies


async def test_who_leaves_is_signed_out_at_the_sandbox_too_and_comes_back(at_the_sandbox, http):
    browser = at_the_sandbox
    begun = await browser.get("/sign-in")
    said = await sign_in(http, begun.headers["location"], "user_ada")
    await browser.get("/sign-in/callback", params=said)
    await browser.post("/sign-out", page="/")
    answer = await http.get(way_of(await browser.get("/signed-out")))
    assert answer.status_code == 302, answer.text
    back = answer.headers["location"].removeprefix(ORIGIN)
    assert "has signed you out too" in (await browser.get(back)).text
