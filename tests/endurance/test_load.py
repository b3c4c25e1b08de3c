"""Five hundred MCP sessions over HTTP, half of each era, for a minute; then all is as it was before."""

import asyncio
import contextlib
import itertools
import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from tests.conformance.serving import DESKCLERK
from tests.faces.mcp import processes
from tests.faces.mcp.processes import environment, request
from tests.fuzz.processes import descriptors

SESSIONS = 500
SECONDS = 60
AT_ONCE = 16
PAUSE = 20
"""Seconds between two calls of one session: together they keep to what Clerk takes from a live instance."""
PATIENCE = 120
"""Seconds that one call may take while five hundred wait."""
ROUND = ("clerk_users_list", "clerk_user_get", "clerk_users_list", "clerk_user_ban")
TOKEN = "a-token-of-24-characters"
ACCEPT = "application/json, text/event-stream"
OLDER, MODERN = "2025-11-25", "2026-07-28"
YES = {"action": "accept", "content": {"confirm": True}}
INFO = {"name": "load", "version": "0"}


class Session:
    """One client; every write has a target of its own, so that each needs a signature of its own."""

    numbers = itertools.count()

    def __init__(self, http, url):
        self._http = http
        self._url = url
        self._ids = itertools.count(1)
        self.written = 0
        self.done = 0

    async def run(self, number, until, pause):
        """One call every so often, from a moment of its own on."""
        await self.begin()
        due = time.monotonic() + pause * number / SESSIONS
        for turn in itertools.count(number):
            await asyncio.sleep(max(0, min(due, until) - time.monotonic()))
            if time.monotonic() >= until:
                break
            due += pause
            name = ROUND[turn // 2 % len(ROUND)]
            target = (
                {"limit": 1} if name == "clerk_users_list" else {"user_id": f"user_x_1_{next(self.numbers)}"}
            )
            result = await self.call(name, target)
            assert not result.get("isError"), result
            self.done += 1
            self.written += name == "clerk_user_ban"
        await self.end()

    async def post(self, message, **headers):
        answer = await self._http.post(self._url, json=message, headers=headers)
        assert answer.status_code in (200, 202), answer.text
        return answer


class Handshake(Session):
    """Up to 2025-11-25: a session id, and questions on the stream of the call."""

    async def begin(self):
        hello = {"protocolVersion": OLDER, "capabilities": {"elicitation": {}}, "clientInfo": INFO}
        answer = await self.post(request(0, "initialize", **hello))
        self.headers = {"mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": OLDER}
        await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, **self.headers)

    async def call(self, name, arguments):
        number = next(self._ids)
        message = request(number, "tools/call", name=name, arguments=arguments)
        async with self._http.stream("POST", self._url, json=message, headers=self.headers) as stream:
            assert stream.status_code == 200
            async for line in stream.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                said = json.loads(line[6:])
                if said.get("method") == "elicitation/create":
                    await self.post({"jsonrpc": "2.0", "id": said["id"], "result": YES}, **self.headers)
                elif said.get("id") == number:
                    return said["result"]
        raise AssertionError("the stream ended without an answer")

    async def end(self):
        answer = await self._http.delete(self._url, headers=self.headers)
        assert answer.status_code == 200


class Stateless(Session):
    """2026-07-28: every request by itself, and a question is an answer that wants input."""

    async def begin(self):
        pass

    async def call(self, name, arguments):
        params = {
            "name": name,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": INFO,
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
            },
        }
        result = await self._ask(params)
        if result.get("resultType") == "input_required":
            ((key, _),) = result["inputRequests"].items()
            answered = {"inputResponses": {key: YES}, "requestState": result["requestState"]}
            result = await self._ask(params | answered)
        return result

    async def _ask(self, params):
        headers = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": params["name"]}
        answer = await self.post(request(next(self._ids), "tools/call", **params), **headers)
        text = answer.text
        if "event-stream" in answer.headers["content-type"]:
            text = next(line[6:] for line in reversed(text.splitlines()) if line.startswith("data: {"))
        return json.loads(text)["result"]

    async def end(self):
        pass


async def load(url, sessions, seconds, pause=PAUSE):
    """So many clients for so long; how many calls were made, and how many of them wrote."""
    headers = {"authorization": f"Bearer {TOKEN}", "accept": ACCEPT}
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=sessions)
    async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE, limits=limits) as http:
        clients = [(Handshake, Stateless)[number % 2](http, url) for number in range(sessions)]
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for number, client in enumerate(clients):
                group.create_task(client.run(number, until, pause))
    return sum(client.done for client in clients), sum(client.written for client in clients)


def memory(pid):
    """What a process has in memory now, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def settled(pid, before):
    """Memory and descriptors, once they are back or patience ends."""
    until = time.monotonic() + 20
    while time.monotonic() < until and (memory(pid) > before[0] * 1.1 or descriptors(pid) > before[1] * 1.1):
        time.sleep(0.2)
    return memory(pid), descriptors(pid)


@pytest.fixture
def server(tmp_path):
    upstream = processes.Upstream()
    home = tmp_path / "home"
    with processes.serving(upstream) as origin:
        live = {"CLERK_SECRET_KEY": "sk_live_x", "DESKCLERK_TOKEN": TOKEN, "DESKCLERK_APPROVAL_WAIT": "0"}
        env = environment(home, origin, **live)
        command = [DESKCLERK, "serve", "--port", "0", "--json"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
            yield process, json.loads(process.stdout.readline())["url"], upstream, home / "desk.db"
            process.terminate()
            process.communicate(timeout=PATIENCE)


def test_five_hundred_sessions_meet_no_error_and_leave_nothing_behind(server):
    process, url, upstream, database = server
    # Once through everything, as many sessions as later, and a few at once: what is loaded on the way stays,
    # and so do the connections to the database, which are a few that are kept.
    warmed, warm_writes = asyncio.run(load(url, SESSIONS, PAUSE))
    at_once, more_writes = asyncio.run(load(url, AT_ONCE, 3, pause=0))
    warmed, warm_writes = warmed + at_once, warm_writes + more_writes
    time.sleep(1)
    before = memory(process.pid), descriptors(process.pid)
    calls, writes = asyncio.run(load(url, SESSIONS, SECONDS))
    after = settled(process.pid, before)
    print(f"{calls} calls, {writes} writes; {before} before, {after} after; warmed by {warmed} calls")  # noqa: T201
    assert calls > 2 * SESSIONS
    assert len(upstream.writes) == len(set(upstream.writes)) == warm_writes + writes
    assert after[0] <= before[0] * 1.1
    assert after[1] <= before[1] * 1.1
    with contextlib.closing(sqlite3.connect(database)) as opened:
        ended = "SELECT count(*) FROM events WHERE kind = 'outcome' AND outcome = 'done'"
        assert opened.execute(ended).fetchone()[0] == warm_writes + writes
    env = {"PATH": os.environ["PATH"], "DESKCLERK_HOME": str(database.parent)}
    assert (
        subprocess.run([DESKCLERK, "journal", "verify"], env=env, capture_output=True, check=False).returncode
        == 0
    )
