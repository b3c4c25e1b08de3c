import contextlib
import json
import signal
import socket

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deskclerk.errors import InvalidSettings
from deskclerk.faces.mcp.http import app, run
from deskclerk.settings import Settings
from tests.faces.mcp import processes
from tests.faces.mcp.conftest import Dialogue
from tests.faces.mcp.processes import (
    HANDSHAKE,
    HTTP,
    environment,
    look_beside_the_tools,
    request,
    started,
)

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-24-characters"
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})
ENDED = (0, -signal.SIGTERM)


@pytest.fixture
def clerk():
    return processes.Upstream()


@pytest.fixture
def listening(clerk, tmp_path):
    """Deskclerk in a process of its own; it and the URL that it said it listens on."""
    with (
        processes.serving(clerk) as origin,
        started(HTTP, environment(tmp_path / "home", origin, DESKCLERK_TOKEN=TOKEN)) as process,
    ):
        yield process, process.stdout.readline().decode().strip()


@contextlib.asynccontextmanager
async def connected(url, era, dialogue):
    """An official client, over real HTTP, with the token."""
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}, timeout=30) as http,
        Client(
            streamable_http_client(url, http_client=http), mode=era, elicitation_callback=dialogue
        ) as client,
    ):
        yield client


@pytest.mark.promise("conformance")
async def test_an_official_client_lists_reads_and_writes(clerk, listening, era):
    _, url = listening
    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/mcp")
    async with connected(url, era, Dialogue()) as client:
        assert len((await client.list_tools()).tools) == 48
        found = await client.call_tool("clerk_users_list", {})
        assert found.structured_content["items"] == [{"id": "x_1", "name": "Ada"}]
        assert not (await client.call_tool(*BAN)).is_error
    assert clerk.writes == [("POST", "/v1/users/user_x_1/ban")]


@pytest.mark.promise("beside-tools")
async def test_prompts_resources_and_completions_come_over_http(listening, era):
    _, url = listening
    async with connected(url, era, Dialogue()) as client:
        await look_beside_the_tools(client)


async def test_a_client_that_goes_away_does_not_tear_a_write(clerk, listening, events, era):
    process, url = listening
    clerk.gate.clear()
    async with connected(url, era, Dialogue()) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, *BAN)
        await anyio.to_thread.run_sync(clerk.arrived.wait, 20)
        group.cancel_scope.cancel()
    process.send_signal(signal.SIGTERM)
    clerk.gate.set()
    assert await anyio.to_thread.run_sync(process.wait, 20) in ENDED
    assert events()[-1] == ("outcome", "clerk_user_ban", "done")


async def test_a_signal_ends_it_with_a_client_connected(listening, era):
    process, url = listening
    async with connected(url, era, Dialogue()) as client:
        await client.list_tools()
        process.send_signal(signal.SIGTERM)
        assert await anyio.to_thread.run_sync(process.wait, 20) in ENDED
    assert b"Traceback" not in process.stderr.read()


async def test_a_call_under_way_is_answered_before_the_process_ends(clerk, listening, era):
    process, url = listening
    clerk.gate.clear()
    async with connected(url, era, Dialogue()) as client, anyio.create_task_group() as group:
        answers = []
        await client.list_tools()  # or it would ask for them behind the call

        async def ban():
            answers.append(await client.call_tool(*BAN))

        group.start_soon(ban)
        await anyio.to_thread.run_sync(clerk.arrived.wait, 20)
        process.send_signal(signal.SIGTERM)
        await anyio.sleep(2)
        assert process.poll() is None
        clerk.gate.set()
    assert [answer.is_error for answer in answers] == [False]
    assert await anyio.to_thread.run_sync(process.wait, 20) in ENDED
    assert b"ERROR" not in process.stderr.read()


@pytest.mark.parametrize("asked", [True, False])
async def test_a_call_that_waits_for_a_person_is_told_that_the_process_ends(clerk, listening, asked):
    process, url = listening
    shown = anyio.Event()

    async def nobody(_context, _params):
        shown.set()
        await anyio.sleep_forever()

    async def waits(*_progress):
        shown.set()

    answers = []
    async with (
        connected(url, "legacy", nobody if asked else None) as client,
        anyio.create_task_group() as group,
    ):

        async def ban():
            answers.append(await client.call_tool(*BAN, progress_callback=waits))

        group.start_soon(ban)
        with anyio.fail_after(20):
            await shown.wait()
        process.send_signal(signal.SIGTERM)
    (answer,) = answers
    assert answer.is_error
    assert "this server ends before one has" in answer.content[0].text
    assert "deskclerk approve plan_" in answer.content[0].text
    assert await anyio.to_thread.run_sync(process.wait, 20) in ENDED
    assert clerk.writes == []
    assert b"ERROR" not in process.stderr.read()


async def test_a_handshake_client_is_asked_on_the_stream_of_its_own_call(clerk, listening):
    _, url = listening
    headers = {"authorization": f"Bearer {TOKEN}", "accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=headers) as http:
        hello = await http.post(url, json=HANDSHAKE[0])
        http.headers["mcp-session-id"] = hello.headers["mcp-session-id"]
        await http.post(url, json=HANDSHAKE[1])
        call = request(2, "tools/call", name=BAN[0], arguments=BAN[1])
        async with http.stream("POST", url, json=call) as stream:
            said = (json.loads(line[6:]) async for line in stream.aiter_lines() if line[:7] == "data: {")
            question = await anext(said)
            assert question["method"] == "elicitation/create"
            yes = {"action": "accept", "content": {"confirm": True}}
            await http.post(url, json={"jsonrpc": "2.0", "id": question["id"], "result": yes})
            assert (await anext(said))["result"]["structuredContent"]["id"] == "x_1"
    assert len(clerk.writes) == 1


async def test_more_clients_are_served_than_a_shell_lets_a_process_have_files(clerk, tmp_path):
    with processes.serving(clerk) as origin, contextlib.ExitStack() as stack:
        env = environment(tmp_path / "home", origin, DESKCLERK_TOKEN=TOKEN)
        few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096));"
        process = stack.enter_context(started(f"{few}{HTTP}", env))
        url = process.stdout.readline().decode().strip()
        place = ("127.0.0.1", httpx2.URL(url).port)
        for _ in range(100):
            stack.enter_context(socket.create_connection(place)).sendall(b"POST /mcp HTTP/1.1\r\n")
        async with connected(url, "auto", Dialogue()) as client:
            assert len((await client.list_tools()).tools) == 48


async def test_without_the_token_nobody_is_let_in(listening):
    _, url = listening
    async with httpx2.AsyncClient() as http:
        assert (await http.post(url, json={})).status_code == 401


def test_a_port_that_is_taken_is_an_error_of_the_settings(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InvalidSettings, match="--port"):
        run(Settings(home=tmp_path), "127.0.0.1", taken.getsockname()[1])


async def test_further_pages_are_served_on_the_same_desk(tmp_path):
    class Page:
        def __init__(self, desk, origin):
            self.routes = [Route("/", lambda _: PlainTextResponse(f"{desk.instance.label} {origin}"))]

    served = app(Settings(home=tmp_path), beside=Page)
    transport = httpx2.ASGITransport(app=served)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as http:
        assert (await http.get("/")).text == "sandbox http://127.0.0.1:8000"
