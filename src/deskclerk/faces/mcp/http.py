"""MCP over Streamable HTTP at `/mcp`, for clients on this machine or, with a token, on others."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from deskclerk.desk import Desk
from deskclerk.errors import InvalidSettings
from deskclerk.faces.mcp.guard import Bind, Guard, bracketed, check_token, security_of, tokens_of
from deskclerk.faces.mcp.server import build, log_to_stderr
from deskclerk.settings import Settings

PATH = "/mcp"
_GRACE_SECONDS = 5
"""How long open streams may take to end; the desk's writes are waited for after that, however long."""

Pages = Callable[[Desk], Sequence[BaseRoute]]
"""What else is served beside `/mcp`, on the same desk and behind the same guard."""


def app(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    pages: Pages | None = None,
    desk: Desk | None = None,
) -> Starlette:
    """The ASGI application, with the checks that its bind needs.

    Raises:
        InvalidSettings: the bind can be reached from elsewhere and no token is set.
    """
    return _app(settings, Bind.find(host, port), pages, desk)


def run(
    settings: Settings,
    host: str,
    port: int,
    ready: Callable[[str], None] = lambda url: None,
    pages: Pages | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the URL once it is listening. Port 0 takes any.

    Raises:
        InvalidSettings: the address cannot be bound, or needs a token.
    """
    log_to_stderr()
    bind = Bind.find(host, port)
    check_token(settings, bind)
    with _listen(bind) as listener:
        bind = Bind(bind.family, bind.address, listener.getsockname()[1], bind.name)
        url = f"http://{bracketed(bind.name if bind.loopback else bind.address)}:{bind.port}{PATH}"
        config = uvicorn.Config(
            _app(settings, bind, pages),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after it has shut down
            _Server(config, lambda: ready(url)).run(sockets=[listener])


def _app(settings: Settings, bind: Bind, pages: Pages | None, desk: Desk | None = None) -> Starlette:
    check_token(settings, bind)
    desk = desk or Desk(settings)
    server = build(desk)
    security = security_of(settings, bind)
    mcp = server.streamable_http_app(streamable_http_path=PATH, transport_security=security)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with desk, server.session_manager.run():
            yield

    return Starlette(
        routes=[*mcp.routes, *(pages(desk) if pages else ())],
        middleware=[Middleware(Guard, security=security, tokens=tokens_of(settings))],
        lifespan=lifespan,
    )


def _listen(bind: Bind) -> socket.socket:
    try:
        return socket.create_server((bind.address, bind.port), family=bind.family)
    except OSError as error:
        raise InvalidSettings(
            f"{bind.name}:{bind.port} cannot be listened on: {error.strerror}.",
            next_step="Choose another with --host and --port (0 takes any free port).",
        ) from None


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is listening."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()
