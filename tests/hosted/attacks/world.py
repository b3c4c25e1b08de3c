"""Two customers of one replica in this process, with something of everything there is, and their people.

Bolt is who is attacked: whatever is told of it has words that stand nowhere else. Acme's people and agents
are who attacks.
"""

import base64
import contextlib
import hashlib
import json
import re
import secrets
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx2
from pydantic import SecretStr
from sqlalchemy import URL, make_url, text

from deskclerk.catalogue import BanUser, LockUser, ProposeBulk
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.faces.hosted.server import hosted_app
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.attempts import ACTION
from deskclerk.hosted.parts import opened
from deskclerk.hosted.people.invitations import Invitations
from deskclerk.hosted.people.persons import arrived
from deskclerk.hosted.people.sign_in import Claims
from deskclerk.hosted.workspaces.desks import Desks, Place
from tests.hosted.people.authenticator import Authenticator

ALL = ("clerk:read", "clerk:write", "clerk:destructive", "jobs")
ENOUGH = {"requests_per_minute": 1_000_000, "plans_waiting": 100_000, "open_jobs": 10_000}
MODERN = "2026-07-28"


class Browser:
    """One browser at the replica, in which somebody is signed in."""

    def __init__(self, world, user):
        self.world, self.user = world, user
        transport = httpx2.ASGITransport(app=world.app, raise_app_exceptions=False)
        self.http = httpx2.AsyncClient(transport=transport, base_url=world.url, timeout=60)
        self.csrf = self.cookie = ""

    async def sign_in(self, path="/sign-in"):
        """To the issuer, where the user says yes, and back; the answer that the browser gets."""
        self.http.cookies.clear()
        begun = await self.http.get(path)
        address = httpx2.URL(begun.headers["location"])
        asked = {**dict(address.params), "user_id": self.user, "decision": "allow"}
        async with httpx2.AsyncClient(timeout=60) as outside:
            page = await outside.post(str(address.copy_with(query=None)), data=asked)
        back = httpx2.URL(page.headers["location"])
        answer = await self.http.get(f"{back.path}?{back.query.decode()}")
        assert answer.status_code == 303, answer.text
        self.cookie = self.http.cookies["deskclerk"]
        page = await self.http.get("/security")
        self.csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
        return answer

    async def get(self, path, **more):
        return await self.http.get(path, **more)

    async def post(self, path, fields=(), **more):
        return await self.http.post(path, data={"csrf": self.csrf, **dict(fields)}, **more)


class Heard:
    """ASGI middleware that keeps what was answered, but for cookies that are set."""

    def __init__(self, app):
        self.app, self.answers = app, []

    async def __call__(self, scope, receive, send):
        said = []

        async def hear(message):
            said.append(message.get("body", b""))
            headers = message.get("headers", ())
            said.extend(value for name, value in headers if name.lower() != b"set-cookie")
            await send(message)

        try:
            await self.app(scope, receive, hear)
        finally:
            self.answers.append((scope["path"], b"\n".join(said)))


class Customer(SimpleNamespace):
    """A workspace: its people, browsers, agents, ids and secrets."""

    @property
    def home(self):
        return f"/w/{self.slug}"

    @property
    def console(self):
        return f"/w/{self.slug}/i/{self.instance}"


