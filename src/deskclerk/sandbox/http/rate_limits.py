"""Clerk's rate limits, where a control turned them on; counted by this process, in the sandbox's time."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from deskclerk.sandbox.http.admission import Admitted
from deskclerk.sandbox.http.incoming import Incoming

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
    """Counts requests in fixed windows."""

    def __init__(self) -> None:
        self.windows: dict[tuple[str, str], tuple[int, int]] = {}
        """By instance and bucket: when the window began, and the requests in it."""

    def wait(self, request: Incoming, admitted: Admitted, machine: int) -> int:
        """Count a request at the machine's time; whole seconds until it would be let through, 0: it is."""
        instance = admitted.instance
        if instance.rate_limits is None:
            return 0
        now = admitted.state.time.at(machine)
        waits = [
            self._spend((instance.id, bucket), limit, now)
            for bucket, limit in buckets(request.method, request.path, instance.rate_limits)
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
