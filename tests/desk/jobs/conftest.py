"""Jobs before a sandbox in this process: what reaches it is noted, and troubled where a test wants it."""

import asyncio
import shutil
from contextlib import asynccontextmanager

import httpx2
import pytest
from sqlalchemy import text

from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.jobs import jobs as door
from deskclerk.desk.jobs import running
from deskclerk.desk.jobs.planning import Wish
from deskclerk.desk.jobs.running import Run
from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.controls.seeding import Seed, seed
from deskclerk.settings import Settings

ME = Caller("python")
MODEL = Caller("mcp", "client 1.0")


async def yes(_plan):
    return Signature(Decision.APPROVED, "test")


async def no(_plan):
    return Signature(Decision.DECLINED, "test")


def person(number):
    return {
        "id": f"user_{number:05}",
        "first_name": "Person",
        "last_name": str(number),
        "email_address": [f"p{number}@people.example"],
        "skip_password_requirement": True,
    }


def user(number):
    return f"user_{number:05}"


def users(first, last):
    return [user(number) for number in range(first, last + 1)]


def _made(path, **data):
    async def make():
        async with open_sandbox(path, seed=False) as sandbox:
            await seed(sandbox.store, Seed(data=data))

    asyncio.run(make())
    return path


@pytest.fixture(scope="session")
def forty_people(tmp_path_factory):
    """Forty users, the first three of whom have four sessions; an organization with four of them."""
    return _made(
        tmp_path_factory.mktemp("forty") / "clerk.db",
        users=[person(number) for number in range(1, 41)],
        organizations=[{"id": "org_acme", "name": "Acme", "slug": "acme", "created_by": user(1)}],
        memberships=[
            {"organization_id": "org_acme", "user_id": user(number), "role": "org:member"}
            for number in (2, 3, 4)
        ],
        sessions=[{"user_id": user(number)} for number in (1, 1, 2, 3)],
    )


@pytest.fixture(scope="session")
def many_people(tmp_path_factory):
    """Twelve hundred users, of whom seven hundred have a session."""
    return _made(
        tmp_path_factory.mktemp("many") / "clerk.db",
        users=[person(number) for number in range(1, 1_201)],
        sessions=[{"user_id": user(number)} for number in range(1, 701)],
    )


class Wire(httpx2.AsyncBaseTransport):
    """The way to the sandbox: `passed` has what went by, `trouble(request, go_on)` answers in its place."""

    def __init__(self, app):
        self.go_on = httpx2.ASGITransport(app=app).handle_async_request
        self.passed = []
        self.trouble = None

    async def handle_async_request(self, request):
        self.passed.append((request.method, request.url.path.removeprefix("/v1")))
        if self.trouble:
            return await self.trouble(request, self.go_on)
        return await self.go_on(request)

    @property
    def writes(self):
        return [one for one in self.passed if one[0] != "GET"]

    @property
    def reads(self):
        return [path for method, path in self.passed if method == "GET"]


def refusing(status, *those, code="form_param_value_invalid", headers=None):
    """A trouble that answers writes to these users with an error; to all where none are named."""

    async def trouble(request, go_on):
        if request.method == "GET" or (those and not any(one in request.url.path for one in those)):
            return await go_on(request)
        body = {"errors": [{"message": "no", "code": code}]}
        return httpx2.Response(status, json=body, headers=headers)

    return trouble


class Work:
    """A desk before a sandbox; `http` reaches the sandbox past the desk."""

    def __init__(self, desk, wire, http, sandbox):
        self.desk, self.wire, self.http, self.sandbox = desk, wire, http, sandbox
        self.store = desk.jobs.store

    async def ask(self, method, path, **body):
        answer = await self.http.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer.json()

    async def user(self, number):
        return await self.ask("GET", f"/users/{user(number)}")

    async def banned(self):
        every = await self.ask("GET", "/users?limit=500")
        return {int(one["id"][5:]) for one in every if one["banned"]}

    async def propose(self, kind, targets, caller=ME, **wish):
        return await self.desk.jobs.propose(kind, targets, caller, wish=Wish(**wish))

    async def start(self, plan):
        return await self.desk.jobs.run(plan, ME, approver=yes)

    async def run(self, job, owner="run_1"):
        """A run of a job, as a worker begins one."""
        run = Run(await self.store.own(job.id, owner), owner, self.desk.jobs.tools)
        await run.settle()
        return run

    async def finish(self, run, seconds=60):
        while (ended := await run.part(seconds)) is None:
            pass
        await self.store.ended(run.job.id, run.owner, *ended)
        return await self.store.load(run.job.id)

    async def carry_out(self, job, owner="run_1"):
        """The job, once a run has come to its end."""
        return await self.finish(await self.run(job, owner))

    async def do(self, kind, targets, **wish):
        """A write on many targets: planned, signed and carried out; the job."""
        return await self.carry_out(await self.start(await self.propose(kind, targets, **wish)))

    async def items(self, job_id):
        return [item async for item in self.store.every_item(job_id)]

    async def sql(self, statement):
        database = await self.desk.journal.database()
        async with database.writing() as connection:
            found = await connection.execute(text(statement))
            return [tuple(row) for row in found] if found.returns_rows else None

    async def all_that_is_stored(self):
        """Every row of the desk's database, as text."""
        await self.desk.journal.flush()
        names = await self.sql("select name from sqlite_master where type = 'table'")
        return "\n".join([str(await self.sql(f"select * from {name}")) for (name,) in names])


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    """No job starts a process, and a run does not wait for a person's wish or a lost answer."""
    monkeypatch.setattr(door, "start_worker", lambda *_: False)
    monkeypatch.setattr(running, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr("deskclerk.desk.execution.settling.WAITS", (0.0,))


@pytest.fixture
def quick(monkeypatch):
    """Nobody sleeps for a second."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(min(seconds, 0.02)))


@pytest.fixture
def opened(tmp_path, forty_people):
    """Opens the work on a copy of the forty people, or of other ones."""

    @asynccontextmanager
    async def opened(people=forty_people, **settings):
        copy = tmp_path / "clerk.db"
        if not copy.exists():
            shutil.copy(people, copy)
        given = Settings(**{"home": tmp_path / "home", "approval_wait": 0} | settings)
        async with open_sandbox(copy, seed=False) as sandbox:
            wire = Wire(sandbox.app)
            past = httpx2.ASGITransport(app=sandbox.app)
            headers = {"authorization": f"Bearer {KEY}", "clerk-api-version": "2026-05-12"}
            async with (
                httpx2.AsyncClient(transport=past, base_url="http://sandbox/v1", headers=headers) as http,
                Clerk("http://sandbox.localhost", KEY, transport=wire, retry_seconds=0) as clerk,
                Desk.open(given, clerk=clerk) as desk,
            ):
                yield Work(desk, wire, http, sandbox)

    return opened


@pytest.fixture
async def work(opened):
    async with opened() as work:
        yield work
