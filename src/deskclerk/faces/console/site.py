"""The console as one ASGI application, beside whatever else its server serves."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.faces.console import door, failures
from deskclerk.faces.console.chain import Chain
from deskclerk.faces.console.feed import Feed
from deskclerk.faces.console.gate import MOST_BYTES, Gate, Headers
from deskclerk.faces.console.page import console_of
from deskclerk.faces.console.pages import PAGES
from deskclerk.faces.console.proposals import Proposals
from deskclerk.faces.console.sessions import Sessions

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
        self.feed = Feed(desk)
        self.proposals = Proposals(desk)
        self.chain = Chain(desk)
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
        routes=[*door.WITHIN, Route("/events", events, methods=["GET"]), *routes],
        exception_handlers=failures.HANDLERS,
    )
    return Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=_STATIC)),
            Mount("/~{key}", app=Gate(within, console.sessions), max_body_size=MOST_BYTES),
            *door.BEFORE,
        ],
        middleware=[Middleware(Headers), Middleware(_With, console=console)],
        exception_handlers=failures.HANDLERS,
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
