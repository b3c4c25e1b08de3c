"""Replicas of an MCP behind the agents' guard, on sockets, and official clients that come to them."""

import asyncio
import contextlib
import socket
from urllib.parse import parse_qs, urlsplit

import httpx2
import uvicorn
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from starlette.responses import PlainTextResponse

from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.faces.mcp.stateless import stateless
from deskclerk.hosted.agents.agent import SCOPE
from deskclerk.hosted.agents.arrivals import Arrivals
from deskclerk.hosted.agents.guard import AgentGuard
from deskclerk.hosted.agents.oauth_tokens import OAuthTokens
from deskclerk.hosted.agents.resource_server import ResourceServer
from deskclerk.settings import Settings
from tests.faces.mcp.conftest import Dialogue, OneOfEverything
from tests.hosted.agents.conftest import Attempts, Clock
from tests.hosted.agents.stand_in_issuer import StandInIssuer

KEYS = [b"k" * 32, b"older" * 8]


@contextlib.asynccontextmanager
async def listening(app):
    """The origin of an application on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class Late:
    """An application that is known only once its address is."""

    app = None

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


class Replica:
    """One replica: a desk for every place that is asked for, all before one Clerk that counts writes."""

    def __init__(self, origin, desks, keys):
        self.origin, self.desks, self.keys = origin, desks, keys

    async def __call__(self, scope, receive, send):
        agent = scope[SCOPE]
        place = (agent.workspace, agent.instance)
        if place not in self.desks:
            await PlainTextResponse("no desk", 500)(scope, receive, send)
            return

        async def page(plan_id):
            return f"{self.origin}/w/{agent.slug}/i/{agent.instance}/plans/{plan_id}"

        served = stateless(self.desks[place], page, public_url=self.origin, state_keys=self.keys)
        async with served as app:
            await app(scope, receive, send)


class Served:
    """The address, the issuer, what reached Clerk, and the person before the client's dialogue."""

    def __init__(self):
        self.clerk = OneOfEverything()
        self.stand_in = StandInIssuer("")
        self.attempts = Attempts()
        self.dialogue = Dialogue()
        self.clock = Clock()
        self.url = ""
        self.second = ""

    @contextlib.asynccontextmanager
    async def client(self, era, *, token=None, auth=None, path="/mcp", origin=None, dialogue=None):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=headers, auth=auth, timeout=30) as http,
            Client(
                streamable_http_client((origin or self.url) + path, http_client=http),
                mode=era,
                elicitation_callback=dialogue or self.dialogue,
            ) as client,
        ):
            yield client

    def oauth(self, storage, path="/mcp"):
        """The official client's OAuth flow, whose person says yes to the issuer at once."""
        codes = []

        async def redirect(url):
            async with httpx2.AsyncClient() as http:
                answer = await http.get(url)
            codes.append(parse_qs(urlsplit(answer.headers["location"]).query))

        async def callback():
            found = codes.pop()
            return AuthorizationCodeResult(code=found["code"][0], state=found["state"][0])

        metadata = OAuthClientMetadata(redirect_uris=["http://127.0.0.1:9/callback"], client_name="Test")
        return OAuthClientProvider(self.url + path, metadata, storage, redirect, callback)


@contextlib.asynccontextmanager
async def serving(found, hosted, here, tmp_path, issuer):
    """Two replicas before this issuer, with the same keys and a desk for every instance."""
    async with contextlib.AsyncExitStack() as stack:
        desks = {}
        for place in ((here.acme, "prod"), (here.bolt, "prod"), (here.bolt, "staging")):
            clerk = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(found.clerk))
            # One database for all of them: what keeps their states apart here is not that plans are.
            settings = Settings(home=tmp_path / "home", secret_key="sk_test_x", approval_wait=0)
            await stack.enter_async_context(clerk)
            desks[place] = await stack.enter_async_context(Desk(settings, clerk=clerk))
        stack.push_async_callback(issuer.close)
        for name in ("url", "second"):
            late = Late()
            origin = await stack.enter_async_context(listening(late))
            server = ResourceServer(origin, issuer)
            arrivals = Arrivals(hosted, server, found.attempts, OAuthTokens(issuer, found.clock))
            late.app = AgentGuard(Replica(origin, desks, KEYS), arrivals, server)
            setattr(found, name, origin)
        yield
