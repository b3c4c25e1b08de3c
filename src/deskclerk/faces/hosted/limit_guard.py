"""Requests beyond what a workspace may ask for are answered with 429, and nothing is done for them."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.errors import LimitReached

Admission = Callable[[Scope], AbstractAsyncContextManager[None]]
"""Counts a request as long as the block lasts; LimitReached if its workspace has as many as it may."""


class LimitGuard:
    """Lets through what is admitted. It stands behind what says whose request it is."""

    def __init__(self, app: ASGIApp, admitted: Admission) -> None:
        self._app = app
        self._admitted = admitted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._admitted(scope))
            except LimitReached as error:
                await limit_answer(error)(scope, receive, send)
                return
            # Outside of what catches: the same error from within is the application's to answer.
            await self._app(scope, receive, send)


def is_stream(scope: Scope) -> bool:
    """Whether what is asked for stays open: a page that follows along, or a stream of MCP."""
    return scope["method"] == "GET" and "text/event-stream" in Headers(scope=scope).get("accept", "")


def limit_answer(error: LimitReached) -> Response:
    """The answer to a request beyond a limit; `Retry-After` stands in it where time ends it."""
    wait = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return JSONResponse(error.as_dict(), status_code=429, headers={"cache-control": "no-store", **wait})
