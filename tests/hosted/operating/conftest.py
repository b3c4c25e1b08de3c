"""What tests of operating stand on: a small application, what it logs, and a desk on the sandbox."""

import io
import json
import logging
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from deskclerk.desk import Decision, Desk, Signature
from deskclerk.desk.workspace import Workspace
from deskclerk.hosted.operating.logs import JsonLines
from deskclerk.settings import Settings

SECRET = "sk_live_NEVERSHOWNNEVERSHOWN"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Lines:
    """Has loggers write JSON lines, and reads them; the loggers are as they were in the end."""

    def __init__(self):
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(JsonLines([SECRET]))
        self.before = {}

    def logger(self, name):
        logger = logging.getLogger(name)
        self.before.setdefault(name, (logger.level, logger.propagate))
        logger.addHandler(self.handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        return logger

    def end(self):
        for name, (level, propagate) in self.before.items():
            logger = logging.getLogger(name)
            logger.removeHandler(self.handler)
            logger.setLevel(level)
            logger.propagate = propagate

    @property
    def text(self):
        return self.stream.getvalue()

    def read(self):
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines():
    found = Lines()
    yield found
    found.end()


async def thing(request):
    return PlainTextResponse(request.path_params["id"])


async def broken(request):
    raise ZeroDivisionError(SECRET)


async def files(scope, receive, send):
    await PlainTextResponse("file")(scope, receive, send)


def site(*middleware, gate=None):
    """An application with a route of each kind behind middlewares; its stream ends with the gate."""

    async def stream(_request):
        async def events():
            yield b"data: 1\n\n"
            await gate.wait()

        return StreamingResponse(events(), media_type="text/event-stream")

    inner = [Route("/plans/{id}", thing, methods=["GET", "POST"])]
    routes = [
        Route("/things/{id}", thing),
        Route("/broken", broken),
        Route("/stream", stream),
        Mount("/w/{slug}/i/{instance}", routes=inner),
        Mount("/static", app=files),
    ]
    return Starlette(routes=routes, middleware=list(middleware))


def middleware(kind, **options):
    return Middleware(kind, **options)


@asynccontextmanager
async def visiting(app, base="http://localhost"):
    """A client of an application in this process."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
        yield client


async def yes(_plan):
    return Signature(Decision.APPROVED, "test")


@pytest.fixture
def open_desk(tmp_path):
    """Opens a desk on the sandbox whose workspace is watched as told, with somebody who signs."""

    @asynccontextmanager
    async def opened(watch, **options):
        settings = Settings(home=tmp_path / "home", **{"approval_wait": 0} | options)
        workspace = watch(Workspace.of_this_machine(settings))
        async with Desk(settings, workspace=workspace, approver=yes) as desk:
            yield desk

    return opened
