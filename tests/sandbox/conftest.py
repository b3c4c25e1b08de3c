"""A fresh sandbox for each test, asked over HTTP as a Clerk SDK would."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest

from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.store.store import Clock

NOON = 1_790_000_000_000


class ManualClock(Clock):
    """A clock that a test moves."""

    def __init__(self, now=NOON):
        self.time = now

    def now(self):
        return self.time

    def advance(self, milliseconds):
        self.time += milliseconds


class Client:
    """Asks a sandbox; `ask` answers `(status, JSON)`, the verbs the JSON of a success."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        transport = httpx2.ASGITransport(app=sandbox.app)
        self.http = httpx2.AsyncClient(
            transport=transport,
            base_url="http://sandbox.localhost/v1",
            headers={"Authorization": f"Bearer {KEY}", "Clerk-API-Version": "2026-05-12"},
        )

    async def ask(self, method, path, **options):
        answer = await self.http.request(method, path, **options)
        assert answer.headers["content-type"] == "application/json"
        return answer.status_code, answer.json()

    async def _done(self, method, path, **options):
        status, answer = await self.ask(method, path, **options)
        assert status == 200, answer
        return answer

    async def get(self, path, params=None):
        return await self._done("GET", path, params=params)

    async def post(self, path, body=None):
        return await self._done("POST", path, json=body)

    async def patch(self, path, body):
        return await self._done("PATCH", path, json=body)

    async def delete(self, path):
        return await self._done("DELETE", path)

    async def refused(self, method, path, **options):
        """The `(status, code, parameter)` of the first error."""
        status, answer = await self.ask(method, path, **options)
        assert status >= 400, answer
        error = answer["errors"][0]
        return status, error["code"], error["meta"].get("param_name")


@pytest.fixture(scope="session")
def anyio_backend():
    """One event loop for all, so that a module's tests can share a sandbox."""
    return "asyncio"


@pytest.fixture
def clock():
    return ManualClock()


def _make(databases, *, seed):
    place = databases.new()

    async def make():
        async with open_sandbox(place, seed=seed, clock=ManualClock()):
            pass

    asyncio.run(make())
    return place


@pytest.fixture(scope="session")
def empty_database(databases):
    """A migrated database without people, made once: each test gets a copy."""
    return _make(databases, seed=False)


@pytest.fixture(scope="session")
def seeded_database(databases):
    """As `empty_database`, with the company in it."""
    return _make(databases, seed=True)


@asynccontextmanager
async def opened(databases, database, clock):
    """A client of a sandbox on a copy of the database."""
    with databases.copied(database) as place:
        async with open_sandbox(place, seed=False, clock=clock) as sandbox:
            client = Client(sandbox)
            async with client.http:
                yield client


@pytest.fixture
async def clerk(databases, clock, empty_database):
    """A client of an empty sandbox."""
    async with opened(databases, empty_database, clock) as client:
        yield client


@pytest.fixture(scope="module")
async def shared(databases, empty_database):
    """As `clerk`, for the tests of a module that leave it as they find it."""
    async with opened(databases, empty_database, ManualClock()) as client:
        yield client


@pytest.fixture(scope="module")
async def company(databases, seeded_database):
    """A client of a sandbox with the company in it, for tests that leave it as they find it."""
    async with opened(databases, seeded_database, ManualClock()) as client:
        yield client
