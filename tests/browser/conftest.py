"""A real browser before a real server: Debian's Chromium, the console on a port of this machine."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import async_playwright, expect

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Desk
from deskclerk.faces.console_server import serving
from deskclerk.settings import Settings
from tests.desk.conftest import TinyClerk

SHOTS = Path(__file__).parent / "shots"
AGENT = Caller("mcp", "Claude Code", "laptop")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 390, "height": 844}}
NARROWEST = {"width": 375, "height": 812}
AXE = Path(__file__).parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
async def chromium(anyio_backend):
    """One browser for all; every test has contexts of its own."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def browse(chromium):
    """Opens a tab in a context of its own, and fails the test for whatever the page complained about."""
    expect.set_options(timeout=10_000)
    async with contextlib.AsyncExitStack() as stack:
        complaints = []

        async def opened(context=None, **options):
            if context is None:
                context = await chromium.new_context(viewport=WIDTHS["desktop"], **options)
                stack.push_async_callback(context.close)
            page = await context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: _complaint(said, complaints))
            return page

        yield opened
        assert complaints == []


def _complaint(said, complaints):
    """Errors count, but for what the test itself had refused or kept away."""
    if said.type == "error" and not said.text.startswith("Failed to load resource"):
        complaints.append(said.text)


class Stage:
    """A console that is served, and agents that ask at desks of their own on the same database."""

    def __init__(self, console, open_desk):
        self.console = console
        self.desk = console.desk
        self._open_desk = open_desk
        self._tasks = []

    async def sign_in(self, page, plan=None):
        """Through a one-time link, as from a terminal; with a plan, as from a tool's answer."""
        token = await self.desk.console_links.issue(plan)
        await page.goto(f"{self.console.url}/in/{token}")
        await page.get_by_role("button").click()

    async def propose(self, action, caller=AGENT):
        """A plan that waits, and whose asker does not."""
        return await self.desk.propose(action, caller)

    async def ask(self, action, wait=20, caller=AGENT):
        """An agent that asks and waits for the signature; the task of its call."""
        desk = await self._open_desk(approval_wait=wait)
        task = asyncio.create_task(desk.perform(action, caller=caller))
        self._tasks.append(task)
        return task

    async def end(self):
        """Nobody goes on asking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def stage(tmp_path):
    """The console on the sandbox, or on a tiny Clerk with a key of a kind."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(clerk=None, **settings):
            async def open_desk(**more):
                given = Settings(**({"home": tmp_path / "home", "approval_wait": 0} | settings | more))
                client = None
                if clerk:
                    transport = httpx2.MockTransport(clerk)
                    key = settings["secret_key"]
                    client = await stack.enter_async_context(
                        Clerk("https://clerk.test", key, transport=transport)
                    )
                return await stack.enter_async_context(Desk(given, clerk=client))

            console = await stack.enter_async_context(serving(await open_desk()))
            found = Stage(console, open_desk)
            stack.push_async_callback(found.end)
            return found

        yield opened


@pytest.fixture
def tiny_clerk():
    return TinyClerk()


async def some_user(desk):
    """The id of a user of the sandbox."""
    return (await desk.perform(ListUsers(limit=1))).value["items"][0]["id"]


async def ban(desk):
    """The action that bans a user of the sandbox."""
    return BanUser(user_id=await some_user(desk))


async def shoot(page, name):
    """Pictures of a page as it is: phone and desktop, light and dark, for people to look at."""
    SHOTS.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width, size in WIDTHS.items():
            await page.set_viewport_size(size)
            await page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await page.set_viewport_size(WIDTHS["desktop"])


async def check_accessible(page):
    """What axe finds against WCAG 2.2 AA, light and dark, is nothing; and nothing is wider than a phone."""
    source = AXE.read_text()
    await page.wait_for_load_state()  # with its style: sizes are among what is looked at
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.evaluate(source)
        found = await page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        assert [(item["id"], item["nodes"][0]["html"]) for item in found["violations"]] == []
    await page.set_viewport_size(NARROWEST)
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROWEST["width"]
    await page.set_viewport_size(WIDTHS["desktop"])
