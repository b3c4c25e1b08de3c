"""People of a hosted desk: a stand-in issuer, a site on a database of the test's own, and browsers at it."""

import re
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from html import unescape

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from starlette.requests import Request

from deskclerk.catalogue import BanUser, DeleteUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Desk
from deskclerk.desk.journal.tables import events
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.site import Console
from deskclerk.faces.hosted.access import MembersDoor
from deskclerk.faces.hosted.app import pages_app
from deskclerk.faces.hosted.rendering import not_here
from deskclerk.faces.hosted.site import people_site
from deskclerk.hosted.attempts import ACTION, JournalledAttempts
from deskclerk.hosted.issuer import Issuer
from deskclerk.hosted.people.signing_rules import MemberSigningRules
from deskclerk.hosted.workspaces.instance_keys import InstanceKeys
from deskclerk.settings import Rules
from tests.desk.conftest import TinyClerk
from tests.hosted.conftest import destinations_of
from tests.hosted.people.issuer import standing_in

ORIGIN = "http://localhost:8765"
BAN, DELETE = BanUser(user_id="user_1"), DeleteUser(user_id="user_1")


@pytest.fixture(scope="session")
def listening_issuer():
    with standing_in() as found:
        yield found


@pytest.fixture
def issuer(listening_issuer):
    """The stand-in, as good as new."""
    listening_issuer.__init__(listening_issuer.url)
    return listening_issuer


@pytest.fixture
async def site(hosted, workspaces, issuer):
    upstream = TinyClerk()
    upstream.instance = "ins_tiny"

    @asynccontextmanager
    async def asking(settings, workspace):
        async with (
            Clerk("https://clerk.test", "sk", transport=httpx2.MockTransport(upstream)) as clerk,
            Desk(settings, clerk=clerk, workspace=workspace) as desk,
        ):
            yield desk

    keys = InstanceKeys(hosted, workspaces, asking)
    keys.upstream = upstream
    async with Issuer(issuer.url, "desk", "desk-secret", clock=issuer.clock) as at:
        made = people_site(
            ORIGIN, hosted, workspaces, JournalledAttempts(hosted), at, destinations=destinations_of(hosted)
        )
        yield replace(made, keys=keys)


@pytest.fixture
def upstream(site):
    """The Clerk that is asked about keys."""
    return site.keys.upstream


class Desks:
    """The desks and consoles of the instances of a site's workspaces, before a tiny Clerk."""

    def __init__(self, site, stack):
        self.site, self.stack, self.open, self.clerk = site, stack, {}, TinyClerk()

    async def of(self, record, instance):
        if (record.id, instance) not in self.open:
            _, key = await self.site.workspaces.key_of(record.id, instance)
            settings = record.policy.settings(instance, key, "http://127.0.0.1:9", Rules(), {})
            settings = settings.model_copy(update={"approval_wait": 0})
            site = self.site
            rules = MemberSigningRules(site.hosted, site.workspaces, record.id, site.passkeys)
            workspace = Workspace(record.id, site.hosted.storage(record.id), signing=rules)
            transport = httpx2.MockTransport(self.clerk)
            clerk = await self.stack.enter_async_context(
                Clerk("https://clerk.test", "sk", transport=transport)
            )
            desk = await self.stack.enter_async_context(Desk(settings, clerk=clerk, workspace=workspace))
            desk.signing.page = lambda plan: f"{ORIGIN}/w/{record.slug}/i/{instance}/plans/{plan}"
            console = Console(desk, ORIGIN, door=MembersDoor(site))
            self.open[record.id, instance] = desk, console
        return self.open[record.id, instance]

    async def __call__(self, scope, receive, send):
        """The console of the address, as the server of a hosted desk finds it."""
        try:
            session = scope["deskclerk.session"]
            _, console = await self.of(session.record, scope["path_params"]["instance"])
        except DeskclerkError:
            await not_here(Request(scope))(scope, receive, send)
            return
        await console.app(scope, receive, send)


@pytest.fixture
async def desks(site):
    async with AsyncExitStack() as stack:
        yield Desks(site, stack)


