"""What a limit refuses is answered with 429 and reaches nothing behind it."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from deskclerk.errors import LimitReached
from deskclerk.faces.hosted.admission import Admitted, is_stream, told_to_agents
from deskclerk.hosted.errors import NotHere


class Served:
    """What stands behind the guard, and how many are in it now."""

    def __init__(self, error=None):
        self.error, self.requests, self.open, self.streams = error, 0, 0, []

    async def __call__(self, scope, receive, send):
        self.requests += 1
        assert self.open == 1
        if scope["path"] == "/broken":
            raise LimitReached("Within.", limit="open_jobs", most=1)
        await PlainTextResponse("served")(scope, receive, send)

    @asynccontextmanager
    async def opened(self, scope):
        self.streams.append(is_stream(scope))
        if self.error:
            raise self.error
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1


def client(served):
    return TestClient(Admitted(served.opened, told_to_agents, lambda scope: "ws_1", lambda app: app))


def test_what_is_admitted_is_served_and_counted_until_it_is_over():
    served = Served()
    assert client(served).get("/").text == "served"
    assert (served.requests, served.open) == (1, 0)


@pytest.mark.promise("a-workspace-has-limits")
@pytest.mark.parametrize(("seconds", "header"), [(6, "6"), (None, None)])
def test_what_is_refused_is_answered_with_429_and_when_to_come_back(seconds, header):
    error = LimitReached("Too much.", limit="x", most=3, retry_after=seconds, next_step="Wait.")
    served = Served(error)
    answer = client(served).get("/")
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, header)
    assert answer.json()["error"]["data"] == error.as_dict()
    assert answer.json()["error"]["data"]["error"] == "limit_reached"
    assert answer.headers["cache-control"] == "no-store"
    assert served.requests == 0


def test_what_is_not_here_is_answered_with_404():
    answer = client(Served(NotHere("No such instance.", next_step="Look."))).get("/")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "No such instance. Look.")


def test_an_error_from_within_is_the_applications_own():
    with pytest.raises(LimitReached, match="Within"):
        client(Served()).get("/broken")


@pytest.mark.parametrize(
    ("method", "path", "accept", "stays"),
    [
        ("GET", "/", "text/event-stream", True),
        ("GET", "/", "text/html, text/event-stream;q=0.5", True),
        ("GET", "/", "text/html", False),
        ("POST", "/", "application/json, text/event-stream", False),
        ("GET", "/w/acme/i/prod/events", "*/*", True),
        ("HEAD", "/w/acme/i/prod/events", "", True),
    ],
)
def test_what_stays_open_is_told_from_what_does_not(method, path, accept, stays):
    served = Served()
    client(served).request(method, path, headers={"accept": accept})
    assert served.streams == [stays]


@pytest.mark.anyio
@pytest.mark.parametrize("waits", [True, False])
async def test_who_asks_is_decided_again_only_where_the_body_was_waited_for(waits):
    served, decided = Served(), []

    def again(app):
        async def decide(scope, receive, send):
            decided.append(scope["path"])
            await app(scope, receive, send)

        return decide

    async def body():
        if waits:
            await asyncio.sleep(0)
        yield b"{}"

    admitted = Admitted(served.opened, told_to_agents, lambda scope: "ws_1", again)
    transport = httpx2.ASGITransport(app=admitted)
    async with httpx2.AsyncClient(transport=transport, base_url="http://desk.example") as http:
        assert (await http.post("/mcp", content=body())).text == "served"
    assert decided == (["/mcp"] if waits else [])
    assert served.requests == 1
