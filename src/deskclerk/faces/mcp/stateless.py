"""MCP for a desk of many customers: no session of either era is kept, and any replica answers any request.

A client of the handshake era then has no way back by which a person could be asked: what needs a signature
waits for one in the console. Later clients are asked by the answer to their call, whose state every replica
can open.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.faces.mcp.calls import Doorway
from deskclerk.faces.mcp.http_access import public_security
from deskclerk.faces.mcp.server import build

_NOTHING_ELSE = PlainTextResponse("Only POST: this server keeps no sessions.", 405, headers={"Allow": "POST"})


@asynccontextmanager
async def stateless(
    desk: Desk, console: Doorway, *, public_url: str, state_keys: Sequence[bytes]
) -> AsyncIterator[ASGIApp]:
    """An ASGI application that answers at whatever path it is asked, on this desk, while the block lasts.

    `console` tells where a plan is signed, `state_keys` are the same in every replica (see `build`). Host and
    Origin have to be those of `public_url`.
    """
    server = build(desk, console, state_keys)
    manager = StreamableHTTPSessionManager(
        server, stateless=True, security_settings=public_security(public_url)
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            # A GET would open a stream for what the server says unasked, and there is no session to say it
            # in: thousands of clients would each hold one for nothing. There is none to DELETE either.
            await _NOTHING_ELSE(scope, receive, send)
            return
        await manager.handle_request(scope, receive, send)

    async with manager.run():
        yield answer