class World:
    """The replica, what stands behind it, and both customers."""

    def __init__(self, here, stack):
        self.here, self.stack = here, stack
        self.url = here.public_url

    async def open(self, more):
        self.here.database = self.here.postgres.new()
        database = make_url(self.here.database)
        # The server asks for none: it is a secret all the same.
        self.database_password = secrets.token_hex(12)
        settings = {"database": database.set(password=self.database_password)} | more
        urls = {
            name: SecretStr(url.render_as_string(hide_password=False))
            for name, url in settings.items()
            if isinstance(url, URL)
        }
        self.settings = self.here.settings.model_copy(update=settings | urls)
        self.parts = await self.stack.enter_async_context(opened(self.settings))
        self.replica = await self.stack.enter_async_context(hosted_app(self.settings))
        self.app = Heard(self.replica.app)
        self.desks = Desks.alone(self.parts.workspaces, self.parts.doors, self.parts.agents.rules)
        self.stack.push_async_callback(self.desks.close)
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        self.http = await self.stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url=self.url, timeout=60)
        )
        self.acme = await self.customer("acme")
        self.bolt = await self.customer("zz-bolt")

    def user(self, word):
        """A person as the issuer knows them."""
        email = f"{word}@example.com"
        fields = {"email_address": [email], "skip_password_requirement": True, "first_name": word.title()}
        return self.here.api("POST", "/users", fields)["id"], email

    async def person(self, word):
        user, email = self.user(word)
        claims = Claims(subject=user, email=email, email_verified=True, name=f"{word} person")
        async with self.parts.database.whole.writing() as connection:
            person = await arrived(connection, self.here.clerk.url, claims)
        browser = Browser(self, user)
        self.stack.push_async_callback(browser.http.aclose)
        await browser.sign_in()
        return SimpleNamespace(person=person, user=user, browser=browser, email=email)

    async def customer(self, slug):
        """A workspace with something of everything."""
        word, parts = secrets.token_hex(4), self.parts
        clerk_key = self.here.clerk.instances.add(f"{slug}-{word}")["secret_key"]
        people = {role: await self.person(f"{role}-{word}") for role in ("owner", "signer", "viewer", "gone")}
        owner = people["owner"].person
        made = await parts.workspaces.create(slug, f"Company {word}", owner.id)
        for role in ("signer", "viewer"):
            await parts.workspaces.add_member(made.id, people[role].person.id, role)
        await parts.workspaces.set_limits(made.id, ENOUGH, None)
        policy = made.policy.model_copy(update={"approval_wait": 0})
        await parts.workspaces.set_policy(made.id, policy)
        instance = f"inst-{word}"
        await parts.workspaces.add_instance(made.id, instance, SecretStr(clerk_key), self.here.clerk.url)
        rules = AgentRules(toolsets=("all",), dialogue=True)
        agent = await parts.agents.create(made.id, f"agent-{word}", rules, owner.id)
        tokens = WorkspaceTokens(parts.database)
        record, token = await tokens.make(made.id, agent.id, scopes=ALL, days=1, made_by=owner.id)
        client, oauth = await self.oauth_token(made.id, people["owner"], f"agent-{word}", rules)
        invitation, link = await Invitations(parts.database).invite(
            made.id, f"invited-{word}@example.com", "viewer", owner.id
        )
        key = Authenticator(self.url, host=urlsplit(self.url).hostname)
        new = key.make(await parts.passkeys.ask_for_new(owner))
        await parts.passkeys.add(owner, new, f"Key {word}", fresh=True)
        hook, hook_secret = f"{word}hook", base64.b64encode(secrets.token_bytes(24)).decode()
        destination = await parts.destinations.add(
            made.id,
            f"ops-{word}",
            "webhook",
            address=SecretStr(f"https://hooks.example.com/{hook}"),
            secret=SecretStr(f"whsec_{hook_secret}"),
            by=owner.id,
        )
        found = Customer(
            id=made.id, slug=slug, word=word, instance=instance, people=people, owner=owner,
            clerk_key=clerk_key, agent=agent, token_id=record.id, token=token,
            token_beginning=record.beginning,
            client=client, oauth=oauth, invitation=invitation.id, link=link, rules=rules,
            destination=destination.id, hook=hook, hook_secret=hook_secret,
            passkey=(await parts.passkeys.of(owner.id))[0].id,
        )  # fmt: skip
        found.sessions = await self.column("SELECT id FROM sessions WHERE person = :of", of=owner.id)
        await self.records(found)
        return found

    async def records(self, found):
        """Plans that wait, are signed and were used, a job, a journal, a hand-over and a stored secret."""
        names = [f"{found.word}{number}" for number in range(5)]
        found.users = [
            self.here.api(
                "POST",
                "/users",
                {"username": f"victim_{name}", "skip_password_requirement": True},
                key=found.clerk_key,
            )["id"]
            for name in names
        ]
        first, second, third, *rest = found.users
        caller = Caller("mcp", f"client-{found.word}", found.agent.name, found.owner.id)
        signer = Caller("console", client=found.owner.label, person=found.owner.id)
        yes = Signature(Decision.APPROVED, f"console, note {found.word}")
        record = await self.parts.workspaces.load(found.id)
        async with self.desks.use(Place.of(record, found.instance)) as desk:
            found.waiting = (await desk.propose(BanUser(user_id=first), caller)).id
            found.signed = (await desk.propose(LockUser(user_id=second), caller)).id
            await desk.sign(found.signed, yes, caller=signer)
            found.used = (await desk.propose(BanUser(user_id=third), caller)).id
            await desk.sign(found.used, yes, caller=signer)
            await desk.perform(BanUser(user_id=third), caller=caller)
            job = await desk.propose(ProposeBulk(action="clerk_user_ban", targets=rest, values=None), caller)
            found.job_plan, found.job = job.id, job.job.id
            started = await desk.propose(
                ProposeBulk(action="clerk_user_lock", targets=rest, values=None), caller
            )
            found.started_plan, found.started = started.id, started.job.id
            await desk.sign(started.id, yes, caller=signer)
            await desk.jobs.pause(found.started, signer)
            shown = {"object": "oauth_application", "id": f"oa_{found.word}", "name": f"Portal {found.word}"}
            found.once = f"once-{secrets.token_hex(12)}"
            await desk.handovers.keep(shown | {"client_secret": found.once})
            (handover,) = await desk.handovers.listed()
            found.handover, found.secret = handover.id, f"secret-{found.word}"
            found.secret_value = f"value-{secrets.token_hex(12)}"
            await desk.secrets.store(found.secret, found.secret_value)
            entries = await desk.journal.entries(EntryFilter())
        found.entries = [item["entry"] for item in entries]
        found.write = next(item["entry"] for item in entries if item["kind"] == "write")

    async def oauth_token(self, workspace, who, name, rules):
        """A client that an owner has allowed, and its access token."""
        back = "http://127.0.0.1:9/back"
        made = self.here.api("POST", "/oauth_applications", {
            "name": "client", "redirect_uris": [back], "scopes": "openid profile email",
            "consent_screen_enabled": False,
        })  # fmt: skip
        issuer, verifier = self.here.clerk.url, secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "client_id": made["client_id"], "redirect_uri": back, "response_type": "code", "scope": "openid",
            "state": secrets.token_urlsafe(12), "code_challenge": challenge, "code_challenge_method": "S256",
            "user_id": who.user, "decision": "allow",
        }  # fmt: skip
        async with httpx2.AsyncClient(timeout=60) as http:
            answer = await http.post(f"{issuer}/oauth/authorize", data=asked)
            code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
            got = await http.post(
                f"{issuer}/oauth/token",
                data={
                    "grant_type": "authorization_code", "code": code, "redirect_uri": back,
                    "code_verifier": verifier,
                },
                auth=(made["client_id"], made["client_secret"]),
            )  # fmt: skip
        agents, by = self.parts.agents, who.person.id
        await agents.wait(workspace, issuer, made["client_id"], by=by, calls_itself="x")
        await agents.allow(workspace, issuer, made["client_id"], name=name, rules=rules, by=by)
        return made["client_id"], got.json()["access_token"]

    async def column(self, query, **values):
        async with self.parts.database.whole.reading() as connection:
            return [value for (value,) in await connection.execute(text(query), values)]

    async def rows(self, customer, *, without=()):
        """Every row that is a customer's or its people's, as text, by table."""
        tables = await self.column(
            "SELECT table_name::text FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'workspace' ORDER BY 1"
        )
        found = {}
        for table in tables:
            if table not in without:
                query = f'SELECT t::text FROM "{table}" t WHERE workspace = :of ORDER BY 1'
                found[table] = await self.column(query, of=customer.id)
        ids = [one.person.id for one in customer.people.values()]
        for table, name in (("people", "id"), ("sessions", "person"), ("passkeys", "person")):
            query = f"SELECT t::text FROM {table} t WHERE {name} = ANY(:of) ORDER BY 1"
            found[table] = await self.column(query, of=ids)
        found["workspaces"] = await self.column(
            "SELECT t::text FROM workspaces t WHERE id = :of", of=customer.id
        )
        return found

    async def attempts(self, customer):
        """What the customer's journal has of attempts at what is of others."""
        query = "SELECT target FROM events WHERE workspace = :of AND action = :action ORDER BY seq"
        return await self.column(query, of=customer.id, action=ACTION)

    async def mcp(self, token, method, params, *, path="/mcp", modern=False, **headers):
        """One request of an agent, in the words of either era."""
        shown = {"accept": "application/json, text/event-stream", **headers}
        if token:
            shown["authorization"] = f"Bearer {token}"
        if modern:
            params = {
                **params,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
                    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
                },
            }
            shown |= {"mcp-protocol-version": MODERN, "mcp-method": method}
            if "name" in params:
                shown["mcp-name"] = params["name"]
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        # In ASCII, so that it can carry what UTF-8 cannot.
        shown |= {"content-type": "application/json"}
        return await self.http.post(path, content=json.dumps(body), headers=shown)


def told(answer):
    """What an MCP answer says: the result, or the error."""
    text = answer.text
    said = json.loads(text.partition("data: ")[2] if text.startswith(("event:", "data:")) else text)
    return said.get("result", said.get("error"))


@contextlib.asynccontextmanager
async def world(here, **more):
    """Both customers, as long as the block lasts; `more` are settings of the replica."""
    async with contextlib.AsyncExitStack() as stack:
        found = World(here, stack)
        await found.open(more)
        yield found
