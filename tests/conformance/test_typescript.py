"""The TypeScript SDK's clients read, write with a dialogue, and write with a signature from elsewhere."""

import asyncio
import contextlib
import json
import time

import pytest

from deskclerk.catalogue import ACTIONS, ListUsers
from deskclerk.desk import Decision, Desk, Signature
from deskclerk.settings import Settings
from tests.conformance.fixtures import TOOLS
from tests.conformance.serving import DESKCLERK, FOLDER, NODE, TOKEN, environment

pytestmark = pytest.mark.anyio
SECONDS = 60
CLIENTS = {
    "old line": ("v1", "legacy", "2025-11-25"),
    "new line, handshake": ("v2", "legacy", "2025-11-25"),
    "new line, stateless": ("v2", "auto", "2026-07-28"),
}


@pytest.fixture
async def desk(home):
    """Another desk on the same home: a person's."""
    async with Desk.open(Settings(home=home)) as desk:
        yield desk


@pytest.fixture(params=CLIENTS)
def client(request):
    return CLIENTS[request.param]


@pytest.fixture(params=["stdio", "http"])
def talk(request, home, url, client):
    """Has a client do these calls; what it printed, line by line."""
    sdk, era, version = client
    reached = {"url": url, "token": TOKEN}
    if request.param == "stdio":
        reached = {"command": [DESKCLERK, "mcp"], "env": environment(home)}

    async def run(*calls, answer=None):
        told = {"sdk": sdk, "era": era, "answer": answer, "calls": calls, **reached}
        process = await asyncio.create_subprocess_exec(
            NODE, FOLDER / "client.js", json.dumps(told), stdout=asyncio.subprocess.PIPE
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        first, *results = map(json.loads, out.splitlines())
        many = len(ACTIONS) + (len(TOOLS) if request.param == "http" else 0)
        assert first == {"version": version, "tools": many}
        return results

    return run


async def someone(desk):
    """A user of the sandbox."""
    answer = await desk.perform(ListUsers(limit=1))
    return answer.value["items"][0]["id"]


@pytest.mark.promise("conformance")
async def test_a_read_and_a_write_with_a_dialogue(talk, desk):
    user_id = await someone(desk)
    read, banned, after, end = await talk(
        ["clerk_user_get", {"user_id": user_id}],
        ["clerk_user_ban", {"user_id": user_id}],
        ["clerk_user_get", {"user_id": user_id}],
        answer={"confirm": True},
    )
    assert (read["error"], "banned" in read["value"]) == (False, False)
    assert (banned["error"], after["value"]["banned"]) == (False, True)
    (question,) = end["asked"]
    assert question.startswith("Ban user")


@pytest.mark.promise("declined-is-final")
async def test_a_no_in_the_dialogue_is_final(talk, desk):
    user_id = await someone(desk)
    banned, after, _ = await talk(
        ["clerk_user_ban", {"user_id": user_id}],
        ["clerk_user_get", {"user_id": user_id}],
        answer={"confirm": False},
    )
    assert banned["error"]
    assert "declined" in banned["text"]
    assert "banned" not in after["value"]


@pytest.mark.promise("conformance")
async def test_a_write_that_is_signed_elsewhere(talk, desk):
    user_id = await someone(desk)

    async def sign():
        started = time.monotonic()
        while not (waiting := await desk.plans.waiting()):
            assert time.monotonic() - started < SECONDS
            await asyncio.sleep(0.05)
        await desk.sign(waiting[0].plan.id, Signature(Decision.APPROVED, "terminal, approve"))

    (banned, after, _), _ = await asyncio.gather(
        talk(["clerk_user_ban", {"user_id": user_id}], ["clerk_user_get", {"user_id": user_id}]), sign()
    )
    assert (banned["error"], after["value"]["banned"]) == (False, True)
