"""A visitor to a sandbox's pages, and what an application and a person do there."""

from dataclasses import dataclass
from urllib.parse import urlencode

import httpx2
import pytest

from tests.sandbox.companies import user
from tests.sandbox.oauth.browser import CHALLENGE, VERIFIER, sign_in

BACK = "https://app.example/callback"
SCOPES = "openid profile email offline_access"
HOST = "http://sandbox.localhost"


@dataclass
class Journey:
    """One application before one issuer; what it asks is what it should, unless a test says otherwise."""

    http: httpx2.AsyncClient
    made: dict
    user_id: str
    issuer: str = HOST

    def address(self, **more):
        given = {
            "response_type": "code",
            "client_id": self.made["client_id"],
            "redirect_uri": BACK,
            "scope": SCOPES,
            "state": "a state of its own",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | more
        pairs = [(name, value) for name, value in given.items() if value is not None]
        return f"{self.issuer}/oauth/authorize?{urlencode(pairs, doseq=True)}"

    async def code(self, **more):
        return (await sign_in(self.http, self.address(**more), self.user_id))["code"]

    async def token(self, **more):
        """The status and the answer of the token endpoint."""
        given = {
            "grant_type": "authorization_code",
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
            "client_id": self.made["client_id"],
            "client_secret": self.made.get("client_secret"),
        } | more
        return await self.ask("token", **given)

    async def ask(self, endpoint, **given):
        form = {name: value for name, value in given.items() if value is not None}
        answer = await self.http.post(f"{self.issuer}/oauth/{endpoint}", data=form)
        return answer.status_code, answer.json() if answer.content else None

    async def tokens(self, **more):
        status, answer = await self.token(code=await self.code(**more))
        assert status == 200, answer
        return answer

    async def refused(self, **more):
        """The status and the error of the token endpoint."""
        status, answer = await self.token(**more)
        return status, answer["error"]


@pytest.fixture
async def visitor(clerk):
    """Whoever has no secret key."""
    transport = httpx2.ASGITransport(app=clerk.sandbox.app)
    async with httpx2.AsyncClient(transport=transport, base_url=HOST) as client:
        yield client


async def application(clerk, **more):
    body = {"name": "Portal", "scopes": SCOPES, "redirect_uris": [BACK]} | more
    return await clerk.post("/oauth_applications", body)


@pytest.fixture
async def journey(clerk, visitor):
    return Journey(visitor, await application(clerk), await user(clerk))


@pytest.fixture
async def public(clerk, visitor, journey):
    """The journey of an application that has no secret."""
    return Journey(visitor, await application(clerk, public=True), journey.user_id)
