"""A served desk, watched from outside and told to end: in its order, or at once."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from deskclerk.errors import InvalidSettings
from deskclerk.hosted.operating.operating import Operating
from deskclerk.settings import Settings
from tests.faces.mcp import processes
from tests.faces.mcp.conftest import Dialogue

pytestmark = pytest.mark.anyio
KEY = "sk_test_of_the_instance"
TOKEN = "a-token-of-24-characters"
METRICS_TOKEN = "a-token-of-prometheus"
SERVE = (
    "import sys; sys.argv[1:] = ['serve', '--port', '0', '--json'];"
    "from deskclerk.faces.cli.main import run; run()"
)
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})
ENDED = (0, -signal.SIGTERM)


class Served:
    """Deskclerk in a process of its own."""

    def __init__(self, process, home):
        self.process, self.home = process, home
        self.url = json.loads(process.stdout.readline())["url"]
        self.origin = self.url.removesuffix("/mcp")

    def client(self, **headers):
        return httpx2.AsyncClient(base_url=self.origin, headers=headers, timeout=30)

    async def ended(self, seconds=20):
        return await anyio.to_thread.run_sync(self.process.wait, seconds)

    async def leaving(self):
        """Once it has said that it ends, or takes no more connections."""
        while True:
            try:
                async with self.client() as client:
                    if (await client.get("/readyz")).status_code == 503:
                        return
            except httpx2.TransportError:
                return

    def lines(self):
        return [json.loads(line) for line in self.process.stderr.read().splitlines()]

    def events(self):
        database = sqlite3.connect(self.home / "desk.db")
        try:
            return database.execute("select kind, action, outcome from events order by seq").fetchall()
        finally:
            database.close()

    async def ban(self):
        """Somebody signs in the client's dialogue, and the write leaves."""
        async with (
            self.client(authorization=f"Bearer {TOKEN}") as http,
            Client(
                streamable_http_client(self.url, http_client=http),
                mode="auto",
                elicitation_callback=Dialogue(),
            ) as client,
        ):
            # Or it would ask for them behind the call, of a server that may have ended by then.
            await client.list_tools()
            return await client.call_tool(*BAN)


@pytest.fixture
def clerk():
    return processes.Upstream()


@pytest.fixture
def serve(clerk, tmp_path):
    """Starts it with settings."""
    stack = []

    def started(**settings):
        upstream = processes.serving(clerk)
        origin = upstream.__enter__()
        stack.append(upstream)
        known = {"CLERK_SECRET_KEY": KEY, "DESKCLERK_TOKEN": TOKEN}
        environment = processes.environment(tmp_path / "home", origin, **known | settings)
        process = processes.started(SERVE, environment)
        stack.append(process)
        return Served(process.__enter__(), tmp_path / "home")

    yield started
    for context in reversed(stack):
        context.__exit__(None, None, None)


@pytest.mark.promise("operating-is-watched")
async def test_it_is_watched_without_a_secret_an_id_or_a_name_in_what_it_tells(serve):
    served = serve(DESKCLERK_LOG_FORMAT="json", DESKCLERK_METRICS_TOKEN=METRICS_TOKEN)
    async with served.client() as client:
        assert (await client.get("/livez")).json()["status"] == "alive"
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]["ok"]) == (200, True)
        assert (await client.get("/metrics")).status_code == 401
        # What is asked of the desk itself is for whoever has its token, as before.
        assert (await client.post("/mcp")).status_code == 401
    assert not (await served.ban()).is_error
    async with served.client(authorization=f"Bearer {METRICS_TOKEN}") as client:
        metrics = (await client.get("/metrics")).text
    assert 'deskclerk_calls_total{action="clerk_user_ban",outcome="done"} 1.0' in metrics
    assert (
        'deskclerk_clerk_requests_total{method="POST",route="/users/{user_id}/ban",status="200"}' in metrics
    )
    served.process.send_signal(signal.SIGTERM)
    assert await served.ended() in ENDED
    lines = served.lines()
    asked = [line for line in lines if line["logger"] == "deskclerk.requests"]
    assert {(line["method"], line["route"]) for line in asked} >= {("POST", "/mcp")}
    assert all(line["request_id"].startswith("req_") for line in asked)
    assert not {"/livez", "/readyz", "/metrics"} & {line["route"] for line in asked}
    for secret in (KEY, TOKEN, METRICS_TOKEN, "x_1", "Ada"):
        assert secret not in json.dumps(lines) + metrics


