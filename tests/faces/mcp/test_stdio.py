import json
import os
import signal
import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters

from deskclerk.faces.mcp.stdio_lines import LONGEST
from tests.faces.mcp import processes
from tests.faces.mcp.conftest import Dialogue
from tests.faces.mcp.processes import HANDSHAKE, NOISE, STDIO, environment, request, send, started

BAN = request(2, "tools/call", name="clerk_user_ban", arguments={"user_id": "user_x_1"})
YES = {"action": "accept", "content": {"confirm": True}}


@pytest.fixture
def clerk():
    return processes.Upstream()


@pytest.fixture
def env(clerk, tmp_path):
    with processes.serving(clerk) as origin:
        yield environment(tmp_path / "home", origin)


def begin_a_ban(process, clerk):
    """Ask for a ban, answer its question with yes, and wait until the write is on its way."""
    send(process, *HANDSHAKE, BAN)
    process.stdout.readline()
    question = json.loads(process.stdout.readline())
    assert question["method"] == "elicitation/create"
    send(process, {"jsonrpc": "2.0", "id": question["id"], "result": YES})
    assert clerk.arrived.wait(20)


@pytest.mark.promise("conformance")
@pytest.mark.anyio
async def test_an_official_client_lists_reads_and_writes(clerk, env, era):
    server = StdioServerParameters(command=sys.executable, args=processes.command(STDIO)[1:], env=env)
    async with Client(server, mode=era, elicitation_callback=Dialogue()) as client:
        assert len((await client.list_tools()).tools) == 48
        found = await client.call_tool("clerk_users_list", {})
        assert found.structured_content["items"] == [{"id": "x_1", "name": "Ada"}]
        assert not (await client.call_tool("clerk_user_ban", {"user_id": "user_x_1"})).is_error
    assert clerk.writes == [("POST", "/v1/users/user_x_1/ban")]


@pytest.mark.promise("beside-tools")
@pytest.mark.anyio
async def test_prompts_resources_and_completions_come_over_stdio(env, era):
    server = StdioServerParameters(command=sys.executable, args=processes.command(STDIO)[1:], env=env)
    async with Client(server, mode=era) as client:
        await processes.look_beside_the_tools(client)


def test_input_that_ends_while_a_new_database_is_made_ends_the_process_in_order(tmp_path):
    """Without a key: the sandbox is filled and migrated while the call waits for it."""
    lines = [*HANDSHAKE, request(2, "tools/call", name="clerk_users_list", arguments={})]
    done = subprocess.run(
        processes.command(STDIO),
        input="".join(f"{json.dumps(line)}\n" for line in lines).encode(),
        capture_output=True,
        env=os.environ | {"DESKCLERK_HOME": str(tmp_path / "new")},
        timeout=60,
        check=False,
    )
    # A signal here is the driver's: its connection was closed under a statement.
    assert done.returncode == 0, done.stderr.decode()[-500:]


def test_nothing_but_protocol_stands_on_stdout(env):
    with started(f"exec({NOISE!r}); {STDIO}", env) as process:
        read = request(2, "tools/call", name="clerk_users_list", arguments={})
        send(process, *HANDSHAKE, read)
        answers = [process.stdout.readline() for _ in range(2)]
        rest, errors = process.communicate()
    assert [json.loads(line)["id"] for line in answers] == [1, 2]
    assert rest == b""
    assert b"stray print" in errors
    assert b"stray bytes" in errors


def test_a_line_that_is_no_message_is_answered_and_the_next_one_is_read(env):
    with started(STDIO, env) as process:
        send(process, *HANDSHAKE)
        process.stdin.write(b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"x":"\\ud800"}}\n')
        process.stdin.write(b'[{"jsonrpc":"2.0","id":8,"method":"ping"}]\n\nno JSON\n')
        process.stdin.write(b'{"jsonrpc":"2.0","id":9,"method":"ping"}' + b" " * LONGEST + b"\n")
        send(process, request(10, "ping"))
        answers = [json.loads(process.stdout.readline()) for _ in range(6)]
    codes = [(answer["id"], answer.get("error", {}).get("code")) for answer in answers]
    assert codes == [(1, None), (7, -32600), (None, -32600), (None, -32700), (9, -32600), (10, None)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_waits_for_the_write_under_way(clerk, env, events, number):
    clerk.gate.clear()
    with started(STDIO, env) as process:
        begin_a_ban(process, clerk)
        process.send_signal(number)
        clerk.gate.set()
        assert process.wait(20) == 128 + number
    assert [kind for kind, _, _ in events()] == ["intent", "outcome"]
    assert events()[-1][2] == "done"


def test_a_client_that_goes_away_does_not_tear_a_write(clerk, env, events):
    clerk.gate.clear()
    with started(STDIO, env) as process:
        begin_a_ban(process, clerk)
        process.stdin.close()
        clerk.gate.set()
        assert process.wait(20) == 0
    assert events()[-1] == ("outcome", "clerk_user_ban", "done")
