"""MCP over Streamable HTTP at `/mcp`, for clients on this machine or, with a token, on others."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import DeskclerkError, InvalidSettings, innermost
from deskclerk.faces.mcp.http_access import AccessGuard, Bind, check_token, security_of, tokens_of
from deskclerk.faces.mcp.server import build, log_to_stderr
from deskclerk.http_server import KEEP_SECONDS, UNDER_WAY_SECONDS, BoundedProtocol, EndingServer
from deskclerk.settings import Settings

logger = logging.getLogger("deskclerk.mcp")

PATH = "/mcp"
_JOBS_SECONDS = 10
"""Between two looks whether somebody sees to the open jobs."""
_DESCRIPTORS = 65_536


class Site(Protocol):
    """What is served beside `/mcp`, behind the same Host and Origin checks; it checks its callers itself."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What it serves."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Entered while the server runs."""

    def leave(self) -> None:
        """Told when the server wants to end, so that open streams do not keep it."""


class Operations(Protocol):
    """Whoever watches the server from outside."""

    @property
    def middleware(self) -> Sequence[Middleware]:
        """Goes before everything that is served."""

    def watched(self, workspace: Workspace) -> Workspace:
        """What the server's desk is given in the place of its workspace."""

    def leave(self) -> None:
        """Told when the process is asked to end: nobody is to send it further requests."""

    async def close(self) -> None:
        """When all has ended."""


Operate = Callable[[Workspace, bool], Operations]
"""Makes them, for a desk's workspace and a bind that only this machine reaches or others too."""
Beside = Callable[[Desk, str], Site]
"""Makes the site on the server's desk, for the origin that it is served at."""


def app(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    beside: Beside | None = None,
    desk: Desk | None = None,
) -> Starlette:
    """The ASGI application, with the checks that its bind needs.

    Raises:
        InvalidSettings: the bind can be reached from elsewhere and no token is set.
    """
    return _app(settings, Bind.find(host, port), beside, desk, [])[0]


def run(
    settings: Settings,
    host: str,
    port: int,
    ready: Callable[[str], None] = lambda url: None,
    beside: Beside | None = None,
    *,
    operate: Operate | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the URL once it is listening. Port 0 takes any.

    After SIGTERM it goes on for as long as `grace_seconds` says, then what is under way ends. A second signal
    ends it at once: of a write that it tears off, the journal has that nobody knows how it ended.

    Raises:
        InvalidSettings: the address cannot be bound or needs a token, or the database is a hosted desk's.
        StorageUnavailable: the desk's database cannot be opened, or what was read could not be noted.
    """
    log_to_stderr()
    take_every_descriptor()
    bind = Bind.find(host, port)
    check_token(settings, bind)
    with listen(bind) as listener:
        # With --port 0 the real port is known only now, and Origins are checked against it.
        bind = Bind(bind.family, bind.address, listener.getsockname()[1], bind.name)
        failures: list[DeskclerkError] = []
        workspace = Workspace.of_this_machine(settings)
        operations = operate(workspace, bind.loopback) if operate else None
        desk = Desk(settings, workspace=operations.watched(workspace) if operations else workspace)
        served, leave = _app(settings, bind, beside, desk, failures, operations=operations)
        config = uvicorn.Config(
            served,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=UNDER_WAY_SECONDS,
            timeout_keep_alive=KEEP_SECONDS,
        )
        server = EndingServer(
            config,
            ready=lambda: ready(bind.origin + PATH),
            failed=lambda: bool(failures),
            asked_to_end=operations.leave if operations else None,
            leaving=leave,
            grace_seconds=settings.grace_seconds,
        )
        server.serve_until_ended(listener)
    if failures:
        raise failures[0]


def _app(
    settings: Settings,
    bind: Bind,
    beside: Beside | None,
    desk: Desk | None,
    failures: list[DeskclerkError],
    *,
    operations: Operations | None = None,
) -> tuple[Starlette, Callable[[], None]]:
    """The application, and what lets those go who only wait and would keep the server from ending.

    `failures` gets what keeps it from beginning, or from ending well.
    """
    check_token(settings, bind)
    desk = desk or Desk(settings)
    # Where other machines reach it, a console has to be asked for.
    wanted = bind.loopback if settings.console is None else settings.console
    site = beside(desk, bind.origin) if beside and wanted else None
    desk.signing.console = bind.origin if site else None
    server = build(desk)
    security = security_of(settings, bind)
    mcp = server.streamable_http_app(streamable_http_path=PATH, transport_security=security)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        began = False
        try:
            async with (
                desk,
                server.session_manager.run(),
                site.running() if site else contextlib.nullcontext(),
            ):
                began = True
                seeing = asyncio.create_task(_see_to_jobs(desk))
                try:
                    yield
                finally:
                    seeing.cancel()
            if operations:
                await operations.close()
        except Exception as error:
            failure = innermost(error)
            if not isinstance(failure, DeskclerkError):
                raise
            # Kept for `run` to raise: here the server would print a traceback, which helps nobody.
            failures.append(failure)
            if not began:
                yield

    tokens = tokens_of(settings)
    guard = Middleware(AccessGuard, security=security, tokens=tokens, path=PATH if site else None)
    routes = [*mcp.routes, *(site.routes if site else ())]
    before = operations.middleware if operations else ()
    streams = Streams()

    def leave() -> None:
        desk.signing.leave()
        streams.leave()
        if site:
            site.leave()

    guarded = [*before, guard, Middleware(streams.among, path=PATH)]
    return Starlette(routes=routes, middleware=guarded, lifespan=lifespan), leave


class Streams:
    """The streams that clients hold open for what the server may say: no answer comes on them."""

    def __init__(self) -> None:
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """End them, now and from now on: as if the client had gone, but in order."""
        self._leaving.set()

    def among(self, app: ASGIApp, path: str) -> ASGIApp:
        """Middleware that finds them among the requests at a path."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == path:
                await self._serve(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return serve

    async def _serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        unfinished = False

        async def received() -> Message:
            coming = asyncio.ensure_future(receive())
            leaving = asyncio.ensure_future(self._leaving.wait())
            try:
                await asyncio.wait((coming, leaving), return_when=asyncio.FIRST_COMPLETED)
                return coming.result() if coming.done() else {"type": "http.disconnect"}
            finally:
                coming.cancel()
                leaving.cancel()

        async def sent(message: Message) -> None:
            nonlocal unfinished
            unfinished = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        await app(scope, received, sent)
        if unfinished:
            await send({"type": "http.response.body", "body": b""})


async def _see_to_jobs(desk: Desk) -> None:
    """Have a job gone on with whose worker has died, as long as this serves."""
    while True:
        await asyncio.sleep(_JOBS_SECONDS)
        try:
            await desk.jobs.look_after()
        except (DeskclerkError, OSError) as error:
            logger.warning("Jobs cannot be looked after now: %s", type(error).__name__)


def take_every_descriptor() -> None:
    """As many open files as the system allows: a client keeps two connections, and 1,024 are soon used up."""
    if sys.platform == "win32":  # has no such bound
        return
    import resource  # noqa: PLC0415 - there only

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def listen(bind: Bind, option: str = "--port") -> socket.socket:
    """A socket that listens there; InvalidSettings if it cannot. `option` is what chooses the port."""
    try:
        return socket.create_server((bind.address, bind.port), family=bind.family)
    except OSError as error:
        raise InvalidSettings(
            f"{bind.name}:{bind.port} cannot be listened on: {error.strerror}.",
            next_step=f"Choose another with --host and {option}"
            f"{' (0 takes any free port)' if option == '--port' else ''}.",
        ) from None
