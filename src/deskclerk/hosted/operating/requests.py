"""One HTTP request as logs, metrics and traces speak of it: its id, its trace, its route, and how it went.

The route is a template such as `/jobs/{id}`: a path may hold an id, a name or a link that signs, and stands
nowhere. What is said of a request says nothing of who sent it.
"""

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.desk.observing import ORIGIN, Observer
from deskclerk.desk.time_and_ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger("deskclerk.requests")

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is answered; None outside of one."""
TRACE_ID: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""The trace that it is part of: 32 hexadecimal digits."""

HEADER = "X-Request-Id"
NO_ROUTE = "(none)"
"""In place of a route for what no route answers: paths that somebody makes up are labels without end."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "(other)"
# What is no id of ours is one in a line of a log: no blanks, no quotes, and not without end.
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,127}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_LONGEST_TRACESTATE = 512


def request_id_of(given: str | None) -> str:
    """The id that a request came with, if it is well-formed; else a new one."""
    return given if given and _WELL_FORMED.fullmatch(given) else new_id("req")


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace's id in a W3C `traceparent`; None for what is none."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent and traceparent[:2] != "ff" else None
    return found[1] if found else None


def method_of(scope: Scope) -> str:
    """The method of a request, as one of a few."""
    return scope["method"] if scope["method"] in METHODS else OTHER_METHOD


def route_of(scope: Scope) -> str:
    """The template of the route that answered a request, once it has: its parameters by their names."""
    route, place = scope.get("route"), _by_names(scope.get("root_path", ""), scope)
    if isinstance(route, Mount):
        # What is mounted there had no route for it, or has none at all, as a folder of files.
        return f"{place}/…"
    template = getattr(route, "path_format", None)
    return f"{place}{template}" if template else NO_ROUTE


def _by_names(path: str, scope: Scope) -> str:
    """A path with the names of its parameters in place of their values."""
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    return "/".join(names.get(part, part) for part in path.split("/"))


class RequestIds:
    """ASGI middleware, the outermost: gives each request its id, and logs a line when it has been answered.

    `X-Request-Id` is taken where it is well-formed, and always returned.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its ids."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id, status, began = request_id_of(headers.get(HEADER)), 0, perf_counter()
        origin = scope[ORIGIN] = {"request_id": request_id}
        traceparent, tracestate = headers.get("traceparent"), headers.get("tracestate", "")
        if traceparent and trace_id_of(traceparent):
            origin["traceparent"] = traceparent
            if 0 < len(tracestate) <= _LONGEST_TRACESTATE:
                origin["tracestate"] = tracestate

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with within(origin):
            try:
                await self._app(scope, receive, answer)
            finally:
                facts = {
                    "method": method_of(scope),
                    "route": route_of(scope),
                    # No answer began: the client left, or a fault is told one line further up.
                    "status": status or None,
                    "seconds": round(perf_counter() - began, 4),
                }
                # Once more: the trace may have been begun here.
                with within(origin):
                    logger.info("request", extra={"facts": facts})


@contextmanager
def within(origin: Mapping[str, str]) -> "Iterator[None]":
    """Have what is logged in the block say which request it is for."""
    request = REQUEST_ID.set(origin.get("request_id"))
    trace = TRACE_ID.set(trace_id_of(origin.get("traceparent")))
    try:
        yield
    finally:
        TRACE_ID.reset(trace)
        REQUEST_ID.reset(request)


class RequestContext(Observer):
    """Has a desk's work be logged under the request that asked for it.

    A session of the protocol's older era answers every request in the context of its first.
    """

    def asked(self, origin: Mapping[str, str]) -> AbstractContextManager[object]:
        """Entered while a request is answered."""
        return within(origin)
