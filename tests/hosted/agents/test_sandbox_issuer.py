"""The sandbox as the issuer, which has Clerk's scopes and no audience: from registration to revocation."""

import contextlib

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from deskclerk.errors import innermost
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.oauth_tokens import KEEP_SECONDS
from deskclerk.hosted.issuer import Issuer
from tests.contract.test_mcp_authorization import Person, Storage, allow_registration, backend, provider, seed
from tests.hosted.agents.conftest import ADA, sign_in_everybody
from tests.hosted.agents.replicas import Served, serving

pytestmark = pytest.mark.anyio
BACK = "http://127.0.0.1:1/callback"


@pytest.fixture
async def http():
    async with httpx2.AsyncClient() as client:
        yield client


@contextlib.asynccontextmanager
async def connected(served, storage, person, era="auto"):
    auth = provider(f"{served.url}/mcp", storage, person)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(
            streamable_http_client(f"{served.url}/mcp", http_client=http),
            mode=era,
            elicitation_callback=served.dialogue,
        ) as client,
    ):
        yield client


@pytest.fixture
async def served(clerk_sandbox, http, hosted, here, tmp_path):
    """Replicas that are a confidential client of the sandbox's, where clients may register themselves."""
    seed(clerk_sandbox)
    await allow_registration(http, clerk_sandbox)
    made = await backend(
        http,
        clerk_sandbox,
        "POST",
        "/oauth_applications",
        {"name": "Desk", "redirect_uris": [BACK], "scopes": "openid"},
    )
    found = Served()
    issuer = Issuer(clerk_sandbox.url, made["client_id"], made["client_secret"])
    await sign_in_everybody(hosted, clerk_sandbox.url)
    async with serving(found, hosted, here, tmp_path, issuer):
        yield found


@pytest.mark.parametrize(
    "how", [("legacy", False), ("auto", False), ("auto", True)], ids=["handshake", "opaque", "jwt"]
)
async def test_a_client_registers_itself_is_allowed_and_asks_as_who_was_picked(
    clerk_sandbox, http, here, served, how
):
    era, jwt = how
    settings = {"oauth_jwt_access_tokens": jwt}
    await backend(http, clerk_sandbox, "PATCH", "/instance/oauth_application_settings", settings)
    storage, person = Storage(), Person(http, "user_ada")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - a group; what it is about is looked at
        async with connected(served, storage, person, era):
            pass
    assert "waits for one of its owners" in str(innermost(caught.value))
    assert "scope=openid" in person.address
    (waiting,) = await here.registry.clients(here.acme)
    assert (waiting.client_id, waiting.first_by) == (storage.client.client_id, ADA)
    await here.registry.allow(
        here.acme, clerk_sandbox.url, waiting.client_id, name="agent", rules=AgentRules(access="read"), by=ADA
    )
    async with connected(served, storage, person, era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "clerk_users_list" in names
        assert "clerk_user_ban" not in names
        refused = await client.call_tool("clerk_user_ban", {"user_id": "user_x_1"})
        assert "access is set to read for agent agent" in refused.content[0].text
    assert served.clerk.writes == []


async def test_a_token_of_another_application_for_the_same_person_opens_nothing(
    clerk_sandbox, http, here, served
):
    storage, person = Storage(), Person(http, "user_ada")
    with pytest.raises(Exception):  # noqa: B017, PT011 - it waits; that it does is another test's
        async with connected(served, storage, person):
            pass
    (waiting,) = await here.registry.clients(here.acme)
    await here.registry.allow(
        here.acme, clerk_sandbox.url, waiting.client_id, name="agent", rules=AgentRules(), by=ADA
    )
    async with connected(served, storage, person) as client:
        await client.list_tools()
    # The same person, the same issuer, another service: what it was given must not open this desk.
    other, same = Storage(), Person(http, "user_ada")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - as above
        async with connected(served, other, same):
            pass
    assert "waits for one of its owners" in str(innermost(caught.value))
    assert other.client.client_id != storage.client.client_id
    headers = {"authorization": f"Bearer {other.tokens.access_token}"}
    assert (await http.post(f"{served.url}/mcp", headers=headers)).status_code == 403


async def test_a_revoked_token_and_a_refresh_token_open_nothing(clerk_sandbox, http, here, served):
    storage, person = Storage(), Person(http, "user_ada")
    with pytest.raises(Exception):  # noqa: B017, PT011 - it waits; that it does is another test's
        async with connected(served, storage, person):
            pass
    (waiting,) = await here.registry.clients(here.acme)
    await here.registry.allow(
        here.acme, clerk_sandbox.url, waiting.client_id, name="agent", rules=AgentRules(), by=ADA
    )
    token = storage.tokens.access_token
    headers = {"authorization": f"Bearer {token}"}
    assert (await http.post(f"{served.url}/mcp", headers=headers)).status_code != 401
    form = {"token": token, "client_id": storage.client.client_id}
    assert (await http.post(f"{clerk_sandbox.url}/oauth/token/revoke", data=form)).status_code == 200
    served.clock.at += KEEP_SECONDS
    assert (await http.post(f"{served.url}/mcp", headers=headers)).status_code == 401
    assert storage.tokens.refresh_token
    headers = {"authorization": f"Bearer {storage.tokens.refresh_token}"}
    assert (await http.post(f"{served.url}/mcp", headers=headers)).status_code == 401
