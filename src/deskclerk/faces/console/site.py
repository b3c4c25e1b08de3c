"""The console as one ASGI application, beside another server's routes or on a port of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.faces.console import authentication, rendering
from deskclerk.faces.console.authentication import MOST_BYTES, SecurityHeaders, SessionRequired
from deskclerk.faces.console.changes_feed import ChangesFeed
from deskclerk.faces.console.journal_view import ChainChecks
from deskclerk.faces.console.page import console_of
from deskclerk.faces.console.pages import PAGES
from deskclerk.faces.console.proposed_writes import ProposedWrites
from deskclerk.faces.console.sessions import Sessions
from deskclerk.faces.http_access import AccessGuard, Bind, security_of

_STATIC = Path(__file__).parent / "static"


class Console:
    """One console on a desk: who is in, what is served, its address, and MCP's where that is beside it."""

    first_link: str | None = None
    """A one-time link for whoever started it, where it `greets` somebody at a terminal."""

    def __init__(self, desk: Desk, url: str, *, greets: bool = False, mcp: str | None = None) -> None:
        self.desk = desk
        self.url = url
        self.mcp = mcp
        self._greets = greets
        self.sessions = Sessions()
        self.feed = ChangesFeed(desk)
        self.proposals = ProposedWrites(desk)
        self.chain = ChainChecks(desk)
        self.pages = tuple(page for page in PAGES if not page.sandbox_only or desk.instance.kind == "sandbox")
        self.app = _app(self)

    @property
    def routes(self) -> list[BaseRoute]:
        """Everything as one mount, to stand last among a server's routes."""
        return [Mount("", app=self.app)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Known to other processes, at its address, for as long as the block lasts."""
        presence = await self.desk.console_links.announce(self.url)
        self.desk.handovers.open_console = self.attend
        try:
            if self._greets:
                self.first_link = await self.link()
            yield
        finally:
            self.feed.end()
            self.chain.end()
            await self.desk.console_links.leave(presence)

    def leave(self) -> None:
        """Let the pages that follow along go: the server wants to end."""
        self.feed.end()

    async def link(self) -> str:
        """A new one-time link, for a person at a terminal."""
        return f"{self.url}/in/{await self.desk.console_links.issue()}"

    async def attend(self) -> str:
        """Where a person who is in takes what is handed over."""
        return f"{self.url}/secrets"


def _app(console: Console) -> Starlette:
    routes = [route for page in console.pages for route in page.routes]
    within = Starlette(
        routes=[*authentication.WITHIN, Route("/events", events, methods=["GET"]), *routes],
        exception_handlers=rendering.HANDLERS,
    )
    return Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=_STATIC)),
            Mount("/~{key}", app=SessionRequired(within, console.sessions), max_body_size=MOST_BYTES),
            *authentication.BEFORE,
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(_With, console=console)],
        exception_handlers=rendering.HANDLERS,
    )


class _With:
    """ASGI middleware that puts the console at its requests' hand."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["deskclerk.console"] = self._console
        await self._app(scope, receive, send)


async def events(request: Request) -> Response:
    """What waits, told as it changes."""
    return StreamingResponse(console_of(request).feed.listen(), media_type="text/event-stream")


HOST = "127.0.0.1"
_GRACE_SECONDS = 2
_STARTING_SECONDS = 10


class ConsoleOnDemand:
    """The consoles that a process without one can send a person to: another's that runs, else its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stack = contextlib.AsyncExitStack()
        self._starting = asyncio.Lock()
        self._own: Console | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def ready(cls, desk: Desk) -> AsyncIterator["ConsoleOnDemand"]:
        """Ready to start one, which ends with the block."""
        found = cls(desk)
        async with found._stack:
            yield found

    async def address(self, plan_id: str) -> str | None:
        """A one-time link to one plan. A model is told it, so it lets look and does not sign by itself."""
        stored = await self._desk.plans.load(plan_id)
        running = [] if self._own else await self._desk.console_links.running()
        url = running[0] if running else (await self._start()).url
        return f"{url}/in/{await self._desk.console_links.issue(plan_id, stored.plan.expires_at)}"

    async def attend(self) -> str:
        """The page where a person who is in takes what this process hands over."""
        return f"{(await self._start()).url}/secrets"

    async def _start(self) -> Console:
        async with self._starting:
            if self._own is None:
                self._own = await self._stack.enter_async_context(serving(self._desk))
            return self._own


@contextlib.asynccontextmanager
async def serving(desk: Desk, port: int = 0, *, greets: bool = False) -> AsyncIterator[Console]:
    """A console of its own on loopback, listening within the block; OSError if it cannot."""
    with socket.create_server((HOST, port)) as listener:
        bind = Bind(socket.AF_INET, HOST, listener.getsockname()[1], HOST)
        console = Console(desk, bind.origin, greets=greets)
        config = uvicorn.Config(
            AccessGuard(console.app, security_of(desk.settings, bind), {}),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = _Server(config)
        async with console.running():
            task = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                async with asyncio.timeout(_STARTING_SECONDS):
                    await server.listening.wait()
                yield console
            finally:
                console.leave()
                server.should_exit = True
                await task


class _Server(uvicorn.Server):
    """A uvicorn server inside another program: signals are not its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()
