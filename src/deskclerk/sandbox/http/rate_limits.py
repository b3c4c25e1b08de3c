"""Clerk's rate limits, where a control turned them on; counted by this process, in the sandbox's time."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.sandbox.http.errors import Problem, envelope
from deskclerk.sandbox.store.state import State
from deskclerk.sandbox.store.store import Store

TEN_SECONDS, HOUR = 10_000, 3_600_000
KINDS = {"test": 100, "live": 1000}
"""Requests of one instance in ten seconds, by its kind."""
_OBJECT = re.compile(r"(/users/[^/]+|/organizations/[^/]+(?:/memberships/[^/]+)?)(?:/metadata)?")
_ORGANIZATION = re.compile(r"(?<=^/organizations/)[^/]+")
_MOST_WINDOWS = 10_000


class Limit(NamedTuple):
    """So many requests in so many milliseconds."""

    most: int
    window: int


HOURLY = {
    "/invitations": Limit(100, HOUR),
    "/invitations/bulk": Limit(25, HOUR),
    "/organizations/{}/invitations": Limit(250, HOUR),
    "/organizations/{}/invitations/bulk": Limit(50, HOUR),
}
"""POST requests by path; those of all organizations count together."""

OBJECT = Limit(10, TEN_SECONDS)


class RateLimits:
    """ASGI middleware: counts requests in fixed windows and answers 429 beyond the limit."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store
        self.windows: dict[tuple[str, str], tuple[int, int]] = {}
        """By instance and bucket: when the window began, and the requests in it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or refuse it."""
        if scope["type"] == "http" and (wait := self._wait(scope)):
            text = f"Too many requests. Try again in {wait} s."
            problem = Problem("too_many_requests", "Too many requests", text)
            answer = envelope(429, (problem,), scope["state"]["trace"], {"retry-after": str(wait)})
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _wait(self, scope: Scope) -> int:
        """Whole seconds until the request is let through; 0: now."""
        state, instance = scope["state"]["sandbox"], scope["state"]["instance"]
        if instance.rate_limits is None:
            return 0
        now = _now(state, self.store)
        waits = [
            self._spend((instance.id, bucket), limit, now)
            for bucket, limit in buckets(scope["method"], scope["path"], instance.rate_limits)
        ]
        return max(waits, default=0)

    def _spend(self, key: tuple[str, str], limit: Limit, now: int) -> int:
        began, spent = self.windows.get(key, (now, 0))
        if not began <= now < began + limit.window:  # a clock that was set back begins anew, too
            began, spent = now, 0
        if spent >= limit.most:
            return max(1, math.ceil((began + limit.window - now) / 1000))
        if len(self.windows) >= _MOST_WINDOWS:
            # A test's counts may be lost then; the memory of a sandbox that runs for weeks may not.
            self.windows.clear()
        self.windows[key] = (began, spent + 1)
        return 0


def buckets(method: str, path: str, kind: str) -> Iterator[tuple[str, Limit]]:
    """The limits that a request to `/v1…` counts against."""
    path = path.removeprefix("/v1")
    # Clerk does not count the public keys, which every verifier fetches.
    if path == "/jwks":
        return
    yield "all", Limit(KINDS[kind], TEN_SECONDS)
    shape = _ORGANIZATION.sub("{}", path)
    if method == "POST" and shape in HOURLY:
        yield shape, HOURLY[shape]
    if method in ("PATCH", "PUT") and (found := _OBJECT.fullmatch(path)):
        yield found[1], OBJECT


def _now(state: State, store: Store) -> int:
    return state.time.at(store.clock.now())
