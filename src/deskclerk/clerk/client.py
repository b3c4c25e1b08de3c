"""The way to Clerk: one connection pool, one key, and every request the same way."""

import asyncio
import functools
import math
import ssl
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx2

from deskclerk.catalogue import Action, Request
from deskclerk.catalogue.route import API_VERSION
from deskclerk.clerk.answers import (
    LARGEST,
    ResponseInfo,
    TooLargeError,
    decode,
    explain,
    lost,
    read_body,
    too_large,
    unreadable,
)
from deskclerk.clerk.observing import RequestObserver, SentRequest
from deskclerk.clerk.rate_budget import RateBudget
from deskclerk.clerk.redaction import Redact, redactor
from deskclerk.clerk.retry import is_read, never_left, tries
from deskclerk.errors import (
    ON_THIS_MACHINE,
    ClerkError,
    ClerkUnavailable,
    NextSteps,
    RateLimited,
    Unprocessable,
)
from deskclerk.version import __version__

_CONNECTIONS = httpx2.Limits(max_connections=1_000, max_keepalive_connections=100, keepalive_expiry=5)
"""More than any instance's rate fills. An idle one is let go of soon: the server might just be closing it."""


def open_connections(
    origin: str = "https://", transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """Connections to Clerk, which clients of several instances may share; whoever opens them closes them.

    They carry no key, and no cookie of one answer goes along with another request.
    """
    return httpx2.AsyncClient(
        headers={
            "User-Agent": f"deskclerk/{__version__}",
            "Accept": "application/json",
            # What `read_body` can unpack within its bound.
            "Accept-Encoding": "gzip",
        },
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        transport=transport,
        verify=_trust(origin),
        limits=_CONNECTIONS,
    )


CLERKS_OWN_SECONDS = 60.0
"""For how long Clerk may still carry out what was sent: gateways give a request up long before that."""


class Clerk:
    """A client of one instance's Backend API.

    Args:
        origin: such as `https://api.clerk.com`, without `/v1`.
        key: the secret key; it is kept here and nowhere else.
        budget: how many requests Clerk takes; left out, none waits for another. It is not closed here.
        timeout: seconds for one try, from its first byte to the last of its answer.
        retry_seconds: seconds for all tries of one request.
        largest: bytes of one answer, unpacked, beyond which it is not read.
        transport: in place of the network, for the embedded sandbox and for tests.
        connections: what it shares with others (`open_connections`); left out, it has some of its own.
        observer: watches what is sent.
        steps: who changes the key and the origin, for errors.
    """

    def __init__(
        self,
        origin: str,
        key: str,
        *,
        budget: RateBudget | None = None,
        timeout: float = 30.0,
        retry_seconds: float = 45.0,
        largest: int = LARGEST,
        transport: httpx2.AsyncBaseTransport | None = None,
        connections: httpx2.AsyncClient | None = None,
        observer: RequestObserver | None = None,
        steps: NextSteps = ON_THIS_MACHINE,
    ) -> None:
        self.origin = origin
        self._observer = observer
        self._steps = steps
        self._timeout = timeout
        self._retry_seconds = retry_seconds
        self._largest = largest
        # The key lives in this closure and in these headers, and nowhere a repr could show it.
        self._redactor = functools.partial(redactor, key)
        self._headers = httpx2.Headers({"Authorization": f"Bearer {key}", "Clerk-API-Version": API_VERSION})
        self._budget = budget
        self._shares = connections is not None
        self._http = connections or open_connections(origin, transport)

    def __repr__(self) -> str:
        return f"Clerk({self.origin!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._shares:
            await self._http.aclose()

    def last_try(self) -> float:
        """Until when the last try of a write that is noted now may begin, by this process's `monotonic`."""
        return monotonic() + self._sending_seconds

    @property
    def under_way_seconds(self) -> float:
        """For how long after it was noted a write may be under way, whatever became of its process.

        Its last try has begun by then and was given up, and Clerk is through with what came of it.
        """
        return self._sending_seconds + self._timeout + CLERKS_OWN_SECONDS

    @property
    def _sending_seconds(self) -> float:
        # Also where nothing is tried again: the first try may have to wait for the rate budget.
        return max(self._timeout, self._retry_seconds)

    async def perform(
        self,
        action: Action,
        info: ResponseInfo | None = None,
        before: Callable[[], None] | None = None,
        *,
        last_try: float | None = None,
    ) -> Any:
        """Carry an action to Clerk; the decoded answer. `info` is told what Clerk says beside it.

        `before` is called right before each try of each request: what it raises keeps that from being sent.
        A write is not sent any more once `last_try` is past, which is from now on where it is left out.

        Whatever Clerk repeats of the key and of the action's secrets is taken out.

        Raises:
            ClerkError: one of its subclasses, with what to do next.
        """
        redact = self._redactor(action)
        try:
            return redact(
                await action.perform(
                    functools.partial(
                        self.send,
                        name=action.spec.name,
                        redact=redact,
                        info=info,
                        before=before,
                        last_try=last_try,
                    )
                )
            )
        except ClerkError as error:
            explain(error, type(action))
            raise

    async def send(
        self,
        request: Request,
        redact: Redact | None = None,
        info: ResponseInfo | None = None,
        name: str = "",
        *,
        before: Callable[[], None] | None = None,
        last_try: float | None = None,
    ) -> Any:
        """One request, tried again where that is safe; the decoded JSON answer.

        `redact` takes secrets out of what Clerk says in an error, `name` is what a try is logged by, `before`
        is called right before each try, `last_try` is when the last one of a write may begin.
        """
        redact = redact or self._redactor()
        # Beside the bound of each try: a read may be given up between two tries, a write never is. That one
        # has a moment after which no try begins, so that others can tell when it is not under way any more.
        limit, until, retrying = None, None, self._retry_seconds
        if is_read(request):
            limit = self._sending_seconds
        else:
            until = self.last_try() if last_try is None else last_try
            retrying = min(retrying, until - monotonic())
        try:
            async with asyncio.timeout(limit):
                async for attempt in tries(name or str(request.method), retrying):
                    with attempt:
                        await self._in_turn(request, until)
                        return await self._budgeted(request, redact, info, attempt.num, before)
        except TimeoutError:
            raise lost(request, f"no answer within {limit:g} s") from None
        raise AssertionError("stamina returns or raises")

    async def _in_turn(self, request: Request, until: float | None) -> None:
        """Wait for the rate budget, since Clerk counts tries; RateLimited if it is too late for one then."""
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - monotonic())):
                if self._budget:
                    await self._budget.spend(request)
            if until is None or monotonic() < until:
                return
        except TimeoutError:
            if until is None:
                raise
        raise RateLimited(
            f"{request.method} {request.path}: its turn to be sent did not come within "
            f"{math.ceil(self._sending_seconds)} s.",
            next_step="Nothing was sent. Ask again; others use up what Clerk takes, or this machine is slow.",
        )

    async def _budgeted(
        self,
        request: Request,
        redact: Redact,
        info: ResponseInfo | None,
        attempt: int,
        before: Callable[[], None] | None,
    ) -> Any:
        """One try within the rate budget, which is told of what Clerk refuses."""
        # After every wait: for the budget, and for what Clerk asked to be waited for.
        if before:
            before()
        try:
            return await self._observed(request, redact, info, attempt)
        except RateLimited as error:
            if self._budget:
                await self._budget.refused(request, error.retry_after)
            raise

    async def _observed(
        self, request: Request, redact: Redact, info: ResponseInfo | None, attempt: int
    ) -> Any:
        """One try, watched where somebody does."""
        if self._observer is None:
            return await self._once(request, redact, info)
        sent, info = SentRequest(str(request.method), request.route, attempt), info or ResponseInfo()
        with self._observer.request(sent):
            try:
                answer = await self._once(request, redact, info)
            except ClerkError as error:
                sent.status, sent.outcome = error.status, error.kind
                raise
            sent.status = info.status
            return answer

    async def _once(self, request: Request, redact: Redact, info: ResponseInfo | None) -> Any:
        try:
            sent = self._http.build_request(
                request.method,
                f"{self.origin}/v1{request.path}",
                params=list(request.query) or None,
                headers=self._headers_of(request),
                timeout=self._timeout,
                **_content(request),
            )
        except ValueError:  # from the encoder: its error would hold the body
            sent = None
        if sent is None:
            raise Unprocessable(f"{request.method} {request.path}: not JSON in UTF-8, and so not sent.")
        try:
            async with asyncio.timeout(self._timeout):
                response, content = await self._answer(sent)
        # Raised below, outside of the handlers: a cause holds the request, and with it the key.
        except TimeoutError:
            failure = lost(request, f"no whole answer within {self._timeout:g} s")
        except httpx2.TransportError as error:
            failure = self._failed(request, error)
        except httpx2.DecodingError:
            # The body did not unpack, and this error does not say with which status it came.
            failure = unreadable(request, 200, self._steps)
        else:
            if info:
                info.note(response, redact)
            if content is None:
                raise too_large(request, response.status_code, self._largest)
            return decode(request, response, content, redact, self._steps)
        raise failure

    def _headers_of(self, request: Request) -> httpx2.Headers:
        """The key, or that of the request, and Clerk's version."""
        if request.key is None:
            return self._headers
        headers = self._headers.copy()
        headers["Authorization"] = f"Bearer {request.key.value}"
        return headers

    async def _answer(self, sent: httpx2.Request) -> tuple[httpx2.Response, bytes | None]:
        """One answer and its body; None for a yes that is longer than is read."""
        response = await self._http.send(sent, stream=True)
        try:
            return response, await read_body(response, self._largest)
        except TooLargeError:
            return response, None if response.is_success else b""  # an error's status says enough
        finally:
            # Closed and not drained: whoever sends without end is left with it.
            await response.aclose()

    def _failed(self, request: Request, error: httpx2.TransportError) -> ClerkError:
        """What it means that there was no answer."""
        if never_left(error):
            return ClerkUnavailable(
                f"No connection to {self.origin} ({type(error).__name__}).",
                next_step=f"Nothing was sent. {self._steps.connection}",
            )
        return lost(request, type(error).__name__)


def _content(request: Request) -> dict[str, Any]:
    """The body as the HTTP client is told it: JSON, or a form where a file goes along."""
    if request.file is None:
        return {"json": request.body}
    file = request.file
    fields = request.body if isinstance(request.body, Mapping) else {}
    return {"data": dict(fields), "files": {file.name: (file.name, file.content, file.content_type)}}


def _trust(origin: str) -> ssl.SSLContext | bool:
    """Whom to trust: the usual authorities over https; nobody over http, which spares reading their list."""
    return True if origin.startswith("https://") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
