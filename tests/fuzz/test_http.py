"""The HTTP face and the console before no HTTP, too much of it, and slow clients: no 5xx, all are served."""

import asyncio
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import time

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from deskclerk.desk import Desk
from deskclerk.faces.console import authentication
from deskclerk.faces.console.site import Console
from deskclerk.settings import Settings
from tests.conformance.serving import DESKCLERK
from tests.contract.arguments import JSON
from tests.faces.mcp.processes import HANDSHAKE
from tests.fuzz.processes import descriptors, memory

TOKEN = "a-token-of-24-characters"
SECONDS = 30
# Reading the list of authorities takes longer than all the rest.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
MOST_MEMORY = 250
"""MiB; without any of this it has 100."""
ERROR_OF_OURS = 500
SLOW_CLIENTS = 200
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "x" * 100_000, "../..", "\0", "%", "1e999", "-1", "é"])
)

HEADERS = st.sampled_from(["Accept", "Content-Type", "Mcp-Method", "Mcp-Name"])
FIELDS = st.sampled_from(["typed", "decision", "digest", "q", "at", "json"])


class Server:
    """`deskclerk serve` in a process of its own, with its console."""

    def __init__(self, process, facts, home):
        self.process = process
        self.url = facts["url"]
        self.origin = self.url.removesuffix("/mcp")
        self.port = int(self.origin.rpartition(":")[2])
        self.home = home

    def raw(self, content, patience=0.3):
        """What is answered to these bytes, to the end of the connection or of patience."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(content)
            found = b""
            with contextlib.suppress(OSError):
                while piece := connection.recv(65536):
                    found += piece
            return found

    def serves(self):
        """Whether a proper client is answered, by the same process as ever."""
        headers = {"authorization": f"Bearer {TOKEN}", "accept": "application/json, text/event-stream"}
        with httpx2.Client(headers=headers, timeout=SECONDS, verify=NO_TLS) as http:
            answer = http.post(self.url, json=HANDSHAKE[0])
            session = {"mcp-session-id": answer.headers["mcp-session-id"]}
            ended = http.delete(self.url, headers=session)
        return (answer.status_code, ended.status_code, self.process.poll()) == (200, 200, None)


def statuses(answer):
    """The status lines in what a connection brought."""
    return [int(found) for found in re.findall(rb"^HTTP/1\.1 (\d{3})", answer, re.MULTILINE)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    env = {"PATH": os.environ["PATH"], "DESKCLERK_HOME": str(home), "DESKCLERK_TOKEN": TOKEN}
    env |= {"DESKCLERK_APPROVAL_WAIT": "0"}
    log = home / "stderr"
    command = [DESKCLERK, "serve", "--port", "0", "--json"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        yield Server(process, json.loads(process.stdout.readline()), home)
        process.terminate()
        process.communicate(timeout=SECONDS)
    # One line at most for what somebody sends or leaves unsent: a log cannot be flooded from outside.
    assert all(line.startswith(b"WARNING ") for line in log.read_bytes().splitlines())


@pytest.fixture(autouse=True)
def bounded(server):
    yield
    assert server.serves()
    assert memory(server.process.pid) < MOST_MEMORY


HEAD = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
JSON_HEAD = HEAD + b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
PIECES = st.one_of(
    st.sampled_from(
        [
            b"GET /mcp HTTP/1.1\r\n",
            b"POST /mcp HTTP/9.9\r\n",
            b"\r\n",
            b"Host: 127.0.0.1\r\n",
            b"Host: evil.example\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: 99999999999999999999\r\n",
            b"Content-Length: 2\r\nContent-Length: 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"ffffffffff\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
            b"Expect: 100-continue\r\n",
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
            b"Authorization: Bearer \xff\xfe\r\n",
            b"Mcp-Session-Id: \x01\r\n",
            b"Mcp-Session-Id: none\r\n",
            b"MCP-Protocol-Version: 2026-07-28\r\n",
            JSON_HEAD,
        ]
    ),
    st.binary(max_size=40),
)


@given(pieces=st.lists(PIECES, max_size=8))
def test_bytes_that_are_no_request_are_refused_or_left(server, pieces):
    assert all(status < ERROR_OF_OURS for status in statuses(server.raw(b"".join(pieces))))


@given(
    body=JSON,
    headers=st.dictionaries(st.sampled_from(["Accept", "Content-Type", "Mcp-Method", "Mcp-Name"]), TEXTS),
)
def test_a_body_of_any_json_is_answered(server, body, headers):
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Accept": "*/*"}
    for name, text in headers.items():
        # What a client can send at all: the raw bytes are the test above.
        sent[name] = "".join(filter(str.isprintable, text.encode("ascii", "ignore").decode()))[:2000].strip()
    with httpx2.Client(timeout=SECONDS, verify=NO_TLS) as http:
        answer = http.post(server.url, headers=sent, content=json.dumps(body))
    assert answer.status_code < ERROR_OF_OURS


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEAD + b"X: " + b"x" * 2**20 + b"\r\n\r\n", id="one long header"),
        pytest.param(HEAD + b"X: x\r\n" * 100_000 + b"\r\n", id="many headers"),
        pytest.param(b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\n\r\n", id="a long path"),
        pytest.param(b"x" * 2**22, id="no line at all"),
        pytest.param(
            JSON_HEAD + b"Content-Length: 20000000\r\n\r\n" + b"[" * 20_000_000,
            id="a large body that says so",
        ),
        pytest.param(
            JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"100000\r\n" + b" " * 2**20 + b"\r\n") * 20,
            id="a large body in chunks",
        ),
        pytest.param(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nzz", id="chunks that are none"),
        pytest.param(JSON_HEAD + b"Content-Length: 100\r\n\r\n{", id="less than was said"),
        pytest.param(JSON_HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000, id="nested deeply"),
        pytest.param(JSON_HEAD + b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc", id="no UTF-8"),
    ],
)
def test_what_is_too_much_or_too_little_is_refused(server, content):
    before = descriptors(server.process.pid)
    assert all(status < ERROR_OF_OURS and status >= 400 for status in statuses(server.raw(content)))
    assert server.serves()
    assert descriptors(server.process.pid) <= before + 5


def test_a_lone_surrogate_is_told_and_not_waited_for(server):
    line = b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"x":"\\ud800"}}'
    answer = server.raw(JSON_HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(line), line))
    assert statuses(answer) == [400], answer


def test_slow_clients_keep_nobody_from_being_served_and_leave_nothing_behind(server):
    assert server.serves()
    before = descriptors(server.process.pid)
    with contextlib.ExitStack() as stack:
        for number in range(SLOW_CLIENTS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            # Half of them stay within the head, half within the body.
            connection.sendall(HEAD[:20] if number % 2 else JSON_HEAD + b"Content-Length: 50\r\n\r\n{")
        for _ in range(3):
            assert server.serves()
    started = time.monotonic()
    while descriptors(server.process.pid) > before + 5:
        assert time.monotonic() - started < SECONDS
        time.sleep(0.05)


@pytest.fixture(scope="module")
def inside(server):
    """A client that is in at the console, and where its pages are."""

    async def issue():
        async with Desk.open(Settings(home=server.home)) as desk:
            return await desk.console_links.issue(), [
                str(route) for route in paths(Console(desk, server.origin))
            ]

    token, found = asyncio.run(issue())
    with httpx2.Client(base_url=server.origin, timeout=SECONDS, verify=NO_TLS) as http:
        place = http.post(f"/in/{token}", headers={"origin": server.origin}).headers["location"]
        yield http, place.rstrip("/"), found


def paths(console):
    """Every path within the console but the one that leaves it, with its parameters in braces."""
    routes = [*authentication.WITHIN, *(route for page in console.pages for route in page.routes)]
    return {route.path for route in routes if isinstance(route, Route)} - {"/out"}


@given(data=st.data())
def test_the_console_answers_whatever_its_forms_and_addresses_hold(server, inside, data):
    http, place, found = inside
    path = data.draw(st.sampled_from(sorted(found)))
    filled = re.sub(
        r"\{[^}]*\}", lambda _: data.draw(st.sampled_from(["x", "plan_x", "user_1", "%00", "é", "a b"])), path
    )
    page = http.get(f"{place}/", follow_redirects=True).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    fields = data.draw(st.dictionaries(st.text("abcdefg_", min_size=1, max_size=12), TEXTS, max_size=4))
    named = data.draw(st.dictionaries(FIELDS, TEXTS))
    form = {"csrf": csrf[1]} | fields | named
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"]))
    if method == "GET":
        sent = {"params": {name: text[:1000] for name, text in named.items()}}
    else:
        sent = {"data": form, "headers": {"origin": server.origin}}
    answer = http.request(method, place + filled, **sent)
    assert answer.status_code < ERROR_OF_OURS, (method, filled, answer.text[:500])
