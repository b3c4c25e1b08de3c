"""A replica as it is served: every MCP address reaches the desk that it names, and pages stay pages."""

import base64
import json

import httpx2
import pytest
from pydantic import SecretStr

from deskclerk.desk import Caller
from deskclerk.errors import DeskclerkError
from deskclerk.faces.hosted.server import hosted_app
from deskclerk.faces.mcp.server import instructions
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.parts import opened
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.hosted.workspaces.store import read_policy
from deskclerk.settings import Settings
from tests.hosted.agents.conftest import ADA, ALL, DESK, sign_in_everybody

pytestmark = pytest.mark.anyio
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@pytest.fixture
def settings(url, redis_server):
    return Settings(
        database=SecretStr(url),
        redis=SecretStr(redis_server.url),
        public_url=DESK,
        issuer="https://issuer.invalid",
        client_id="desk",
        vault_key=SecretStr(base64.b64encode(b"v" * 32).decode()),
    )


@pytest.fixture
async def token(settings):
    async with opened(settings) as parts:
        workspace = await parts.workspaces.create("acme", "Acme", ADA)
        await sign_in_everybody(parts.database, settings.issuer)
        await parts.workspaces.add_instance(workspace.id, "prod", SecretStr("sk_test_x"))
        agent = await parts.agents.create(workspace.id, "bot", AgentRules(), ADA)
        tokens = WorkspaceTokens(parts.database)
        return (await tokens.make(workspace.id, agent.id, scopes=ALL, days=1, made_by=ADA))[1]


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/acme", "/mcp/acme/prod"])
async def test_every_mcp_address_answers_and_a_page_is_none(settings, token, path):
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    async with hosted_app(settings) as replica:
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=DESK) as http:
            answer = await http.post(path, json=LIST, headers=headers)
            assert answer.status_code == 200, answer.text
            listed = json.loads(answer.text.partition("data: ")[2])
            assert "clerk_users_list" in {tool["name"] for tool in listed["result"]["tools"]}
            assert (await http.post(path, json=LIST)).status_code == 401
            rebound = await http.post(path, json=LIST, headers={**headers, "host": "evil.example"})
            assert rebound.status_code == 421
            # A token opens no page.
            page = await http.get("/w/acme/", headers=headers)
            assert page.headers["location"].startswith("/sign-in")


async def test_an_agent_is_told_of_pages_and_tools_and_of_no_command_of_one_machine(settings, token):
    agent = Caller("mcp", token="bot")
    async with opened(settings) as parts:
        desks = Desks.alone(parts.workspaces, parts.doors, parts.agents.rules)
        (workspace,) = await parts.workspaces.all()
        async with desks.use(Place.of(workspace, "prod")) as desk:
            told = [instructions(desk)]
            for asked in (
                desk.plans.load("pln_none"),
                desk.disclosure.plan("pln_none", agent),
                desk.jobs.store.load("job_none"),
                desk.jobs.resume("job_none", agent),
                desk.undo("ent_none", caller=agent),
            ):
                with pytest.raises(DeskclerkError) as caught:
                    await asked
                told.append(str(caught.value))
        await desks.close()
    assert "as NAME in the console: https://desk.example/w/acme/i/prod/secrets" in told[0]
    assert "The console's page Waiting for you shows those that wait." in told[1]
    assert [text for text in told if "`deskclerk" in text] == []


async def test_whoever_is_refused_something_is_sent_to_an_owner_and_to_no_operator(settings, token):
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    async with opened(settings) as parts:
        (workspace,) = await parts.workspaces.all()
        await parts.workspaces.set_policy(workspace.id, read_policy({"deny": "clerk_user_ban"}))
        (agent,) = await parts.agents.agents(workspace.id)
        narrow = AgentRules(deny=("clerk_user_lock",), toolsets=("core",))
        await parts.agents.change(workspace.id, agent.id, narrow)
    async with hosted_app(settings) as replica:
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=DESK, headers=headers) as http:

            async def asked(method, **params):
                sent = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                answer = (await http.post("/mcp", json=sent)).text
                return json.dumps(json.loads(answer.partition("data: ")[2]))

            def call(name, **arguments):
                return asked("tools/call", name=name, arguments=arguments)

            policy = "Only an owner of the workspace can change this, on its page Policy."
            agents = "Only an owner of the workspace can change this, on its page Agents."
            assert policy in await call("clerk_user_ban", user_id="user_1")
            assert agents in await call("clerk_user_lock", user_id="user_1")
            assert agents in await call("clerk_jobs_list")
