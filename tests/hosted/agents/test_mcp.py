"""Official MCP clients before the guard and a server without sessions, over real sockets and with OAuth."""

import contextlib

import httpx2
import pytest
from mcp import MCPError

from deskclerk.errors import innermost
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.issuer import Issuer
from tests.faces.mcp.conftest import ERAS
from tests.hosted.agents.conftest import ADA, ALL, BEN, sign_in_everybody
from tests.hosted.agents.replicas import Served, listening, serving
from tests.hosted.agents.stand_in_issuer import CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.anyio
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})
DELETE = ("clerk_user_delete", {"user_id": "user_x_1"})


@pytest.fixture(params=list(ERAS))
def era(request):
    return ERAS[request.param]


class Storage:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


@pytest.fixture
async def served(hosted, here, tmp_path):
    """Two replicas with the same keys, of which the second listens at an address of its own."""
    found = Served()
    async with contextlib.AsyncExitStack() as stack:
        found.stand_in.url = await stack.enter_async_context(listening(found.stand_in.app))
        await sign_in_everybody(hosted, found.stand_in.url)
        issuer = Issuer(found.stand_in.url, CLIENT_ID, CLIENT_SECRET)
        await stack.enter_async_context(serving(found, hosted, here, tmp_path, issuer))
        yield found


async def test_the_official_clients_flow_registers_waits_for_an_owner_and_then_works(here, served, era):
    storage = Storage()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one differs by era; what it says is looked at
        async with served.client(era, auth=served.oauth(storage)):
            pass
    assert not served.clerk.writes
    (waiting,) = await here.registry.clients(here.acme)
    assert (waiting.client_id, waiting.status) == ("dyn_0", "waiting")
    assert "waits for one of its owners" in str(innermost(caught.value))
    await here.registry.allow(
        here.acme, served.stand_in.url, "dyn_0", name="laptop", rules=AgentRules(dialogue=True), by=ADA
    )
    async with served.client(era, auth=served.oauth(storage)) as client:
        assert len((await client.list_tools()).tools) > 40
        found = await client.call_tool("clerk_users_list", {})
        assert found.structured_content["items"] == [{"id": "x_1"}]
    ((_, scope, resource),) = [item for item in served.stand_in.asked if isinstance(item, tuple)]
    assert scope.split() == list(ALL)
    assert resource == f"{served.url}/mcp"


async def allowed(here, served, client="cli_1", name="laptop", **rules):
    await here.registry.wait(here.acme, served.stand_in.url, client, by=ADA, calls_itself="x")
    rules = AgentRules(**{"dialogue": True, **rules})
    await here.registry.allow(here.acme, served.stand_in.url, client, name=name, rules=rules, by=ADA)


async def test_a_later_client_signs_in_its_dialogue_and_an_earlier_one_is_told_the_consoles_page(
    here, served, era
):
    await allowed(here, served)
    token = served.stand_in.token_for(aud=f"{served.url}/mcp")
    async with served.client(era, token=token) as client:
        answer = await client.call_tool(*BAN)
    if era == "legacy":
        assert answer.is_error
        text = answer.content[0].text
        assert f"{served.url}/w/acme/i/prod/plans/plan_" in text
        assert (served.dialogue.asked, served.clerk.writes) == ([], [])
    else:
        assert not answer.is_error
        assert len(served.dialogue.asked) == 1
        assert served.clerk.writes == [("POST", "/users/user_x_1/ban")]


async def test_nobody_signs_in_the_dialogue_of_an_agent_that_may_not_ask(here, served):
    await allowed(here, served, dialogue=False)
    _, own = await here.token()
    for token in (own, served.stand_in.token_for(aud=f"{served.url}/mcp")):
        async with served.client("auto", token=token) as client:
            answer = await client.call_tool(*BAN)
        assert answer.is_error
        assert "/w/acme/i/prod/plans/plan_" in answer.content[0].text
    assert (served.dialogue.asked, served.clerk.writes) == ([], [])


async def test_rules_scopes_and_role_narrow_what_is_listed_and_what_is_done(here, served, era):
    _, token = await here.token(scopes=["clerk:read"])
    async with served.client(era, token=token) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "clerk_users_list" in names
        assert not names & {"clerk_user_ban", "clerk_user_delete"}
        refused = await client.call_tool(*BAN)
        assert refused.is_error
        assert "access is set to read by the scopes of its token" in refused.content[0].text
        assert "an owner of the workspace can make a token with further scopes" in refused.content[0].text
    assert served.clerk.writes == []


async def test_a_token_that_is_too_small_steps_up_by_the_clients_own_flow(here, served):
    await allowed(here, served, "dyn_0")
    storage = Storage()
    async with served.client("auto", auth=served.oauth(storage)) as client:
        await client.list_tools()
    storage.tokens.access_token = served.stand_in.token_for(
        client_id="dyn_0", aud=f"{served.url}/mcp", scope="clerk:read"
    )
    storage.tokens.scope = "clerk:read"
    async with served.client("auto", auth=served.oauth(storage)) as client:
        assert not (await client.call_tool(*DELETE)).is_error
    asked = [item[1] for item in served.stand_in.asked if isinstance(item, tuple)]
    assert asked[1] == "clerk:read clerk:destructive"
    assert served.clerk.writes == [("DELETE", "/users/user_x_1")]


