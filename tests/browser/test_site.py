"""The documentation as a site: it answers questions by search, and its pages fit a phone."""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.conftest import WIDTHS
from tests.promises import ROOT

pytestmark = pytest.mark.anyio

ANSWERS = {
    "401": {"troubleshooting"},
    "429": {"troubleshooting"},
    "who may sign": {"signing"},
    "ban the wrong person undo": {"journal"},
    "key in client's file": {"secrets", "install", "clients/claude-code"},
    "backup": {"operating"},
    "Cursor": {"clients/cursor"},
    "bulk ban 500 users": {"jobs"},
    "offline tests in JavaScript": {"testing-javascript"},
    "coming from agent-toolkit": {"coming-from"},
}
"""What a user asks, and the pages that answer it."""
FIRST = 3
_FOUND = "/Search finished|did not match/.test(document.querySelector('.search-summary')?.textContent)"
_PAGES = "all => all.map(item => item.getAttribute('href').replace(/\\.html.*/, ''))"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Nothing: a test's output is its own."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make docs-site` builds it, on a port of this machine: its folder, its address."""
    folder = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "--keep-going", "-b", "html", ROOT / "docs", folder]
    subprocess.run([sys.executable, "-m", "sphinx", *words], check=True, timeout=300)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


@pytest.mark.parametrize("question", ANSWERS)
async def test_a_question_is_answered_by_one_of_the_first_pages_found(browse, site, question):
    page = await browse()
    await page.goto(f"{site[1]}/index.html")
    await page.fill("input[name=q]", question)
    await page.press("input[name=q]", "Enter")
    await page.wait_for_function(_FOUND)
    found = await page.eval_on_selector_all("ul.search li > a", _PAGES)
    assert ANSWERS[question] & {*found[:FIRST]}, found


async def test_no_page_is_wider_than_a_phone(browse, site):
    folder, address = site
    page = await browse()
    await page.set_viewport_size(WIDTHS["phone"])
    wide = []
    for file in sorted(folder.rglob("*.html")):
        await page.goto(f"{address}/{file.relative_to(folder)}")
        if await page.evaluate("document.documentElement.scrollWidth") > WIDTHS["phone"]["width"]:
            wide.append(file.name)
    assert wide == []
