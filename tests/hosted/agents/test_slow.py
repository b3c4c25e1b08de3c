"""What is slow or large on its way to a replica holds nothing but its own connection."""

import asyncio
import base64
import json
import logging
import socket
from functools import partial
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
import uvicorn
from pydantic import SecretStr

from deskclerk.faces.hosted import admission
from deskclerk.faces.hosted.server import hosted_app
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.parts import opened
from deskclerk.hosted.people.members import Members
from deskclerk.hosted.people.sessions import PersonSessions
from deskclerk.http_server import BoundedProtocol, serving_within
from deskclerk.settings import Settings
from tests.hosted.agents.conftest import ADA, ALL, BEN, sign_in_everybody
from tests.hosted.people.test_policy import FORM as POLICY

pytestmark = pytest.mark.anyio
LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()


class Hasty(BoundedProtocol):
    head_seconds, body_seconds = 1.0, 2.0


class Served:
    """A replica on a port, with a token for it."""

    def __init__(self, replica, address, token, token_id):
        self.replica, self.address, self.token, self.token_id = replica, address, token, token_id

    @property
    def desks(self):
        return len(self.replica.places._desks)

    def head(self, *lines):
        given = [
            "POST /mcp/acme/prod HTTP/1.1",
            "Host: desk.example",
            f"Authorization: Bearer {self.token}",
            "Accept: application/json, text/event-stream",
            "Content-Type: application/json",
            *lines,
        ]
        return "\r\n".join([*given, "", ""]).encode()

    @property
    def database(self):
        return self.replica.places._parts.database

    async def workspace(self):
        return (await self.replica.places._parts.workspaces.find("acme")).id

    async def held(self, head, body, meanwhile):
        """What is answered to a body that comes after the head was let in, and `meanwhile` was done."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            # Said once somebody wants the body: the head has been dealt with.
            writer.write(head)
            assert await asyncio.wait_for(reader.readline(), 20) == b"HTTP/1.1 100 Continue\r\n"
            await meanwhile()
            writer.write(body)
            return (await asyncio.wait_for(reader.read(), 20)).lstrip()
        finally:
            writer.close()

    async def asked(self, *parts):
        """All that is answered to some bytes."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            for part in parts:
                writer.write(part)
            await writer.drain()
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()

    async def list(self):
        return await self.asked(self.head(f"Content-Length: {len(LIST)}", "Connection: close"), LIST)


async def nothing():
    """What happens between head and body of most requests."""


@pytest.fixture
async def served(url, redis_server):
    settings = Settings(
        database=SecretStr(url),
        redis=SecretStr(redis_server.url),
        public_url="https://desk.example",
        issuer="https://issuer.invalid",
        client_id="desk",
        vault_key=SecretStr(base64.b64encode(b"v" * 32).decode()),
    )
    async with opened(settings) as parts:
        workspace = await parts.workspaces.create("acme", "Acme", ADA)
        await sign_in_everybody(parts.database, settings.issuer)
        await parts.workspaces.add_instance(workspace.id, "prod", SecretStr("sk_test_x"))
        agent = await parts.agents.create(workspace.id, "bot", AgentRules(), ADA)
        tokens = WorkspaceTokens(parts.database)
        made, token = await tokens.make(workspace.id, agent.id, scopes=ALL, days=1, made_by=ADA)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with hosted_app(settings) as replica:
            config = uvicorn.Config(replica.app, http=Hasty, lifespan="off", ws="none", log_config=None)
            async with serving_within(config, listener):
                yield Served(replica, listener.getsockname(), token, made.id)