async def test_a_probe_by_an_address_is_answered_and_nothing_else_is(serve):
    served = serve(DESKCLERK_METRICS_TOKEN=METRICS_TOKEN)
    async with served.client(host="10.0.0.7:8765") as client:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/")).status_code == 421


@pytest.mark.promise("ends-in-order")
async def test_asked_to_end_it_says_so_before_it_stops_answering(serve):
    served = serve(DESKCLERK_GRACE_SECONDS="8")
    async with served.client() as client:
        assert (await client.get("/readyz")).status_code == 200
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        while (answer := await client.get("/readyz")).status_code == 200:
            assert time.monotonic() - began < 7
        assert answer.json()["status"] == "ending"
        assert (await client.get("/livez")).status_code == 200
        assert not (await served.ban()).is_error
    assert await served.ended() in ENDED
    assert time.monotonic() - began >= 8


async def test_an_interrupt_waits_for_no_load_balancer(serve):
    served = serve(DESKCLERK_GRACE_SECONDS="60")
    served.process.send_signal(signal.SIGINT)
    assert await served.ended() == 0


@pytest.mark.promise("ends-in-order")
async def test_a_write_under_way_ends_before_the_process_does(serve, clerk):
    served = serve(DESKCLERK_GRACE_SECONDS="0.2")
    clerk.gate.clear()
    banning = asyncio.create_task(served.ban())
    await anyio.to_thread.run_sync(clerk.arrived.wait, 20)
    served.process.send_signal(signal.SIGTERM)
    await served.leaving()
    assert served.process.poll() is None
    clerk.gate.set()
    assert await served.ended() in ENDED
    assert served.events()[-1] == ("outcome", "clerk_user_ban", "done")
    # And whoever asked is told.
    answer = await banning
    assert (answer.is_error, answer.structured_content["id"]) == (False, "x_1")
    assert b"ASGI callable returned" not in served.process.stderr.read()


@pytest.mark.promise("ends-in-order")
@pytest.mark.parametrize("grace", ["0", "60"])
@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once_and_the_journal_says_what_is_not_known(
    serve, clerk, grace, again
):
    served = serve(DESKCLERK_GRACE_SECONDS=grace)
    clerk.gate.clear()
    banning = asyncio.create_task(served.ban())
    await anyio.to_thread.run_sync(clerk.arrived.wait, 20)
    served.process.send_signal(signal.SIGTERM)
    await served.leaving()
    served.process.send_signal(again)
    began = time.monotonic()
    await served.ended(30)
    assert time.monotonic() - began < 20
    assert served.events()[-1] == ("outcome", "clerk_user_ban", "unknown")
    assert b"Traceback" not in served.process.stderr.read()
    await asyncio.gather(banning, return_exceptions=True)


def test_a_desk_that_is_asked_for_none_of_it_loads_none_of_it():
    code = (
        "import sys; from deskclerk.faces.cli.serve import _operating; "
        "from deskclerk.settings import Settings; "
        "import deskclerk.faces.mcp.http, deskclerk.desk.desk; "
        "assert _operating(Settings()) is None; "
        "print(sorted({'deskclerk.hosted', 'prometheus_client', 'opentelemetry.sdk'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "options", "extra"),
    [
        ("prometheus_client", {}, "deskclerk[hosted]"),
        ("opentelemetry.sdk.trace", {"otlp_endpoint": "http://127.0.0.1:9"}, "deskclerk[telemetry]"),
    ],
)
def test_a_library_that_is_missing_is_told_with_how_it_comes(missing, options, extra, monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.startswith("deskclerk.hosted.operating.")]:
        if name.rpartition(".")[2] in ("metrics", "tracing"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    # As it is after the first import of the room: an attribute would be found without an import.
    monkeypatch.delattr("deskclerk.hosted.operating.metrics", raising=False)
    with pytest.raises(InvalidSettings, match="not installed") as caught:
        Operating(Settings(home=tmp_path, **options), lambda: None, metrics=not options)
    assert extra in caught.value.next_step
