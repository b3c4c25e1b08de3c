"""A person signs in at the sandbox's own pages, on the way from an application and back to it."""

import json
import socket
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from playwright.async_api import expect

from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.serving import serving
from tests.browser.conftest import check_accessible, shoot
from tests.sandbox.oauth.browser import CHALLENGE, VERIFIER

pytestmark = pytest.mark.anyio

APP, EVIL = "https://app.example", "http://evil.example"


@pytest.fixture
async def portal(tmp_path, browse):
    """An application, what it asks for, and a browser that can go back to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with open_sandbox(tmp_path / "clerk.db") as opened, serving(opened, listener):
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            body = {"name": "Portal", "redirect_uris": [f"{APP}/back"], "scopes": "openid profile email"}
            async with httpx2.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as http:
                made = (await http.post(f"{url}/v1/oauth_applications", json=body)).json()
                page, came_back = await browse(), []

                async def answer(route):
                    came_back.append(route.request)
                    await route.fulfill(content_type="text/html", body="<title>Portal</title>Welcome back.")

                await page.route(f"{APP}/**", answer)
                asked = {
                    "response_type": "code",
                    "client_id": made["client_id"],
                    "redirect_uri": f"{APP}/back",
                    "scope": "openid profile email",
                    "state": "a state of its own",
                    "code_challenge": CHALLENGE,
                    "code_challenge_method": "S256",
                }
                yield SimpleNamespace(
                    url=url, made=made, asked=asked, http=http, page=page, came_back=came_back
                )


async def tokens(portal, code):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{APP}/back"}
    form |= {"code_verifier": VERIFIER, "client_id": portal.made["client_id"]}
    form["client_secret"] = portal.made["client_secret"]
    headers = {"authorization": ""}
    return (await portal.http.post(f"{portal.url}/oauth/token", data=form, headers=headers)).json()


async def test_a_person_searches_picks_agrees_and_is_back(portal):
    page = portal.page
    await page.goto(f"{portal.url}/oauth/authorize?{urlencode(portal.asked)}")
    await expect(page.get_by_role("heading", name="Who signs in to Portal?")).to_be_visible()
    await check_accessible(page)
    await shoot(page, "oauth-pick")
    await page.get_by_label("Search users").fill("aino.virtanen")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Aino Virtanen").click()
    await expect(page.get_by_role("heading", name="Let Portal in as Aino Virtanen?")).to_be_visible()
    await check_accessible(page)
    await shoot(page, "oauth-consent")
    await page.get_by_role("button", name="Somebody else").click()
    await page.get_by_label("Search users").fill("nobody at all")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("status")).to_contain_text("No user was found.")
    await check_accessible(page)
    await page.get_by_label("Search users").fill("aino.virtanen")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("button", name="Aino Virtanen").click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_text("Welcome back.")).to_be_visible()
    (request,) = portal.came_back
    said = parse_qs(urlsplit(request.url).query)
    assert (said["state"], said["iss"]) == (["a state of its own"], [portal.url])
    assert "referer" not in request.headers
    assert (await tokens(portal, said["code"][0]))["token_type"] == "Bearer"


async def test_the_answer_comes_as_a_form_that_sends_itself(portal):
    asked = portal.asked | {"response_mode": "form_post", "login_hint": "aino.virtanen@example.com"}
    await portal.page.goto(f"{portal.url}/oauth/authorize?{urlencode(asked)}")
    await portal.page.get_by_role("button", name="Aino Virtanen").click()
    await portal.page.get_by_role("button", name="Allow").click()
    await expect(portal.page.get_by_text("Welcome back.")).to_be_visible()
    (request,) = portal.came_back
    said = parse_qs(request.post_data)
    assert (request.method, said["state"]) == ("POST", ["a state of its own"])
    assert (await tokens(portal, said["code"][0]))["token_type"] == "Bearer"


async def test_no_page_elsewhere_signs_anybody_in(portal):
    found = (await portal.http.get(f"{portal.url}/v1/users?limit=1")).json()
    fields = portal.asked | {"user_id": found[0]["id"], "decision": "allow"}
    form = f"""<title>Evil</title><form method="post" action="{portal.url}/oauth/authorize"></form><script>
      for (const [name, value] of Object.entries({json.dumps(fields)})) {{
        const field = document.createElement("input");
        [field.type, field.name, field.value] = ["hidden", name, value];
        document.forms[0].append(field);
      }}
      document.forms[0].submit();</script>"""

    async def evil(route):
        await route.fulfill(content_type="text/html", body=form)

    await portal.page.route(f"{EVIL}/**", evil)
    await portal.page.goto(EVIL)
    await expect(portal.page.get_by_role("alert")).to_contain_text("a page of another origin")
    await check_accessible(portal.page)
    assert portal.came_back == []
