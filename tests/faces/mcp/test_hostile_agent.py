"""What an agent can try with the second round of 2026-07-28, where the client carries the state."""

import mcp_types as types
import pytest
from mcp import Client, MCPError

from tests.faces.mcp.conftest import Dialogue, said

pytestmark = pytest.mark.anyio
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})
YES = {"confirm": types.ElicitResult(action="accept", content={"confirm": True})}
NO = {"confirm": types.ElicitResult(action="decline")}


@pytest.fixture
def era():
    return "auto"


async def ask(client):
    """The first round of a ban; the question and its state."""
    first = await call(client)
    assert first.result_type == "input_required"
    return first


async def call(client, name=BAN[0], arguments=BAN[1], **answer):
    return await client.session.call_tool(name, arguments, allow_input_required=True, **answer)


async def test_the_question_travels_in_the_answer_and_the_yes_in_the_second_call(connect, upstream):
    async with connect(Dialogue()) as client:
        first = await ask(client)
        assert list(first.input_requests) == ["confirm"]
        assert upstream.writes == []
        second = await call(client, input_responses=YES, request_state=first.request_state)
    assert second.structured_content["id"] == "x_1"
    assert upstream.writes == [("POST", "/users/user_x_1/ban")]


async def test_the_state_gives_nothing_away(connect):
    async with connect(Dialogue()) as client:
        assert "plan_" not in (await ask(client)).request_state


async def test_a_yes_without_a_state_is_refused(connect, upstream):
    async with connect(Dialogue()) as client:
        result = await call(client, input_responses=YES)
    assert "a question that was not asked" in said(result)
    assert upstream.writes == []


async def test_a_yes_signs_once(connect, upstream):
    async with connect(Dialogue()) as client:
        first = await ask(client)
        assert not (await call(client, input_responses=YES, request_state=first.request_state)).is_error
        again = await call(client, input_responses=YES, request_state=first.request_state)
    assert "already" in said(again)
    assert len(upstream.writes) == 1


@pytest.mark.promise("declined-is-final")
async def test_a_no_is_final(connect, upstream):
    async with connect(Dialogue()) as client:
        first = await ask(client)
        assert "declined" in said(await call(client, input_responses=NO, request_state=first.request_state))
        again = await call(client, input_responses=YES, request_state=first.request_state)
    assert "already" in said(again)
    assert upstream.writes == []


@pytest.mark.promise("no-argument-signs")
@pytest.mark.parametrize(
    "forged",
    [
        lambda state: "plan_made_up",
        lambda state: "",
        lambda state: state[:-2] + ("AA" if not state.endswith("AA") else "BB"),
        lambda state: state.replace("v1.", "v0."),
    ],
)
async def test_a_state_that_was_altered_is_refused(connect, upstream, forged):
    async with connect(Dialogue()) as client:
        first = await ask(client)
        with pytest.raises(MCPError, match="requestState"):
            await call(client, input_responses=YES, request_state=forged(first.request_state))
    assert upstream.writes == []


@pytest.mark.promise("no-argument-signs")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("clerk_user_ban", {"user_id": "x_2"}),
        ("clerk_user_lock", {"user_id": "user_x_1"}),
        ("clerk_user_delete", {"user_id": "user_x_1"}),
        ("clerk_user_get", {"user_id": "user_x_1"}),
    ],
)
async def test_a_state_signs_nothing_but_its_own_call(connect, upstream, name, arguments):
    async with connect(Dialogue()) as client:
        first = await ask(client)
        with pytest.raises(MCPError, match="requestState"):
            await call(client, name, arguments, input_responses=YES, request_state=first.request_state)
    assert upstream.writes == []


async def test_a_state_of_another_process_is_refused(connect, serve, upstream):
    async with connect(Dialogue()) as client, serve() as other:
        first = await ask(client)
        async with Client(other, mode="auto", elicitation_callback=Dialogue()) as stranger:
            with pytest.raises(MCPError, match="requestState"):
                await call(stranger, input_responses=YES, request_state=first.request_state)
    assert upstream.writes == []


@pytest.mark.parametrize(
    "answer", [None, {}, {"other": YES["confirm"]}, {"confirm": types.ListRootsResult(roots=[])}]
)
async def test_a_state_without_the_answer_is_no_yes(connect, upstream, answer):
    async with connect(Dialogue()) as client:
        first = await ask(client)
        result = await call(client, input_responses=answer, request_state=first.request_state)
    assert "without the person's answer" in said(result)
    assert upstream.writes == []


@pytest.mark.promise("no-argument-signs")
@pytest.mark.parametrize("name", ["confirm", "approved", "yes", "plan_id", "request_state"])
async def test_no_argument_signs(connect, upstream, name):
    async with connect(Dialogue("decline"), confirm="write") as client:
        result = await client.call_tool("clerk_user_ban", {"user_id": "user_x_1", name: True})
    assert f"{name}: unknown argument" in said(result)
    assert upstream.writes == []


@pytest.mark.promise("no-argument-signs")
async def test_an_older_client_cannot_bring_its_own_answer(serve, upstream):
    async with serve() as server, Client(server, mode="legacy") as client:
        with pytest.raises(MCPError, match="requestState"):
            await call(client, input_responses=YES, request_state="plan_made_up")
        result = await call(client, input_responses=YES)
    assert result.is_error
    assert upstream.writes == []
