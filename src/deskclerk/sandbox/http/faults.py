"""Faults on demand: a status, a delay, a dropped connection, half an answer, by method and path."""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import update
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from deskclerk.sandbox.http.admission import Admitted
from deskclerk.sandbox.http.errors import Problem, envelope
from deskclerk.sandbox.http.incoming import Incoming
from deskclerk.sandbox.store.controls import faults
from deskclerk.sandbox.store.state import Fault
from deskclerk.sandbox.store.store import Store

ABORT = "abort"
"""Under this name a server's state holds what cuts the request's connection."""

CODES: Mapping[int, str] = {
    401: "clerk_key_invalid",
    404: "resource_not_found",
    429: "too_many_requests",
    503: "service_unavailable",
    504: "gateway_timeout",
}
"""Clerk's code for a status, where the fault names none; `internal_clerk_error` for others."""

_GONE = 0.02
"""Seconds for what is written to go out, and for the server to notice that a connection is cut."""
_WILD = re.compile(r"\{[^}]*\}|\*\*|\*")


class Dropped(ConnectionError):
    """A dropped connection, where there is none to cut: the sandbox runs in the caller's process."""


class Gone(Exception):
    """The request's connection is cut: there is nobody to answer."""


class Faults:
    """The first fault that fits a request, and has some left, is what it meets."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def met(self, request: Incoming, admitted: Admitted) -> Fault | None:
        """What the request meets; counted. Only for one that would have been let in."""
        for fault in admitted.state.faults:
            if fits(fault, request, admitted) and await self._spend(fault):
                return fault
        return None

    async def _spend(self, fault: Fault) -> bool:
        """Count the request; False if the fault has met as many as it was to."""
        left = faults.c.remaining
        mine = (faults.c.id == fault.id) & (left.is_(None) | (left > 0))
        change = update(faults).where(mine).values(remaining=left - 1, hits=faults.c.hits + 1)
        async with self.store.transaction(reads=False) as connection:
            # Counted by the database, in one statement: of two requests for the last one, one is spared.
            return (await connection.execute(change)).rowcount > 0


async def meet(fault: Fault, request: Incoming) -> Response | None:
    """Do to a request what a fault says; the answer where it goes no further.

    Raises:
        Gone: its connection is cut.
    """
    effect = fault.effect
    if effect.get("delay"):
        await asyncio.sleep(effect["delay"])
    if effect.get("drop"):
        await _cut(request.scope)
        raise Gone
    if effect.get("status"):
        return _answer(effect, request.trace)
    if effect.get("truncate"):
        # The request itself is carried out.
        request.send = _half(request.scope, request.send)
    return None


def fits(fault: Fault, request: Incoming, admitted: Admitted) -> bool:
    """Whether a fault is for this request."""
    if fault.instance_id not in (None, admitted.instance.id) or fault.method not in ("*", request.method):
        return False
    return bool(path_rule(fault.path).fullmatch(request.path))


@cache
def path_rule(path: str) -> re.Pattern[str]:
    """A path with placeholders (`/users/{user_id}`) or wildcards (`/users/*`, `**` over segments)."""
    # Alone it stands for every path, inside of one for a segment.
    if path == "*":
        return re.compile(".*")
    path = "/" + path.removeprefix("/v1").lstrip("/")
    plain = _WILD.split(path)
    wild = [".*" if found == "**" else "[^/]+" for found in _WILD.findall(path)]
    rule = "".join(re.escape(text) + more for text, more in zip(plain, [*wild, ""], strict=True))
    # What is outside the Backend API has its own path, without a version.
    return re.compile("(?:/v1)?" + rule)


def _answer(effect: Mapping[str, Any], trace: str) -> Response:
    status = effect["status"]
    code = effect.get("code") or CODES.get(status, "internal_clerk_error")
    problem = Problem(code, effect.get("message") or "A fault that was asked for")
    retry = effect.get("retry_after")
    headers = None if retry is None else {"retry-after": str(retry)}
    return envelope(status, (problem,), trace, headers)


async def _cut(scope: Scope) -> None:
    abort: Callable[[], None] | None = scope.get("state", {}).get(ABORT)
    if abort is None:
        raise Dropped("The sandbox dropped the connection, as it was told to.")
    abort()
    await asyncio.sleep(_GONE)


def _half(scope: Scope, send: Send) -> Send:
    """Sends the head and half of the body, and cuts the connection."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            # More is promised, so that the client waits for it and finds the connection cut.
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(_GONE)
            await _cut(scope)
            return
        await send(message)

    return sending