async def test_a_body_that_trickles_in_ends_with_408_and_holds_no_desk_and_no_connection(served, caplog):
    pool = served.replica.places._parts.database.shared
    reader, writer = await asyncio.open_connection(*served.address)
    writer.write(served.head(f"Content-Length: {len(LIST)}"))
    answered = asyncio.ensure_future(reader.read())
    sent = 0
    async with asyncio.timeout(15):
        while not answered.done():
            writer.write(LIST[sent : sent + 1])
            sent += 1
            await asyncio.wait([answered], timeout=0.1)
            if sent == 10:
                # Let in by now, and held by nothing: others are answered meanwhile.
                assert (served.desks, pool.pool_use.in_use) == (0, 0)
    assert 10 < sent < len(LIST)
    assert (await answered).startswith(b"HTTP/1.1 408 Request Timeout")
    writer.close()
    assert served.desks == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (await served.list()).startswith(b"HTTP/1.1 200")


async def test_a_body_that_comes_in_pieces_is_answered(served):
    pieces = [LIST[number : number + 7] for number in range(0, len(LIST), 7)]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    answer = await served.asked(served.head("Transfer-Encoding: chunked", "Connection: close"), chunked)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"clerk_users_list" in answer


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large_is_413_before_a_desk_is_opened(served, declared):
    if declared:
        parts = [served.head(f"Content-Length: {admission.LARGEST_BODY + 1}", "Connection: close")]
    else:
        piece = b"10000\r\n" + b" " * 2**16 + b"\r\n"
        parts = [served.head("Transfer-Encoding: chunked", "Connection: close"), piece * 65]
    answer = await served.asked(*parts)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"too_large" in answer
    assert served.desks == 0


async def test_what_one_workspace_sends_at_once_has_an_end(served, monkeypatch):
    monkeypatch.setattr(admission, "MOST_COMING", 1_000)
    held = []
    for _ in range(2):
        reader, writer = await asyncio.open_connection(*served.address)
        writer.write(served.head("Content-Length: 700") + b" " * 600)
        held.append((reader, writer))
    # Of the two the one that came second is refused, and the first goes on.
    read = [asyncio.ensure_future(reader.readline()) for reader, _ in held]
    async with asyncio.timeout(10):
        done, waits = await asyncio.wait(read, return_when=asyncio.FIRST_COMPLETED)
    assert [await item for item in done] == [b"HTTP/1.1 429 Too Many Requests\r\n"]
    (first,) = waits
    writer = held[read.index(first)][1]
    writer.write(b" " * 100)
    assert (await asyncio.wait_for(first, 10)).startswith(b"HTTP/1.1 400")
    for _, writer in held:
        writer.close()
    assert (await served.list()).startswith(b"HTTP/1.1 200")


async def test_a_token_that_is_revoked_before_the_body_has_come_is_none(served):
    head = served.head(f"Content-Length: {len(LIST)}", "Connection: close", "Expect: 100-continue")

    async def revoked():
        await WorkspaceTokens(served.database).revoke(await served.workspace(), served.token_id)

    assert (await served.held(head, LIST, nothing)).startswith(b"HTTP/1.1 200")
    answer = await served.held(head, LIST, revoked)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"revoked" in answer


@pytest.mark.parametrize("path", ["/w/acme/i/prod/secrets", "/w/acme/policy"])
async def test_a_form_that_comes_after_its_sender_has_gone_changes_nothing(served, path):
    workspace, sessions = await served.workspace(), PersonSessions(served.database.whole)
    members = Members(served.database, workspace)
    await served.replica.places._parts.workspaces.add_member(workspace, BEN, "owner")
    cookie = await sessions.begin(SimpleNamespace(id=BEN), "browser")
    csrf = (await sessions.find(cookie)).csrf
    body = urlencode({"csrf": csrf, "name": "smtp", "value": "hunter2", **POLICY}).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: desk.example",
        f"Cookie: __Host-deskclerk={cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "Expect: 100-continue",
    ]

    async def status(meanwhile):
        answer = await served.held("\r\n".join([*lines, "", ""]).encode(), body, meanwhile)
        return answer.split()[1]

    assert await status(nothing) == b"303"
    assert await status(partial(members.remove, BEN)) == b"404"
    await served.replica.places._parts.workspaces.add_member(workspace, BEN, "owner")
    assert await status(partial(sessions.end_all, BEN)) == b"401"
