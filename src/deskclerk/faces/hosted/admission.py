"""A request is let in to what it is for, within the limits of its workspace, or told why not."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.errors import DeskclerkError, LimitReached, StorageUnavailable
from deskclerk.faces.console.authentication import READS
from deskclerk.faces.console.site import EVENTS
from deskclerk.hosted.agents.guard import RETRY_SECONDS
from deskclerk.hosted.errors import NotHere

Opening = Callable[[Scope], AbstractAsyncContextManager[ASGIApp]]
"""What serves a request, open and counted as long as the block lasts.

LimitReached if its workspace has as many as it may, NotHere if there is nothing for it, StorageUnavailable
while the database or the vault cannot be used.
"""
Refused = Callable[[Request, DeskclerkError], Response]
Whose = Callable[[Scope], str]
"""The workspace that a request is for."""
LARGEST_BODY = 4 * 2**20
"""Bytes of one request: what MCP's own servers take."""
MOST_COMING = 64 * 2**20
"""Bytes of one workspace's requests that a replica holds at once."""
_SERVER_ERROR = -32000


class Receiving:
    """Receives a request, and knows whether any of it had to be waited for.

    Who asks is decided by the head, and up to a minute may go by until the body is there: where it was waited
    for, that is decided again.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.waited = False

    async def __call__(self) -> Message:
        """What comes next."""
        # Runs only if the loop gets a turn, which it does not where the next part is there already.
        turn = asyncio.get_running_loop().call_soon(self._wait)
        try:
            return await self._receive()
        finally:
            turn.cancel()

    def _wait(self) -> None:
        self.waited = True


class Admitted:
    """ASGI application: passes a request on to what opens for it, once all of it has come in.

    Until then nothing is held for it but its own bytes: no desk, no connection, and of the limits of its
    workspace none. How long it may take is the server's to bound.
    """

    def __init__(
        self, opening: Opening, refused: Refused, whose: Whose, again: Callable[[ASGIApp], ASGIApp]
    ) -> None:
        """`again` is the middleware that let the request in: it does so again after a body waited for."""
        self._opening = opening
        self._refused = refused
        self._whose = whose
        self._again = again(self._serve)
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        receiving = Receiving(receive)
        with ExitStack() as stack:
            try:
                replayed = await self._whole(stack, scope, receiving)
            except (LimitReached, TooLarge) as error:
                await self._refused(Request(scope), error)(scope, receive, send)
                return
            except ClientDisconnect:
                # Nobody is left to be answered; the server has said why, where it was the server's doing.
                return
            await (self._again if receiving.waited else self._serve)(scope, replayed, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            try:
                app = await stack.enter_async_context(self._opening(scope))
            except DeskclerkError as error:
                await self._refused(Request(scope), error)(scope, receive, send)
                return
            # Outside of what catches: the same error from within is the application's to answer.
            await app(scope, receive, send)

    async def _whole(self, stack: ExitStack, scope: Scope, receive: Receive) -> Receive:
        """What an application receives once all is there; ClientDisconnect where it ends early."""
        if scope["method"] in READS:
            return receive
        whose, body, more = self._whose(scope), bytearray(), True
        _check_size(int(Headers(scope=scope).get("content-length", 0)))
        counted = 0

        def let_go() -> None:
            self._coming[whose] -= counted
            if not self._coming[whose]:
                del self._coming[whose]

        stack.callback(let_go)
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part, more = message.get("body", b""), message.get("more_body", False)
            body += part
            counted += len(part)
            self._coming[whose] += len(part)
            _check_size(len(body))
            if self._coming[whose] > MOST_COMING:
                raise LimitReached(
                    "Too much is sent to this workspace at once. Nothing was done.",
                    limit="bytes_coming",
                    most=MOST_COMING,
                    retry_after=1,
                    next_step="Ask again in a second, with fewer requests side by side.",
                )
        first = True

        async def replayed() -> Message:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": bytes(body), "more_body": False}
            return await receive()

        return replayed


class TooLarge(DeskclerkError):
    """A request has more bytes than one may have; nothing was done."""

    kind = "too_large"


_STATUSES: tuple[tuple[type[DeskclerkError], int], ...] = (
    (NotHere, 404),
    (TooLarge, 413),
    (LimitReached, 429),
    (StorageUnavailable, 503),
)


def _check_size(size: int) -> None:
    if size > LARGEST_BODY:
        raise TooLarge(
            f"The request has more than {LARGEST_BODY:,} bytes. Nothing was done.",
            next_step="Ask for less at once.",
        )


def is_stream(scope: Scope) -> bool:
    """Whether what is asked for stays open: a page that follows along, or a stream of MCP.

    A console's events are a stream whatever is said to be accepted: else whoever says nothing had any number.
    """
    if scope["method"] not in READS:
        return False
    return scope["path"].endswith(EVENTS) or "text/event-stream" in Headers(scope=scope).get("accept", "")


def status_of(error: DeskclerkError) -> int:
    """Who can mend it, the asker or time; 500 where neither can."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def told_to_agents(_: Request, error: DeskclerkError) -> Response:
    """The answer as MCP's clients read it; `Retry-After` stands in it where time ends it."""
    wait = RETRY_SECONDS if isinstance(error, StorageUnavailable) else getattr(error, "retry_after", None)
    headers = {"cache-control": "no-store"} | ({} if wait is None else {"retry-after": str(wait)})
    told = {"code": _SERVER_ERROR, "message": str(error), "data": error.as_dict()}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": told}, status_of(error), headers)
