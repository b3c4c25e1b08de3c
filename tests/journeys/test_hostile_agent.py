"""A scripted hostile agent with MCP and a shell: nothing leaves that no person signed, and nothing twice."""

import asyncio
import os

import mcp_types as types
import pytest
from mcp import Client

from deskclerk.desk import Decision, Desk, Signature
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.faces.cli.processes import PROGRAM, on_a_terminal, piped
from tests.faces.cli.stub import Stub, running

pytestmark = pytest.mark.anyio
KEY = "sk_test_of_the_stub"
YES = Signature(Decision.APPROVED, "terminal, approve")


@pytest.fixture
def clerk(monkeypatch):
    with running(Stub()) as stub:
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
        monkeypatch.setenv("CLERK_API_URL", stub.origin)
        yield stub


@pytest.fixture(params=["legacy", "auto"])
async def agent(request, clerk):
    """A client without a dialogue, and the desk behind its server."""
    async with Desk.open(Settings.load()) as desk, Client(build(desk), mode=request.param) as client:
        yield client, desk


async def ask(client, user, **more):
    return await client.call_tool("clerk_user_ban", {"user_id": user} | more)


async def waiting_plan(client, user):
    result = await ask(client, user)
    assert result.is_error
    return result.meta["deskclerk/error"]["plan_id"]


@pytest.mark.promise("no-argument-signs")
@pytest.mark.parametrize("claim", [{"confirm": True}, {"approved_by": "the boss"}, {"plan_id": "plan_x"}])
async def test_a_claimed_approval_is_an_unknown_argument(agent, clerk, claim):
    client, _ = agent
    assert (await ask(client, clerk.add(), **claim)).is_error
    assert clerk.writes == []


@pytest.mark.promise("no-argument-signs")
async def test_an_answer_to_a_question_that_was_not_asked_signs_nothing(agent, clerk):
    client, _ = agent
    yes = {"confirm": types.ElicitResult(action="accept", content={"confirm": True})}
    result = await client.session.call_tool(
        "clerk_user_ban", {"user_id": clerk.add()}, input_responses=yes, allow_input_required=True
    )
    assert result.is_error
    assert clerk.writes == []


@pytest.mark.promise("bound-to-its-plan")
async def test_a_signature_is_used_once_and_for_its_own_arguments(agent, clerk):
    client, desk = agent
    user, other = clerk.add(), clerk.add()
    await desk.sign(await waiting_plan(client, user), YES)
    assert (await ask(client, other)).is_error
    assert clerk.writes == []
    assert not (await ask(client, user)).is_error
    assert (await ask(client, user)).is_error
    assert clerk.writes == [("POST", f"/users/{user}/ban")]


@pytest.mark.promise("bound-to-what-was-seen")
async def test_a_target_changed_in_between_is_not_touched(agent, clerk):
    client, desk = agent
    user = clerk.add()
    await desk.sign(await waiting_plan(client, user), YES)
    clerk.users[user]["first_name"] = "Eve"
    assert "changed in between" in (await ask(client, user)).content[0].text
    assert clerk.writes == []


@pytest.mark.promise("used-once")
async def test_racing_calls_and_processes_have_one_signature_between_them(agent, clerk):
    client, desk = agent
    user = clerk.add()
    await desk.sign(await waiting_plan(client, user), YES)
    command = [*PROGRAM, "users", "ban", user]
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.DEVNULL)
    started = [await asyncio.create_subprocess_exec(*command, **quiet, env=os.environ) for _ in range(2)]
    calls = await asyncio.gather(*(ask(client, user) for _ in range(3)))
    codes = [await process.wait() for process in started]
    assert [result.is_error for result in calls].count(False) + codes.count(0) == 1
    assert len(clerk.writes) == 1


async def test_a_shell_signs_nothing_by_itself(agent, clerk):
    client, _ = agent
    user = clerk.add()
    plan_id = await waiting_plan(client, user)
    for words in (["approve", plan_id], ["approve", plan_id, "--yes"]):
        ran = await asyncio.to_thread(piped, *words)
        assert ran.returncode == 8
    another = plan_id[:-1] + ("1" if plan_id.endswith("0") else "0")
    for words in (["approve", "plan_made_up"], ["approve", another]):
        assert (await asyncio.to_thread(piped, *words)).returncode == 1
    assert (await ask(client, user)).is_error
    assert clerk.writes == []


