"""Photographs a plan in the console as the picture that the README shows.

`python tools/photograph_console.py` has an agent ask for a ban on a sandbox of its own, and a browser look at
what a person would be shown: the picture is what happened. Chromium is wanted (CHROMIUM=path if it is not on
PATH).
"""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.desk import Caller, Desk
from deskclerk.faces.console_server import serving
from deskclerk.settings import Settings

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "console.png"
WHO = "leilani.kahale@example.com"
SIZE = {"width": 1010, "height": 700}
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)


async def main() -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), approval_wait=0)
        async with Desk(settings) as desk, serving(desk) as console:
            found = await desk.perform(ListUsers(email_address=[WHO], limit=1))
            user_id = found.value["items"][0]["id"]
            await desk.propose(BanUser(user_id=user_id), Caller("mcp", "Claude Code"))
            link = f"{console.url}/in/{await desk.console_links.issue()}"
            await photograph(link, PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")


async def photograph(link: str, path: Path) -> None:
    """What the page behind a one-time link shows, in the light."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_FLAGS)
        page = await browser.new_page(
            viewport=SIZE, device_scale_factor=1.25, color_scheme="light", reduced_motion="reduce"
        )
        await page.goto(link)
        await page.get_by_role("button").click()
        await page.get_by_role("article").wait_for()
        await page.evaluate("document.activeElement.blur()")
        end = await page.evaluate("document.querySelector('article').getBoundingClientRect().bottom")
        # The frame and the card: what stands below helps with keys, and is beside the point.
        clip = {"x": 0, "y": 0, "width": SIZE["width"], "height": end + 24}
        await page.screenshot(path=path, clip=clip)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
