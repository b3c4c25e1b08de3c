"""A real browser before a hosted desk's pages, on a port of this machine, with passkeys of Chromium's own."""

import asyncio
import contextlib
import socket

import pytest
import uvicorn
from pydantic import SecretStr

from deskclerk.faces.hosted.app import pages_app
from deskclerk.faces.hosted.site import people_site
from deskclerk.hosted.attempts import JournalledAttempts
from deskclerk.hosted.issuer import Issuer
from tests.browser.conftest import anyio_backend, browse, chromium  # noqa: F401 - fixtures
from tests.hosted.conftest import destinations_of
from tests.hosted.people.conftest import Acme, Desks, issuer, listening_issuer  # noqa: F401 - fixtures
from tests.hosted.tls import HOST, certificate, proxy


class Served:
    """The pages of a hosted desk, with a workspace whose people sign in as the test says."""

    def __init__(self, origin, site, desks, stand_in):
        self.origin, self.site, self.desks, self.issuer = origin, site, desks, stand_in

    async def sign_in(self, page, name, path="/"):
        """Through the issuer, which lets in whoever it is told."""
        first = name.lower()
        self.issuer.who = {
            "sub": f"user_{first}",
            "email": f"{first}@example.com",
            "email_verified": True,
            "name": f"{name} Example",
        }
        await page.goto(f"{self.origin}/sign-in?to={path}")

    async def person(self, page):
        cookies = await page.context.cookies()
        (value,) = [cookie["value"] for cookie in cookies if cookie["name"] == "deskclerk"]
        return (await self.site.sessions.find(value)).person

    async def workspace(self, slug, owner, key="sk_live_abcdefghijklmnopqrstuvwx"):
        """A workspace of the person in a tab, with a live instance."""
        person = await self.person(owner)
        record = await self.site.workspaces.create(slug, slug.title(), person.id)
        await self.site.workspaces.add_instance(record.id, "prod", SecretStr(key))
        return Acme(record, self.desks, owner=(owner, person))


@pytest.fixture
async def served(hosted, workspaces, issuer, tmp_path, request):  # noqa: F811 - the fixture
    """By `https` where a test asks for it, through a proxy that ends TLS; else as it stands."""
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        scheme = getattr(request, "param", "http")
        if scheme == "https":
            port, lead_to = await stack.enter_async_context(proxy(certificate(tmp_path)))
            lead_to(listener.getsockname()[1])
        # A host name: passkeys are made for one, and an address is none.
        origin = f"{scheme}://{HOST}:{port}"
        at = await stack.enter_async_context(Issuer(issuer.url, "desk", "desk-secret"))
        site = people_site(
            origin, hosted, workspaces, JournalledAttempts(hosted), at, destinations=destinations_of(hosted)
        )
        desks = Desks(site, stack)
        config = uvicorn.Config(
            pages_app(site, desks), log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield Served(origin, site, desks, issuer)
        for _, console in desks.open.values():
            console.leave()
        server.should_exit = True
        await serving


@pytest.fixture
def virtual_passkeys():
    """Gives a tab's browser an authenticator that says yes for its person, or not."""

    async def add(page, *, verified=True, transport="internal"):
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": transport,
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verified,
            "automaticPresenceSimulation": True,
        }
        added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return session, added["authenticatorId"]

    return add
