"""The console as one ASGI application, beside whatever else its server serves."""

import math
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.faces.console import authentication, rendering
from deskclerk.faces.console.authentication import MOST_BYTES, SecurityHeaders, SessionRequired, StoredText
from deskclerk.faces.console.page import ConsoleState, console_of, session_of
from deskclerk.faces.console.pages import PAGES
from deskclerk.faces.console.sessions import SessionDoor

EVENTS = "/events"
"""Where pages hear what is new: a stream, which stays open."""
_STATIC = Path(__file__).parent / "static"
_STREAM_SECONDS = 60
"""How long a stream lasts where sessions end elsewhere."""


class Console(ConsoleState):
    """One console on a desk, with all that is served for it."""

    def __init__(
        self,
        desk: Desk,
        url: str,
        *,
        greets: bool = False,
        mcp: str | None = None,
        door: SessionDoor | None = None,
    ) -> None:
        """`door` lets people in by name, to all pages but those about this machine's own files."""
        super().__init__(desk, url, greets=greets, mcp=mcp, door=door)
        pages = (page for page in PAGES if not (door and page.own_machine))
        self.pages = tuple(page for page in pages if not page.sandbox_only or desk.instance.kind == "sandbox")
        self.app = _app(self) if door is None else _app_of_people(self)

    @property
    def routes(self) -> list[BaseRoute]:
        """Everything as one mount, to stand last among a server's routes."""
        return [Mount("", app=self.app)]


def static_files() -> Mount:
    """The styles, scripts and pictures of every page, at `/static`."""
    return Mount("/static", StaticFiles(directory=_STATIC))


def _app(console: Console) -> Starlette:
    pages = Mount("/~{key}", app=SessionRequired(_within(console), console.door), max_body_size=MOST_BYTES)
    return _guarded(console, [static_files(), pages, *authentication.BEFORE])


def _app_of_people(console: Console) -> Starlette:
    """The pages alone, wherever they are mounted: whoever mounts them has the way in and `/static`."""
    pages = Mount("", app=SessionRequired(_within(console), console.door), max_body_size=MOST_BYTES)
    return _guarded(console, [pages])


def _within(console: Console) -> Starlette:
    routes = [route for page in console.pages for route in page.routes]
    return Starlette(
        routes=[*authentication.WITHIN, Route(EVENTS, events, methods=["GET"]), *routes],
        exception_handlers=rendering.HANDLERS,
    )


def _guarded(console: Console, routes: list[BaseRoute]) -> Starlette:
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(_WithConsole, console=console),
            Middleware(StoredText, refuse=rendering.refused),
        ],
        exception_handlers=rendering.HANDLERS,
    )


class _WithConsole:
    """ASGI middleware that gives every request its console."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["deskclerk.console"] = self._console
        await self._app(scope, receive, send)


async def events(request: Request) -> Response:
    """What waits, told as it changes."""
    # A page asks anew for a stream that ended, and needs its session for it: who was signed out elsewhere
    # must not go on listening.
    seconds = _STREAM_SECONDS if session_of(request).workspace else math.inf
    return StreamingResponse(console_of(request).feed.listen(seconds), media_type="text/event-stream")