def round_one(number=1, **more):
    """The first call of a 2026-07-28 client, as it goes over the wire."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }
    params = {"name": BAN[0], "arguments": BAN[1], "_meta": meta, **more}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


YES = {"confirm": {"action": "accept", "content": {"confirm": True}}}


async def raw(at, token, body, path="/mcp", **headers):
    shown = {
        "authorization": f"Bearer {token}",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": BAN[0],
        "accept": "application/json, text/event-stream",
        **headers,
    }
    async with httpx2.AsyncClient() as http:
        return await http.post(at + path, json=body, headers=shown)


async def test_a_state_that_one_replica_gave_out_another_takes_back(here, served):
    _, token = await here.token(dialogue=True)
    first = (await raw(served.url, token, round_one())).json()["result"]
    assert first["resultType"] == "input_required"
    again = round_one(2, requestState=first["requestState"], inputResponses=YES)
    answer = (await raw(served.second, token, again)).json()["result"]
    assert not answer["isError"]
    assert served.clerk.writes == [("POST", "/users/user_x_1/ban")]
    # Used up: on whichever replica it comes again.
    for origin in (served.url, served.second):
        assert (await raw(origin, token, again)).json()["result"]["isError"]
    assert len(served.clerk.writes) == 1


async def test_a_state_is_good_for_the_agent_alone_that_it_was_given_to(here, served):
    agent = await here.agent(dialogue=True)
    _, token = await here.token(agent=agent.id)
    state = (await raw(served.url, token, round_one())).json()["result"]["requestState"]
    again = round_one(2, requestState=state, inputResponses=YES)
    bolts = await here.registry.create(here.bolt, "bot", AgentRules(dialogue=True), BEN)
    other = await here.registry.create(here.acme, "other", AgentRules(dialogue=True), ADA)
    thieves = [
        # Another workspace, another agent of the same, another person's token of the same agent, and another
        # token of the same person.
        (await here.tokens.make(here.bolt, bolts.id, scopes=ALL, days=1, made_by=BEN), "/mcp/bolt/prod"),
        (await here.tokens.make(here.acme, other.id, scopes=ALL, days=1, made_by=ADA), "/mcp"),
        (await here.tokens.make(here.acme, agent.id, scopes=ALL, days=1, made_by=BEN), "/mcp"),
        (await here.tokens.make(here.acme, agent.id, scopes=ALL, days=1, made_by=ADA), "/mcp"),
    ]
    for (_, stolen), path in thieves:
        answer = await raw(served.url, stolen, again, path)
        assert answer.json()["error"]["message"] == "Invalid or expired requestState", answer.text
    assert served.clerk.writes == []
    assert not (await raw(served.url, token, again)).json()["result"]["isError"]
    assert len(served.clerk.writes) == 1


async def test_an_answer_does_not_count_once_the_agent_may_not_ask_any_more(here, served):
    agent = await here.agent(dialogue=True)
    _, token = await here.token(agent=agent.id)
    state = (await raw(served.url, token, round_one())).json()["result"]["requestState"]
    await here.registry.change(here.acme, agent.id, AgentRules(dialogue=False))
    answer = await raw(served.url, token, round_one(2, requestState=state, inputResponses=YES))
    assert answer.json()["result"]["isError"]
    assert served.clerk.writes == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
    ids=str,
)
async def test_other_names_and_other_sites_are_refused(here, served, headers, status):
    _, token = await here.token()
    assert (await raw(served.url, token, round_one(), **headers)).status_code == status
    own = await raw(served.url, token, round_one(), origin=served.url)
    assert own.status_code == 200


async def test_a_session_of_the_handshake_era_is_none_to_lose(here, served):
    _, token = await here.token()
    async with served.client("legacy", token=token) as first:
        assert (await first.list_tools()).tools
    # Whatever session a client names, there is none: the second replica answers what the first began.
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) as http:
        answer = await http.post(
            f"{served.second}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
            headers={"mcp-session-id": "made-up", "accept": "application/json, text/event-stream"},
        )
        assert answer.status_code == 200
        assert "clerk_users_list" in answer.text
        # Nor a stream that would stay open for it, nor anything to end.
        shown = {"accept": "text/event-stream", "mcp-session-id": "made-up"}
        for method in ("GET", "DELETE"):
            refused = await http.request(method, f"{served.second}/mcp", headers=shown)
            assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


async def test_a_token_of_another_workspace_reaches_no_desk_by_mcp(here, served, era):
    _, token = await here.token()
    with pytest.raises((MCPError, ExceptionGroup, httpx2.HTTPError)):
        async with served.client(era, token=token, path="/mcp/bolt/prod") as client:
            await client.list_tools()
    assert {path for *_, path in served.attempts.noted} == {"/mcp/bolt/prod"}
