"""Who may not reach MCP over HTTP."""

import httpx2
import pytest
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import Response

from deskclerk.errors import InvalidSettings
from deskclerk.faces.mcp.http import app
from deskclerk.faces.mcp.http_access import TOKEN as SHOWN
from deskclerk.faces.mcp.http_access import AccessGuard, tokens_of
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-24-characters"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


@pytest.fixture
def knock(tmp_path):
    """Posts to `/mcp` as it would be served on a host; the status and headers of the answer."""

    async def posted(headers, host="127.0.0.1", path="/mcp", **settings):
        served = app(Settings(home=tmp_path, **settings), host=host, port=8000)
        async with (
            served.router.lifespan_context(served),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=served), base_url="http://x") as client,
        ):
            return await client.post(path, json=PING, headers=HEADERS | headers)

    return posted


def bearer(token):
    return {"authorization": f"Bearer {token}"}


async def served(answer):
    """Past the guard: the protocol itself answers, that there is no session yet."""
    return answer.status_code == 400 and "session" in answer.text.lower()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "localhost:9000"])
async def test_loopback_names_are_answered(knock, host):
    assert await served(await knock({"host": host}))


@pytest.mark.promise("who-may-reach-it")
@pytest.mark.parametrize("path", ["/", "/mcp", "/anything"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example:8000",
        "localhost.evil.example",
        "",
        "192.0.2.1",
    ],
)
async def test_another_host_name_is_refused(knock, host, path):
    assert (await knock({"host": host}, path=path)).status_code == 421


@pytest.mark.promise("who-may-reach-it")
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://evil.example:8000",
        "null",
        "http://127.0.0.1:3000",
        "http://localhost:8000.evil.example",
        "https://localhost:8000",
        "http://localhost",
    ],
)
async def test_a_page_of_another_origin_is_refused(knock, origin):
    assert (await knock({"host": "localhost:8000", "origin": origin})).status_code == 403


async def test_a_page_of_its_own_origin_is_answered(knock):
    assert await served(await knock({"host": "localhost:8000", "origin": "http://localhost:8000"}))


@pytest.mark.promise("who-may-reach-it")
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_host_and_origin_are_checked_on_every_bind(knock, host):
    settings = {"host": host, "token": TOKEN}
    assert (await knock(bearer(TOKEN) | {"host": "evil.example"}, **settings)).status_code == 421
    crossed = {"host": "localhost:8000", "origin": "http://evil.example"}
    assert (await knock(bearer(TOKEN) | crossed, **settings)).status_code == 403
    assert await served(await knock(bearer(TOKEN) | {"host": "localhost:8000"}, **settings))


@pytest.mark.promise("who-may-reach-it")
async def test_a_name_in_the_settings_is_answered_behind_its_proxy(knock):
    settings = {"host": "0.0.0.0", "token": TOKEN, "hosts": ("mcp.example.com",)}
    proxied = {"host": "mcp.example.com", "origin": "https://mcp.example.com"}
    assert await served(await knock(bearer(TOKEN) | proxied, **settings))
    assert (await knock(bearer(TOKEN) | {"host": "www.example.com"}, **settings)).status_code == 421


@pytest.mark.promise("who-may-reach-it")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_no_bind_beyond_loopback_without_a_token(tmp_path, host):
    with pytest.raises(InvalidSettings, match=r"no token is set.*DESKCLERK_TOKEN"):
        app(Settings(home=tmp_path), host=host)


@pytest.mark.parametrize("token", ["short", "15-characters--", "with a space, long", "ümläut-sind-nicht-da"])
def test_a_token_that_is_none_is_refused_on_every_bind(tmp_path, token):
    with pytest.raises(InvalidSettings, match="DESKCLERK_TOKEN is too short"):
        app(Settings(home=tmp_path, token=token), host="127.0.0.1")


@pytest.mark.promise("who-may-reach-it")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(TOKEN.upper()),
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer\u00e4 {TOKEN}".encode("latin-1")},
    ],
)
async def test_a_wrong_token_is_refused_and_told_what_is_wanted(knock, host, headers):
    answer = await knock({"host": "localhost:8000"} | headers, host=host, token=TOKEN)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/", "/mcp/", "/anything"])
async def test_the_guard_stands_before_every_path(knock, path):
    assert (await knock({"host": "localhost:8000"}, path=path, token=TOKEN)).status_code == 401


async def test_the_right_token_is_let_in(knock):
    assert await served(await knock(bearer(TOKEN) | {"host": "localhost:8000"}, token=TOKEN))
    assert await served(
        await knock({"host": "localhost:8000", "authorization": f"bearer {TOKEN}"}, token=TOKEN)
    )


def test_a_host_that_is_none_is_an_error_of_the_settings(tmp_path):
    with pytest.raises(InvalidSettings, match="no such address"):
        app(Settings(home=tmp_path), host="no.such.host.invalid")


@pytest.mark.parametrize("name", ["https://mcp.example.com", "*", "a b", "-x"])
def test_what_is_no_host_name_is_an_error_of_the_settings(name):
    with pytest.raises(InvalidSettings, match="not a host name"):
        Settings.load({"hosts": (name,)}, {})


async def test_each_named_token_is_let_in_and_known_by_its_name():
    settings = Settings(token=TOKEN, tokens={"reader": "another-token-of-mine"})
    seen = []

    async def behind(scope, receive, send):
        seen.append(scope[SHOWN])
        await Response()(scope, receive, send)

    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    guard = AccessGuard(behind, security, tokens_of(settings))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=guard), base_url="http://x") as client:
        statuses = [
            (await client.get("/", headers=bearer(token))).status_code
            for token in (TOKEN, "another-token-of-mine", "a-token-of-nobody-at-all", "")
        ]
    assert statuses == [200, 200, 401, 401]
    assert seen == ["token", "reader"]


def test_a_short_named_token_is_refused(tmp_path):
    with pytest.raises(InvalidSettings, match=r"tokens\.reader is too short"):
        app(Settings(home=tmp_path, tokens={"reader": "short"}), host="127.0.0.1")
