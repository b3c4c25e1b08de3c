"""Every tool before made-up arguments: what is wrong is told and never sent, what is right is Clerk's."""

import contextlib
import json

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from deskclerk.catalogue import ACTIONS
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.answers import object_at
from tests.contract import arguments
from tests.contract.openapi import operation, request_problems
from tests.faces.mcp.conftest import ERAS, OneOfEverything

KEY = "sk_test_0123456789canary"
HOSTILE = st.sampled_from(
    [
        "",
        " ",
        ".",
        "..",
        "../users",
        "a/../../b",
        "%2e%2e%2f",
        "user_1/ban",
        "user_1?x=1",
        "user_1#x",
        "user_1\r\nHost: evil.example",
        "a\0b",
        "\u202e\u2066",
        "é" * 300,
        "x" * 100_000,
        "secret:",
        "secret:../../etc/passwd",
        "{{constructor}}",
        "$(id)",
        "' OR 1=1 --",
        -1,
        2**63,
        10**40,
        1e308,
        0.1,
        True,
        None,
        [],
        {},
        [[[[[]]]]],
        [None],
        {"": {"": {"": None}}},
        ["x"] * 1000,
        {f"key_{number}": number for number in range(1000)},
    ]
)
NAMED_HERE = {"user_id", "organization_id", "created_by", "inviter_user_id", "requesting_user_id"}
NAMES = st.sampled_from(["confirm", "approved", "fields", "limit", "user_id", "__class__", "", "x" * 5000])


@st.composite
def somehow(draw, name):
    """Arguments that the document allows, some of them replaced or joined by others."""
    given_arguments = dict(draw(arguments.drawn(name)))
    known = list(given_arguments) or ["fields"]
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.one_of(st.sampled_from(known), NAMES, st.text(max_size=8)))
        given_arguments[key] = draw(st.one_of(HOSTILE, arguments.JSON))
    if draw(st.integers(0, 9)) == 0:
        given_arguments |= {f"unknown_{number}": 0 for number in range(2000)}
    return given_arguments


class Counting(OneOfEverything):
    """A Clerk that has one of everything, and keeps what it was asked."""

    def __init__(self):
        super().__init__()
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        path = request.url.path.removeprefix("/v1")
        # Whatever its id is.
        if request.method == "GET" and operation("GET", path).path.endswith("}"):
            return httpx2.Response(200, json=self.thing | {"object": object_at(path)})
        return await super().__call__(request)


class Asker:
    """An official client before a server, a desk and that Clerk, asked without awaiting."""

    def __init__(self, portal, client, clerk):
        self._portal = portal
        self._client = client
        self._clerk = clerk

    def call(self, name, given_arguments):
        """The result of a call, and what reached Clerk."""
        self._clerk.requests.clear()
        self._clerk.writes.clear()
        return self._portal.call(self._client.call_tool, name, given_arguments), list(self._clerk.requests)


@contextlib.asynccontextmanager
async def connected(home, era, clerk):
    # Asked once and for all: a dialogue has tests of its own.
    settings = Settings(home=home, secret_key=KEY, confirm="never", destructive_per_hour=10**6)
    transport = httpx2.MockTransport(clerk)
    async with (
        Clerk("https://clerk.test", KEY, transport=transport) as at,
        Desk(settings, clerk=at) as desk,
        Client(build(desk), mode=era) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=list(ERAS))
def asker(request, tmp_path_factory):
    clerk = Counting()
    opened = connected(tmp_path_factory.mktemp("fuzz"), ERAS[request.param], clerk)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(opened) as client:
        yield Asker(portal, client, clerk)


@pytest.mark.promise("unknown-arguments")
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.spec.name)
@given(data=st.data())
def test_what_is_wrong_is_told_and_never_sent_and_what_is_right_is_a_request_of_clerks(action, data, asker):
    given_arguments = data.draw(somehow(action.spec.name))
    result, requests = asker.call(action.spec.name, given_arguments)
    text = " ".join(item.text for item in result.content)
    assert "failed inside deskclerk" not in text
    assert KEY not in text
    error = (result.meta or {}).get("deskclerk/error", {}) if result.is_error else {}
    if error.get("error") == "invalid_request":
        # Nothing but the look-up of a name may have left.
        asked = {(request.method, request.url.path.removeprefix("/v1")) for request in requests}
        assert asked <= {("GET", "/users"), ("GET", "/organizations")}
        assert not requests or NAMED_HERE & given_arguments.keys()
        assert error["next_step"]
        assert error["problems"]
        assert len(text) < 5_000
    for request in requests:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v1")
        query = [(name, value) for name, value in request.url.params.multi_items()]
        body = json.loads(request.content) if request.content else None
        assert request.url.host == "clerk.test"
        assert request_problems(request.method, path, query, body) == []