class Browser:
    """Keeps cookies as a browser does, goes to the issuer and back, and reads forms off pages."""

    def __init__(self, app, site):
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)
        self.outside = httpx2.AsyncClient()
        self.site = site

    async def get(self, path, **more):
        return await self.http.get(path, **more)

    async def to_issuer(self, path="/sign-in"):
        """Where the issuer would send the browser back to."""
        begun = await self.get(path)
        assert begun.status_code == 303
        answer = await self.outside.get(begun.headers["location"])
        back = answer.headers["location"]
        assert back.startswith(f"{ORIGIN}/sign-in/callback?")
        return back.removeprefix(ORIGIN)

    async def sign_in(self, path="/sign-in"):
        return await self.get(await self.to_issuer(path))

    async def post(self, path, page=None, csrf=None, headers=None, **fields):
        """A form as its page would send it; `csrf` in place of the page's own token."""
        if csrf is None:
            csrf = re.search(r'name="csrf" value="([^"]+)"', (await self.get(page or path)).text)[1]
        return await self.http.post(path, data={"csrf": csrf} | fields, headers=headers)


def named(person, where="console"):
    """A person as the journal says who signed or changed something."""
    return f"{where}, {person.name} ({person.id})"


def told(answer):
    """What a page says went wrong."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition('role="alert"')[2])).split())


@pytest.fixture
async def browsers(site, desks):
    """Makes browsers, each with cookies of its own."""
    app = pages_app(site, desks)
    made = []

    def new():
        made.append(Browser(app, site))
        return made[-1]

    yield new
    for browser in made:
        await browser.http.aclose()
        await browser.outside.aclose()


@pytest.fixture
def person_in(browsers, issuer, site):
    """Somebody who has signed in, by name: their browser and who they are."""

    async def sign_in(name):
        first = name.lower()
        issuer.who = {
            "sub": f"user_{first}",
            "email": f"{first}@example.com",
            "email_verified": True,
            "name": f"{name} Example",
        }
        browser = browsers()
        assert (await browser.sign_in()).status_code == 303
        cookie = browser.http.cookies["deskclerk"]
        return browser, (await site.sessions.find(cookie)).person

    return sign_in


class Acme:
    """A workspace with an owner, a signer and a viewer, and a live instance."""

    def __init__(self, record, desks, **people):
        self.record, self.desks = record, desks
        self.browsers = {role: browser for role, (browser, _) in people.items()}
        self.people = {role: person for role, (_, person) in people.items()}
        self.home = f"/w/{record.slug}/i/prod"

    async def desk(self):
        return (await self.desks.of(self.record, "prod"))[0]

    async def plan(self, action=BAN, asker=None):
        caller = Caller("mcp", "Claude", "bot", asker and self.people[asker].id)
        return await (await self.desk()).propose(action, caller)

    async def policy(self, **changes):
        policy = (await self.desks.site.workspaces.load(self.record.id)).policy
        policy = policy.model_copy(update=changes)
        await self.desks.site.workspaces.set_policy(self.record.id, policy)

    async def sign(self, role, plan, **fields):
        given = {"decision": "sign", "digest": plan.digest, "typed": plan.words[0]} | fields
        return await self.browsers[role].post(
            f"{self.home}/plans/{plan.id}", page=f"/w/{self.record.slug}/members", **given
        )

    async def attempts(self):
        """What the journal of the workspace has of attempts at what is of others."""
        query = select(events.c.client, events.c.target).where(events.c.action == ACTION)
        async with self.desks.site.hosted.of(self.record.id).reading() as connection:
            rows = await connection.execute(query.order_by(events.c.seq))
            return [tuple(row) for row in rows]

    async def status(self, plan):
        return (await (await self.desk()).plans.load(plan.id)).status


@pytest.fixture
def workspace_of(site, desks, person_in):
    """Makes a workspace with three people."""

    async def make(slug="acme", names=("Olga", "Sol", "Vic"), key="sk_live_abcdefghijklmnopqrstuvwx"):
        olga, sol, vic = [await person_in(name) for name in names]
        record = await site.workspaces.create(slug, slug.title(), olga[1].id)
        await site.workspaces.add_member(record.id, sol[1].id, "signer")
        await site.workspaces.add_member(record.id, vic[1].id, "viewer")
        await site.workspaces.add_instance(record.id, "prod", SecretStr(key))
        return Acme(record, desks, owner=olga, signer=sol, viewer=vic)

    return make


@pytest.fixture
async def acme(workspace_of):
    return await workspace_of()
