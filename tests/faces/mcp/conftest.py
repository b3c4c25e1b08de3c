"""An MCP client of the official SDK before a server, a desk and a Clerk that has one of everything."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager

import httpx2
import mcp_types as types
import pytest
from mcp import Client

from deskclerk.catalogue import ACTIONS
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.answers import object_at

ERAS = {"handshake": "legacy", "stateless": "auto"}
THING = {
    "id": "x_1",
    "name": "Ada",
    "claims": {},
    "public_user_data": {"user_id": "user_x_1"},
}


class OneOfEverything:
    """A Clerk in which whatever is asked for is there, with the id `x_1`, and every write works.

    `writes` are those that reached it; while `gate` is set to an event, a write waits for it.
    """

    def __init__(self):
        self.writes = []
        self.thing = dict(THING)
        self.arrived = asyncio.Event()
        self.gate = None
        self.trouble = None

    async def __call__(self, request):
        path = request.url.path.removeprefix("/v1")
        thing = self.thing | {"object": object_at(path)}
        if request.method == "GET":
            if path.endswith("x_1"):
                return httpx2.Response(200, json=thing)
            return httpx2.Response(200, json={"data": [thing], "total_count": 1})
        self.writes.append((request.method, path))
        self.arrived.set()
        if self.gate:
            await self.gate.wait()
        if self.trouble:
            raise self.trouble
        return httpx2.Response(200, json=thing)


class Dialogue:
    """The person before the client's dialogue: says yes in the way that is asked for, or as told."""

    def __init__(self, action="accept", content=None, failure=None):
        self.action = action
        self.content = content
        self.failure = failure
        self.asked = []

    async def __call__(self, ctx, params):
        self.asked.append(params)
        if self.failure:
            return self.failure
        content = self.content if self.content is not None else self.yes(params)
        return types.ElicitResult(action=self.action, content=content if self.action == "accept" else None)

    def yes(self, params):
        ((name, field),) = params.requested_schema["properties"].items()
        typed = params.message.rpartition("type: ")[2].partition(" or ")[0]
        return {name: True if field["type"] == "boolean" else typed}


def least(action):
    """The least that an action takes, every id ending in `x_1`."""
    made_up = {"object": {}, "array": ["x"], "boolean": True}
    ids = {"user_id": "user_x_1", "organization_id": "org_x_1"}
    given = {
        name: made_up.get(item.schema["type"], ids.get(name, "x_1"))
        for name, item in action.parameters().items()
        if item.required
    }
    if action.spec.verb == "update":
        free = next(item for item in action.parameters().values() if item.where == "body")
        given.setdefault(free.name, "changed")
    return given


WRITES = [action for action in ACTIONS if action.spec.effect != "read"]


@pytest.fixture(params=list(ERAS))
def era(request):
    """Both eras of the protocol, one after the other."""
    return ERAS[request.param]


@pytest.fixture
def upstream():
    return OneOfEverything()


@pytest.fixture
def events(tmp_path):
    """What the journal says, in order: of each event these columns."""

    def read(columns="kind, action, outcome"):
        database = sqlite3.connect(tmp_path / "home" / "desk.db")
        try:
            return database.execute(f"select {columns} from events order by seq").fetchall()
        finally:
            database.close()

    return read


@pytest.fixture
def serve(upstream, tmp_path):
    """Opens a server on a desk before the upstream; settings as keyword arguments."""

    @asynccontextmanager
    async def opened(**options):
        given = {"secret_key": "sk_test_x", "approval_wait": 0} | options
        settings = Settings(home=tmp_path / "home", **given)
        transport = httpx2.MockTransport(upstream)
        async with (
            Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk,
            Desk(settings, clerk=clerk) as desk,
        ):
            yield build(desk)

    return opened


@pytest.fixture
def connect(serve, era):
    """Opens an official client, in each era, of a server opened for it alone."""

    @asynccontextmanager
    async def opened(dialogue=None, **options):
        async with (
            serve(**options) as server,
            Client(server, mode=era, elicitation_callback=dialogue) as client,
        ):
            yield client

    return opened


def said(result):
    """The text of a result that is an error."""
    assert result.is_error
    return result.content[0].text
