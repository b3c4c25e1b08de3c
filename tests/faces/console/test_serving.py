"""Where the console is served, and who is told the way in."""

import json
import re
import urllib.error
import urllib.request

import httpx2
import pytest

from deskclerk.faces.console.site import Console
from deskclerk.faces.mcp.http import app
from deskclerk.settings import Settings
from tests.faces.cli.processes import on_a_terminal, piped
from tests.faces.mcp import processes
from tests.faces.mcp.processes import HANDSHAKE, STDIO, environment, request, send, started

TOKEN = "a-token-of-24-characters"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
NO_DIALOGUE = (HANDSHAKE[0] | {"params": HANDSHAKE[0]["params"] | {"capabilities": {}}}, HANDSHAKE[1])
BAN = request(2, "tools/call", name="clerk_user_ban", arguments={"user_id": "user_x_1"})


@pytest.fixture
async def served(tmp_path):
    """`/mcp` with a token, and the console beside it: a client, and the console."""
    opened = []

    def beside(desk, origin):
        opened.append(Console(desk, origin))
        return opened[0]

    application = app(Settings(home=tmp_path, token=TOKEN), port=8000, beside=beside)
    transport = httpx2.ASGITransport(app=application)
    async with (
        application.router.lifespan_context(application),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
    ):
        yield client, opened[0]


@pytest.mark.anyio
async def test_the_token_of_mcp_does_not_open_the_console(served):
    client, _ = served
    for path in ("/", "/secrets", "/plans/plan_1", "/~x/"):
        assert (await client.get(path, headers={"authorization": f"Bearer {TOKEN}"})).status_code == 401


@pytest.mark.anyio
async def test_the_cookie_of_the_console_does_not_open_mcp(served):
    client, console = served
    link = await console.link()
    inside = await client.post(link.removeprefix(console.url).removeprefix("http://127.0.0.1:8000"))
    (cookie,) = client.cookies.jar
    assert (await client.get(inside.headers["location"])).status_code == 200
    for path in ("/mcp", "/mcp?x=/", "/mcp/"):
        answer = await client.post(path, json=PING, headers={"cookie": f"{cookie.name}={cookie.value}"})
        assert answer.status_code in (401, 405)
        assert "jsonrpc" not in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""])
async def test_the_console_answers_to_its_own_names_only(served, host):
    client, _ = served
    for path in ("/", "/in/x", "/static/console.css"):
        assert (await client.get(path, headers={"host": host})).status_code == 421


@pytest.mark.anyio
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000"])
async def test_a_page_of_another_origin_cannot_use_a_link_or_a_form(served, origin):
    client, console = served
    token = await console.desk.console_links.issue()
    assert (await client.post(f"/in/{token}", headers={"origin": origin})).status_code == 403
    assert await console.desk.console_links.peek(token)