def on_a_terminal_of_its_own(*words, types):
    """What an agent does that makes itself a terminal, as `script` does, and answers its questions."""
    with on_a_terminal(*words) as terminal:
        terminal.until("\n> ")
        terminal.type(types)
        return terminal.end()


@pytest.mark.promise("yes-signs-on-the-sandbox-only")
@pytest.mark.parametrize("key", [KEY, "sk_live_of_the_stub"])
def test_yes_by_flag_by_pipe_and_by_a_made_up_terminal_signs_nothing(clerk, monkeypatch, key):
    monkeypatch.setenv("CLERK_SECRET_KEY", key)
    user = clerk.add()
    call = ["call", "clerk_user_ban", f'{{"user_id": "{user}"}}']
    ways = ["users", "ban", user], call, ["users", "delete", user]
    for words in ways:
        assert piped(*words, "--yes", stdin=None, input="yes\nyes\n").returncode == 8
    for words in ways[::2]:
        assert on_a_terminal_of_its_own(*words, "--yes", types="yes\n") == 8
    assert clerk.writes == []


async def test_an_undo_is_not_signed_by_a_flag_either(agent, clerk):
    client, desk = agent
    await desk.sign(await waiting_plan(client, clerk.add()), YES)
    assert not (await ask(client, next(iter(clerk.users)))).is_error
    entry = (await desk.journal.recent(1))[-1]["entry"]
    assert (await asyncio.to_thread(piped, "undo", entry, "--yes")).returncode == 8
    assert await asyncio.to_thread(on_a_terminal_of_its_own, "undo", entry, types="yes\n") == 8
    assert len(clerk.writes) == 1


def test_without_a_pin_only_the_name_stands_before_a_made_up_terminal_and_with_one_the_pin_does(clerk):
    """The limit that docs/decisions/0005 tells of: an agent that plays a person, and types the name."""
    user, other = clerk.add(), clerk.add()
    assert on_a_terminal_of_its_own("users", "ban", user, types=f"{user}\n") == 0
    asyncio.run(set_pin())
    assert len(clerk.writes) == 1
    with on_a_terminal("users", "ban", other) as terminal:
        terminal.until("\n> ")
        terminal.type("yes\n")
        terminal.until("Signer's PIN: ")
        terminal.type("123456\n")
        assert terminal.end() == 1
    assert len(clerk.writes) == 1


async def set_pin():
    async with Desk.open(Settings.load()) as desk:
        await desk.signer.set("correct horse")


@pytest.mark.promise("bound-to-its-plan")
async def test_a_signature_for_another_instance_is_refused(agent, clerk, monkeypatch):
    client, _ = agent
    plan_id = await waiting_plan(client, clerk.add())
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_live_of_another")
    ran = await asyncio.to_thread(piped, "approve", plan_id)
    assert ran.returncode == 1
    assert "another instance" in ran.stderr
    assert clerk.writes == []


async def test_with_a_pin_set_yes_alone_signs_nothing(agent, clerk):
    _, desk = agent
    await desk.signer.set("correct horse")
    ran = await asyncio.to_thread(piped, "users", "ban", clerk.add(), "--yes")
    assert ran.returncode == 8
    assert "--yes alone signs nothing" in ran.stderr
    assert clerk.writes == []


def approve_on_a_terminal(plan_id):
    with on_a_terminal("approve", plan_id) as terminal:
        terminal.until("\n> ")
        terminal.type("ada lovelace\n")
        terminal.until("Signer's PIN: ")
        terminal.type("correct horse\n")
        return terminal.end(), terminal.shown


async def test_a_person_at_a_terminal_signs_and_the_next_call_performs(agent, clerk):
    client, desk = agent
    user = clerk.add()
    await desk.signer.set("correct horse")
    code, shown = await asyncio.to_thread(approve_on_a_terminal, await waiting_plan(client, user))
    assert code == 0
    assert "Signed. This sends nothing by itself" in shown
    assert "correct horse" not in shown
    assert clerk.writes == []
    assert not (await ask(client, user)).is_error
    assert len(clerk.writes) == 1
