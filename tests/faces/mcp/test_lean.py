"""Lean mode: three tools that find, describe and call actions, with the same policy, plans and names."""

import json

import pytest
from mcp import MCPError

from deskclerk.catalogue import ACTIONS, BY_NAME
from deskclerk.errors import InvalidSettings
from deskclerk.faces.mcp.action_search import find_actions
from deskclerk.faces.mcp.lean import LEAN_TOOLS
from tests.faces.mcp.conftest import Dialogue, said
from tests.faces.mcp.tasks import TASKS
from tests.faces.mcp.test_dialect import anthropic, cursor, faults, gemini, openai, vs_code
from tests.faces.mcp.test_token_budget import tokens

pytestmark = pytest.mark.anyio
LEAN = {"tools": ("lean",)}
BAN = {"name": "clerk_user_ban", "arguments": '{"user_id": "user_x_1"}'}


@pytest.mark.promise("lean")
@pytest.mark.parametrize("task", TASKS)
async def test_the_right_action_is_among_the_first_three(task):
    assert TASKS[task] in [action.spec.name for action in find_actions(task, ACTIONS, 3)]


async def test_there_are_sixty_tasks_that_want_most_of_the_actions():
    assert len(TASKS) == 60
    assert len(set(TASKS.values())) >= 40
    assert set(TASKS.values()) <= BY_NAME.keys()


@pytest.mark.promise("lean")
async def test_the_three_tools_cost_few_tokens(connect):
    async with connect(**LEAN) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [tool.name for tool in LEAN_TOOLS]
    wire = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
    assert tokens(wire) <= 900


@pytest.mark.promise("lean")
async def test_what_further_toolsets_hold_is_told_found_and_called_and_nothing_else(connect):
    chosen = LEAN | {"toolsets": ("core", "waitlist", "billing")}
    async with connect(**chosen) as client:
        first, *others = (await client.list_tools()).tools
        assert "OAuth applications; waitlist, billing. A star" in first.description
        assert [tool.name for tool in others] == [tool.name for tool in LEAN_TOOLS[1:]]
        found = await client.call_tool("clerk_actions_find", {"task": "approve somebody on the waitlist"})
        names = [action["name"] for action in found.structured_content["actions"]]
        assert "clerk_waitlist_invite" in names
        found = await client.call_tool("clerk_actions_find", {"task": "rotate the key of a machine"})
        assert not any("machine" in action["name"] for action in found.structured_content["actions"])
        refused = await client.call_tool("clerk_action_call", {"name": "clerk_machines_list"})
        assert refused.is_error


@pytest.mark.parametrize("convert", [openai, gemini, anthropic, vs_code, cursor])
async def test_they_are_in_the_dialect_too(convert):
    for tool in LEAN_TOOLS:
        assert list(faults(tool.input_schema)) == []
        assert convert(tool)


async def test_from_a_task_to_a_signed_write(connect, upstream):
    dialogue = Dialogue()
    async with connect(dialogue, **LEAN) as client:
        found = await client.call_tool("clerk_actions_find", {"task": "suspend this account"})
        assert json.loads(found.content[0].text) == found.structured_content
        first = found.structured_content["actions"][0]
        assert (first["name"], first["effect"]) == ("clerk_user_ban", "write")
        described = await client.call_tool("clerk_action_describe", {"name": first["name"]})
        assert described.structured_content["arguments"]["required"] == ["user_id"]
        assert upstream.writes == []
        done = await client.call_tool("clerk_action_call", BAN)
    assert not done.is_error
    assert done.structured_content["id"] == "user_x_1" or done.structured_content["id"] == "x_1"
    assert upstream.writes == [("POST", "/users/user_x_1/ban")]
    assert "Ban user" in dialogue.asked[0].message


async def test_a_declined_write_is_not_sent_and_an_object_is_taken_as_well(connect, upstream):
    async with connect(Dialogue("decline"), **LEAN) as client:
        result = await client.call_tool(
            "clerk_action_call", {"name": "clerk_user_ban", "arguments": {"user_id": "user_x_1"}}
        )
    assert "declined" in said(result)
    assert upstream.writes == []


async def test_what_the_policy_withholds_is_neither_found_nor_called(connect, upstream):
    async with connect(tools=("lean",), read_only=True) as client:
        found = await client.call_tool("clerk_actions_find", {"task": "list the banned users"})
        assert {item["effect"] for item in found.structured_content["actions"]} == {"read"}
        result = await client.call_tool("clerk_action_call", BAN)
    assert "read_only is set" in said(result)
    assert upstream.writes == []


async def test_globs_beside_lean_go_on_narrowing(connect):
    async with connect(tools=("lean", "clerk_session*")) as client:
        found = await client.call_tool("clerk_actions_find", {"task": "list users and sessions"})
        names = {item["name"] for item in found.structured_content["actions"]}
        assert names <= {"clerk_sessions_list", "clerk_session_get", "clerk_session_revoke"}
        nothing = await client.call_tool("clerk_actions_find", {"task": "zzz"})
    assert nothing.structured_content["actions"] == []
    assert "sessions" in nothing.structured_content["notes"]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("clerk_actions_find", {}, "task: required"),
        ("clerk_actions_find", {"task": 5}, "task: required"),
        ("clerk_actions_find", {"task": "x", "limit": 3}, "limit: unknown argument (accepted: task)"),
        ("clerk_action_call", {"name": "clerk_user_ban", "arguments": "[1]"}, "expected JSON object"),
        ("clerk_action_call", {"name": "clerk_user_ban", "arguments": "{"}, "expected JSON object"),
        ("clerk_action_call", {"name": "clerk_user_ban"}, "user_id: required"),
        ("clerk_action_call", {"name": "clerk_user_ban", "arguments": {"id": "x"}}, "did you mean user_id?"),
    ],
)
async def test_a_wrong_argument_is_named_with_what_is_accepted(connect, upstream, name, arguments, words):
    async with connect(**LEAN) as client:
        result = await client.call_tool(name, arguments)
    assert words in said(result)
    assert "Nothing was sent" in said(result)
    assert upstream.writes == []


async def test_an_unknown_action_is_answered_with_near_ones(connect):
    async with connect(**LEAN) as client:
        with pytest.raises(MCPError, match="did you mean clerk_user_ban"):
            await client.call_tool("clerk_action_describe", {"name": "clerk_user_bann"})


async def test_the_three_are_there_in_lean_mode_only(connect):
    async with connect() as client:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("clerk_actions_find", {"task": "x"})


async def test_lean_is_no_rule_of_a_caller(connect):
    with pytest.raises(InvalidSettings, match="matches no action"):
        async with connect(callers={"mcp": {"tools": ("lean",)}}):
            pass