@pytest.mark.promise("console-setting")
@pytest.mark.anyio
@pytest.mark.parametrize(("host", "chosen", "status"), [("0.0.0.0", None, 404), ("0.0.0.0", True, 401)])
async def test_beyond_loopback_the_console_is_served_only_where_it_is_chosen(tmp_path, host, chosen, status):
    settings = Settings(home=tmp_path, token=TOKEN, console=chosen)
    application = app(settings, host=host, port=8000, beside=Console)
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        answer = await client.get("/", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == status


@pytest.fixture
def env(tmp_path):
    with processes.serving(processes.Upstream()) as origin:
        yield environment(tmp_path / "home", origin, DESKCLERK_APPROVAL_WAIT="0")


def answer_of(process):
    """The text of the second answer: that of the call."""
    process.stdout.readline()
    return json.loads(process.stdout.readline())["result"]["content"][0]["text"]


def test_a_client_without_a_dialogue_is_told_a_link_that_shows_the_plan_and_signs_nothing(env):
    with started(STDIO, env) as process:
        send(process, *NO_DIALOGUE, BAN)
        said = answer_of(process)
        link = re.search(r"http://127\.0\.0\.1:\d+/in/\S+", said)[0]
        assert "deskclerk approve plan_" in said
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        page = opener.open(urllib.request.Request(link, b""), timeout=20).read().decode()
        assert "This link only shows the plan." in page
        assert "Ada" in page
        assert 'value="sign"' not in page
        with pytest.raises(urllib.error.HTTPError, match="410"):
            urllib.request.urlopen(urllib.request.Request(link, b""), timeout=20)
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_secret_that_is_not_stored_yet_is_asked_for_with_the_page_to_enter_it(env):
    given = {"user_id": "user_x_1", "password": "secret:ada.password"}
    call = request(2, "tools/call", name="clerk_user_update", arguments=given)
    with started(STDIO, env) as process:
        send(process, *NO_DIALOGUE, call)
        said = answer_of(process)
        page = re.search(r"http://127\.0\.0\.1:\d+/secrets\?name=ada\.password", said)[0]
        # The address opens nothing by itself.
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(page, timeout=20)


@pytest.mark.promise("console-setting")
def test_with_the_console_switched_off_no_address_is_told(env):
    with started(STDIO, env | {"DESKCLERK_CONSOLE": "false"}) as process:
        send(process, *NO_DIALOGUE, BAN)
        said = answer_of(process)
    assert "deskclerk approve plan_" in said
    assert "http" not in said


def test_a_console_that_nobody_needs_is_not_even_imported(env):
    loaded = "[name for name in sys.modules if 'faces.console' in name or name == 'jinja2']"
    code = f"import atexit, sys; atexit.register(lambda: print({loaded}, file=sys.stderr)); {STDIO}"
    with started(code, env) as process:
        send(process, *HANDSHAKE, request(2, "tools/list"))
        for _ in range(2):
            process.stdout.readline()
        _, errors = process.communicate(timeout=20)
    assert errors.decode().strip() == "[]"


@pytest.mark.promise("one-time-links")
def test_a_link_that_signs_is_shown_on_a_terminal_and_nowhere_else(monkeypatch):
    ran = piped("console")
    assert ran.returncode == 1
    assert "http" not in ran.stdout + ran.stderr
    with on_a_terminal("serve", "--port", "0") as server:
        server.until("(opens once)")
        url, link = re.search(r"(http://127\.0\.0\.1:\d+)(/in/\S+)", server.shown).groups()
        with on_a_terminal("console") as other:
            assert other.end() == 0
            fresh = re.search(re.escape(url) + r"/in/(\S+)", other.shown)[0]
        assert fresh != url + link
        for address in (url + link, fresh):
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            page = opener.open(urllib.request.Request(address, b""), timeout=20)
            assert b"The desk is clear." in page.read()
        connect = opener.open(page.geturl() + "connect", timeout=20).read().decode()
        assert f"{url}/mcp" in connect
        server.type("\x03")
        server.end()
        assert "Traceback" not in server.shown


def test_serve_without_a_terminal_shows_no_link(tmp_path):
    with started(
        "from deskclerk.faces.cli.main import run; run(['serve', '--port', '0'])",
        environment(tmp_path, "") | {"CLERK_SECRET_KEY": ""},
    ) as process:
        shown = ""
        while "Ctrl-C stops it." not in shown:
            shown += process.stdout.readline().decode()
        process.terminate()
        shown += "".join(part.decode() for part in process.communicate(timeout=20))
    assert "`deskclerk console` in a terminal opens it" in shown
    assert "/in/" not in shown


def test_console_without_a_server_serves_one_until_it_is_stopped():
    with on_a_terminal("console") as terminal:
        terminal.until("Ctrl-C ends it.")
        link = re.search(r"http://127\.0\.0\.1:\d+/in/\S+", terminal.shown)[0]
        assert urllib.request.urlopen(link, timeout=20).status == 200
        terminal.type("\x03")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.shown
