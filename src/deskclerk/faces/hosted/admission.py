"""A request is let in to what it is for, within the limits of its workspace, or told why not."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.errors import DeskclerkError, LimitReached
from deskclerk.hosted.errors import NotHere

Opening = Callable[[Scope], AbstractAsyncContextManager[ASGIApp]]
"""What serves a request, open and counted as long as the block lasts.

LimitReached if its workspace has as many as it may, NotHere if there is nothing for it.
"""
Refused = Callable[[Request, DeskclerkError], Response]
_NOT_FOUND, _TOO_MANY = 404, 429
_SERVER_ERROR = -32000


class Admitted:
    """ASGI application: passes a request on to what opens for it."""

    def __init__(self, opening: Opening, refused: Refused) -> None:
        self._opening = opening
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        async with AsyncExitStack() as stack:
            try:
                app = await stack.enter_async_context(self._opening(scope))
            except (LimitReached, NotHere) as error:
                await self._refused(Request(scope), error)(scope, receive, send)
                return
            # Outside of what catches: the same error from within is the application's to answer.
            await app(scope, receive, send)


def is_stream(scope: Scope) -> bool:
    """Whether what is asked for stays open: a page that follows along, or a stream of MCP."""
    return scope["method"] == "GET" and "text/event-stream" in Headers(scope=scope).get("accept", "")


def status_of(error: DeskclerkError) -> int:
    """429 for what a limit refuses, 404 for what is not here."""
    return _TOO_MANY if isinstance(error, LimitReached) else _NOT_FOUND


def told_to_agents(_: Request, error: DeskclerkError) -> Response:
    """The answer as MCP's clients read it; `Retry-After` stands in it where time ends it."""
    wait = getattr(error, "retry_after", None)
    headers = {"cache-control": "no-store"} | ({} if wait is None else {"retry-after": str(wait)})
    told = {"code": _SERVER_ERROR, "message": str(error), "data": error.as_dict()}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": told}, status_of(error), headers)
