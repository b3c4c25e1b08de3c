"""A console in this process, spoken to over ASGI, on a desk before a tiny Clerk."""

import re
from contextlib import AsyncExitStack
from html import unescape

import httpx2
import pytest

from deskclerk.catalogue import BanUser
from deskclerk.desk import Caller
from deskclerk.faces.console.site import Console
from tests.desk.conftest import TinyClerk, open_desk  # noqa: F401 - a fixture

ORIGIN = "http://127.0.0.1:8765"
AGENT = Caller("mcp", "Claude Code", "laptop")


class Browser:
    """A client that keeps cookies as a browser does, and reads forms off pages."""

    def __init__(self, console):
        self.console = console
        self.desk = console.desk
        transport = httpx2.ASGITransport(app=console.app, raise_app_exceptions=False)
        self.http = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)
        self.home = ""

    async def sign_in(self, plan=None):
        """Through a one-time link; the answer that lets in."""
        token = await self.desk.console_links.issue(plan)
        answer = await self.http.post(f"/in/{token}")
        self.home = re.match(r"/~[^/]+", answer.headers["location"])[0]
        return answer

    async def get(self, path="/", **more):
        return await self.http.get(self.home + path, **more)

    async def post(self, path, csrf=None, headers=None, **fields):
        """A form as its page would send it; `csrf` in place of the page's own token."""
        if csrf is None:
            page = (await self.get("/secrets" if path.startswith("/secrets") else path)).text
            csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
        return await self.http.post(self.home + path, data={"csrf": csrf} | fields, headers=headers)

    async def propose(self, action=None):
        return await self.desk.propose(action or BanUser(user_id="user_1"), AGENT)

    async def decide(self, plan, decision="sign", **fields):
        """The plan's form; what a person would have typed is typed unless told otherwise."""
        given = {"decision": decision, "digest": plan.digest, "typed": plan.words[0]} | fields
        return await self.post(f"/plans/{plan.id}", **given)


def problem(answer):
    """What a page says went wrong."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition('role="alert"')[2])).split())


@pytest.fixture
def upstream():
    return TinyClerk()


@pytest.fixture
async def console(open_desk):  # noqa: F811
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(open_desk())
        yield Console(desk, ORIGIN)


@pytest.fixture
async def browser(console):
    """Somebody who has not signed in yet."""
    found = Browser(console)
    async with found.http:
        yield found


@pytest.fixture
async def person(browser):
    """Somebody who came by a link from a terminal."""
    await browser.sign_in()
    return browser
