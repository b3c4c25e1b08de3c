import json

import httpx2
import pytest
import stamina
from mcp import MCPError
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

from deskclerk.catalogue import ACTIONS, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.faces.mcp.server import log_to_stderr
from tests.faces.mcp.conftest import least, said

pytestmark = pytest.mark.anyio


async def test_a_list_is_items_total_and_next_as_structure_and_as_text(connect):
    async with connect() as client:
        result = await client.call_tool("clerk_organizations_list", {})
    item = {"id": "x_1", "name": "Ada"}
    assert result.structured_content == {"items": [item], "total": 1}
    (text,) = result.content
    assert text.text == '{"items":[{"id":"x_1","name":"Ada"}],"total":1}'


async def test_next_holds_the_arguments_that_continue_a_list(connect):
    async with connect() as client:
        first = await client.call_tool("clerk_organizations_list", {"limit": 1, "offset": 0})
        assert "next" not in first.structured_content
        again = await client.call_tool("clerk_users_list", {"limit": 1})
    assert again.structured_content.get("next") in (None, {"starting_after": "x_1"})


async def test_one_thing_is_the_object_itself(connect):
    async with connect() as client:
        result = await client.call_tool("clerk_user_get", {"user_id": "user_x_1", "fields": ["*"]})
    assert result.structured_content["name"] == "Ada"


@pytest.mark.promise("brief")
@pytest.mark.promise("both-say-all")
async def test_what_was_left_out_is_said_in_the_answer_itself(connect, upstream):
    upstream.thing |= {"public_metadata": {"note": "long " * 300}}
    async with connect(answer_characters=1_000) as client:
        result = await client.call_tool("clerk_user_get", {"user_id": "user_x_1"})
    # Some clients show the one to the model, others the other.
    assert json.loads(result.content[0].text) == result.structured_content
    assert len(result.content) == 1
    assert "Cut to stay brief" in result.structured_content["notes"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "user_id: required"),
        ({"user_id": "user_x_1", "userid": "x"}, "did you mean user_id?"),
        ({"user_id": 5}, "user_id: expected string"),
        ({"user_id": "../x"}, "user_id: not an id"),
        ({"user_id": None}, "user_id: required"),
    ],
)
async def test_a_wrong_argument_is_named_with_what_is_accepted(connect, upstream, arguments, words):
    async with connect() as client:
        result = await client.call_tool("clerk_user_ban", arguments)
    assert words in said(result)
    assert "Nothing was sent" in said(result)
    assert result.structured_content is None
    assert result.meta["deskclerk/error"]["error"] == "invalid_request"
    assert upstream.writes == []


async def test_an_unknown_tool_is_a_protocol_error_with_near_names(connect):
    async with connect() as client:
        with pytest.raises(MCPError, match="did you mean clerk_users_list") as caught:
            await client.call_tool("clerk_user_list", {})
    assert caught.value.code == -32602


@pytest.mark.promise("access")
async def test_a_tool_that_is_not_offered_cannot_be_called(connect, upstream, events):
    async with connect(access="read", confirm="never") as client:
        result = await client.call_tool("clerk_user_ban", {"user_id": "user_x_1"})
        assert "not allowed" in said(result)
    assert upstream.writes == []
    assert ("refused", "clerk_user_ban", "not_allowed") in events()


async def test_clerks_refusal_says_what_to_do_next(connect):
    async with connect() as client:
        result = await client.call_tool("clerk_domain_get", {"domain_id": "x_2"})
    assert "clerk_domains_list shows the domains" in said(result)
    assert result.meta["deskclerk/error"]["status"] == 404


async def test_a_fault_of_our_own_reaches_the_client_without_its_words(connect, caplog, monkeypatch):
    secret = "sk_test_x"

    async def broken(*_, **__):
        raise RuntimeError(secret)

    monkeypatch.setattr(Desk, "perform", broken)
    async with connect() as client:
        result = await client.call_tool("clerk_user_get", {"user_id": "user_x_1"})
    assert said(result).startswith("clerk_user_get failed inside deskclerk.")
    assert "Traceback" not in said(result)
    assert "sk_test_x" not in said(result)
    assert "clerk_user_get: unexpected" in caplog.text
    assert "sk_test_x" not in caplog.text


async def test_the_journal_knows_the_client_by_its_name(connect, events):
    async with connect() as client:
        await client.call_tool("clerk_users_list", {})
    assert events("face, client") == [("mcp", "mcp")]


async def test_all_reads_answer_within_their_output_schema(connect):
    async with connect() as client:
        for action in ACTIONS:
            if action.spec.effect == "read":
                assert not (await client.call_tool(action.spec.name, least(action))).is_error, (
                    action.spec.name
                )


async def test_a_wait_for_clerk_is_one_line_that_says_what_and_why(caplog):
    asked = []

    def answer(request):
        asked.append(request)
        status = 503 if len(asked) == 1 else 200
        return httpx2.Response(status, json=[])

    before = get_on_retry_hooks()
    log_to_stderr()
    try:
        transport = httpx2.MockTransport(answer)
        with caplog.at_level("INFO"), stamina.set_testing(True, attempts=2):
            async with Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk:
                await clerk.perform(ListUsers())
    finally:
        set_on_retry_hooks(before)
    (line,) = [item.getMessage() for item in caplog.records if "retry" in item.getMessage()]
    assert line.startswith("retry action=clerk_users_list reason='clerk_unavailable 503' wait=0.0")
