"""Two workspaces with agents, the issuer of their people's tokens, and the guard before what echoes."""

from dataclasses import dataclass, field

import httpx2
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse

from deskclerk.hosted.agents.agent import SCOPE, AgentRules
from deskclerk.hosted.agents.arrivals import Arrivals
from deskclerk.hosted.agents.guard import AgentGuard
from deskclerk.hosted.agents.oauth_tokens import OAuthTokens
from deskclerk.hosted.agents.registry import AgentRegistry
from deskclerk.hosted.agents.resource_server import ResourceServer
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.issuer import Issuer
from deskclerk.hosted.people.tables import people
from tests.hosted.agents.stand_in_issuer import CLIENT_ID, CLIENT_SECRET, StandInIssuer
from tests.hosted.people.conftest import (
    acme,
    browsers,
    desks,
    issuer,
    listening_issuer,
    person_in,
    site,
    workspace_of,
)

__all__ = [
    "acme",
    "browsers",
    "desks",
    "issuer",
    "listening_issuer",
    "person_in",
    "site",
    "workspace_of",
]

ISSUER = "https://issuer.example"
DESK = "https://desk.example"
ADA, BEN, EVE = "per_ada", "per_ben", "per_eve"
TIMES = ("created_at", "signed_in_at")
PEOPLE = {"user_ada": ADA, "user_ben": BEN, "user_eve": EVE}
ALL = ("clerk:read", "clerk:write", "clerk:destructive", "jobs")


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


async def sign_in_everybody(hosted, issuer):
    """As if all of them had signed in once at this issuer."""
    rows = [
        {
            "id": person,
            "issuer": issuer,
            "subject": subject,
            "email_verified": False,
            **dict.fromkeys(TIMES, 1),
        }
        for subject, person in PEOPLE.items()
    ]
    async with hosted.whole.writing() as connection:
        await connection.execute(people.delete())
        await connection.execute(people.insert(), rows)


@dataclass
class Attempts:
    noted: list = field(default_factory=list)

    async def note(self, workspace, caller, asked):
        self.noted.append((workspace, caller.token or caller.client, caller.person, asked))


@dataclass
class Hosted:
    """All of it. Ada owns acme, Ben signs there and owns bolt as well, Eve only looks, at acme."""

    acme: str
    bolt: str
    registry: AgentRegistry
    tokens: WorkspaceTokens
    issuer: StandInIssuer
    attempts: Attempts
    clock: Clock
    guard: AgentGuard
    http: httpx2.AsyncClient
    oauth: Issuer

    async def ask(self, path="/mcp", bearer=None, **headers):
        shown = {"authorization": f"Bearer {bearer}"} if bearer is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(path, headers={**shown, **named})

    async def agent(self, workspace=None, name="bot", **rules):
        return await self.registry.create(workspace or self.acme, name, AgentRules(**rules), ADA)

    async def token(self, workspace=None, agent=None, *, scopes=ALL, days=30, made_by=ADA, **rules):
        agent = agent or (await self.agent(workspace, **rules)).id
        return await self.tokens.make(
            workspace or self.acme, agent, scopes=scopes, days=days, made_by=made_by
        )

    async def allowed(self, client="cli_1", workspace=None, name="laptop", **rules):
        """An OAuth client that an owner has allowed."""
        workspace = workspace or self.acme
        await self.registry.wait(workspace, ISSUER, client, by=ADA, calls_itself="x")
        await self.registry.allow(workspace, ISSUER, client, name=name, rules=AgentRules(**rules), by=ADA)


async def echo(scope, receive, send):
    """What MCP would be mounted at: who was let in."""
    agent = scope.get(SCOPE)
    shown = agent and {
        "workspace": agent.workspace,
        "instance": agent.instance,
        "person": agent.person,
        "role": agent.role,
        "name": agent.name,
        "dialogue": agent.dialogue,
        "limits": [(where, rules.access, bool(rules.deny)) for where, rules, _ in agent.caller.rules],
    }
    await JSONResponse(shown)(scope, receive, send)


@pytest.fixture
async def here(hosted, workspaces):
    acme = (await workspaces.create("acme", "Acme", ADA)).id
    bolt = (await workspaces.create("bolt", "Bolt", BEN)).id
    await workspaces.add_member(acme, BEN, "signer")
    await workspaces.add_member(acme, EVE, "viewer")
    for workspace, name in ((acme, "prod"), (bolt, "prod"), (bolt, "staging")):
        await workspaces.add_instance(workspace, name, SecretStr("sk_test_x"))
    await sign_in_everybody(hosted, ISSUER)
    stand_in, clock, attempts = StandInIssuer(ISSUER), Clock(), Attempts()
    transport = httpx2.ASGITransport(app=stand_in.app)
    oauth = Issuer(ISSUER, CLIENT_ID, CLIENT_SECRET, transport=transport, clock=clock)
    server = ResourceServer(DESK, oauth)
    arrivals = Arrivals(hosted, server, attempts, OAuthTokens(oauth, clock))
    guard = AgentGuard(echo, arrivals, server)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=guard), base_url=DESK) as http:
        yield Hosted(
            acme=acme,
            bolt=bolt,
            registry=AgentRegistry(hosted),
            tokens=WorkspaceTokens(hosted),
            issuer=stand_in,
            attempts=attempts,
            clock=clock,
            guard=guard,
            http=http,
            oauth=oauth,
        )
    await oauth.close()
