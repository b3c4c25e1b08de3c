"""The rate budget: waits before sending what Clerk would refuse with 429.

All processes that use one instance share its budget through an account of what was sent in the last ten
seconds and of what each of them may still send. To go there for every request would cost more than many a
request: a process takes a share of some requests, good for some seconds, and sends from that. It writes
down what it sent of a share when it takes the next one, and at its end; until then, and if it dies, the
whole share counts as sent at the last moment of its time.
"""

import asyncio
import json
import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol, Self, TypeVar

from deskclerk.catalogue import Request, Verb
from deskclerk.catalogue.route import Route
from deskclerk.errors import RateLimited, StorageUnavailable

T = TypeVar("T")
logger = logging.getLogger("deskclerk.clerk")

PER_TEN_SECONDS = {"live": 1000, "test": 100}
"""Requests that Clerk takes from one instance in ten seconds, by the kind of its key."""
_WINDOW = 10_200
"""Milliseconds for which a request counts: Clerk's ten seconds, and how much longer one may be on its way
than another. Two that leave ten seconds apart can arrive within less."""
_SLICE = 100
"""Milliseconds: what was sent is counted by tenths of a second, and counts until the last moment of its own
is past."""
_GOOD_FOR = 5.0
"""Seconds in which a share can be used."""
_SHARES = 10
"""A share is at most this part of the budget, so that processes which use little leave enough to others."""
_FIRST_SHARES, _ONE_WRITE = 50, 6
"""The first one is smaller: many a process sends one request, or what one write takes."""
_NEAR_THE_END = 4
"""A share is at most this part of what is left: the less there is, the more exactly it is shared."""
_MOST_BLOCKED = 100
_LONGEST_BLOCK = 3600.0
"""Seconds; Clerk's longest window is an hour."""
_QUEUED_FOR = 2_000
"""Milliseconds for which somebody counts as waiting who should have asked again."""
_LONGEST_QUEUE = _QUEUED_FOR + 2 * _WINDOW
_ONE_BURST = 1_000
"""Milliseconds in which several answers of 429 are one."""


class Cap(NamedTuple):
    """So many requests in so many seconds."""

    most: int
    seconds: int


HOURLY = {
    "POST /invitations": Cap(100, 3600),
    "POST /invitations/bulk": Cap(25, 3600),
    "POST /organizations/{}/invitations": Cap(250, 3600),
    "POST /organizations/{}/invitations/bulk": Cap(50, 3600),
}
"""What Clerk takes from one instance in an hour; invitations to all organizations count together."""
PER_OBJECT = Cap(10, 10)
"""Changes of one user, organization or membership, or of its metadata."""
_OBJECT = re.compile(r"(PATCH|PUT) (/users/{}|/organizations/{}(/memberships/{})?)(/metadata)?")
_PLACEHOLDER = re.compile(r"\{\w+\}")


def hourly_cap(route: Route) -> Cap | None:
    """What Clerk takes of a route in an hour; None if it does not say."""
    return HOURLY.get(_PLACEHOLDER.sub("{}", str(route)))


def changes_an_object(route: Route) -> bool:
    """Whether a route counts against `PER_OBJECT`."""
    return _OBJECT.fullmatch(_PLACEHOLDER.sub("{}", str(route))) is not None


class Share(NamedTuple):
    """So many requests that a process may send until a moment of the account's clock."""

    requests: int
    until: int


@dataclass
class Usage:
    """What an account holds of one instance; times are milliseconds of the account's own clock.

    `sent` counts requests by slices of time, `shares` holds what processes may still send, `blocked` until
    when Clerk asked to leave a method and path alone, `slowed` the budget that was left by its last 429 and
    when that was. `queue` has those who found nothing left, each until when that is to be believed: whoever
    yields lets them go first.
    """

    sent: dict[int, int] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    slowed: tuple[int, int] | None = None
    queue: dict[str, int] = field(default_factory=dict)

    def tidy(self, now: int) -> None:
        """Forget what is past.

        What lies ahead of the clock was written before the clock began anew: it counts as of now.
        """
        moved = self.sent
        self.sent = {}
        for piece, requests in moved.items():
            self.add(min(piece * _SLICE, now), requests)
        self.sent = {piece: requests for piece, requests in self.sent.items() if _counts_until(piece) > now}
        last = now + round(_GOOD_FOR * 1000)
        self.shares = {
            name: Share(share.requests, min(share.until, last))
            for name, share in self.shares.items()
            if share.until + _WINDOW > now
        }
        self.blocked = {place: until for place, until in self.blocked.items() if until > now}
        self.queue = {
            name: until for name, until in self.queue.items() if now < until <= now + _LONGEST_QUEUE
        }
        if self.slowed and self.slowed[1] > now:
            self.slowed = (self.slowed[0], now)

    def add(self, at: int, requests: int) -> None:
        """Count requests that were sent at a moment."""
        self.sent[at // _SLICE] = self.sent.get(at // _SLICE, 0) + requests

    def allowed(self, budget: int, now: int) -> int:
        """What may be sent in ten seconds: less after a 429, and a tenth more with every ten seconds."""
        if self.slowed is None:
            return budget
        left, since = self.slowed
        return min(budget, left + budget * (now - since) // (10 * _WINDOW))

    def free(self, budget: int, now: int) -> int:
        """How many more requests may be given away."""
        shared = sum(share.requests for share in self.shares.values())
        return self.allowed(budget, now) - sum(self.sent.values()) - shared

    def next_free(self) -> int:
        """When something that counts will count no more."""
        ends = [_counts_until(piece) for piece in self.sent]
        return min(ends + [share.until + _WINDOW for share in self.shares.values()])

    def block(self, place: str, until: int) -> None:
        """Leave a method and path alone until a moment."""
        self.blocked[place] = until
        if len(self.blocked) > _MOST_BLOCKED:
            del self.blocked[min(self.blocked, key=self.blocked.__getitem__)]

    def slow_down(self, budget: int, now: int) -> None:
        """Halve what may be sent, once for all that was under way together."""
        if self.slowed is None or now - self.slowed[1] >= _ONE_BURST:
            self.slowed = (max(1, self.allowed(budget, now) // 2), now)

    def to_json(self) -> str:
        """The usage as text."""
        return json.dumps([list(self.sent.items()), self.shares, self.blocked, self.slowed, self.queue])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The usage of a text made by `to_json`."""
        sent, shares, blocked, slowed, *queue = json.loads(text)
        return cls(
            dict(sent),
            {name: Share(*share) for name, share in shares.items()},
            blocked,
            tuple(slowed) if slowed else None,
            queue[0] if queue else {},
        )


Change = Callable[[Usage, int], T]
"""Looks at the usage at a moment of the account's clock, and may change it."""


class Account(Protocol):
    """Where the usage of one instance is kept."""

    async def change(self, change: Change[T]) -> T:
        """Carry out a change while nobody else looks or changes; what it answers.

        StorageUnavailable if the usage cannot be read or kept.
        """


class MemoryAccount:
    """An account of this process alone."""

    def __init__(self) -> None:
        self._usage = Usage()

    async def change(self, change: Change[T]) -> T:
        """Carry out a change; what it answers."""
        return change(self._usage, round(monotonic() * 1000))


class RateBudget:
    """What one process spends of an instance's budget.

    Args:
        most: requests in ten seconds, from all processes.
        account: where they share; left out, this process has the budget for itself.
        name: tells this process's shares from those of others.
        yields: whether those who wait for the budget elsewhere go first.
    """

    def __init__(
        self, most: int, account: Account | None = None, name: str = "", *, yields: bool = False
    ) -> None:
        self._yields = yields
        self._most = most
        self._account: Account = account or MemoryAccount()
        self._alone = MemoryAccount()
        self._name = name
        self._left = 0
        self._good_until = 0.0
        self._sent: list[float] = []
        """When requests were sent that are not written down yet."""
        self._blocked: dict[str, float] = {}
        # One at a time asks for a share, and those behind it send from that, or wait in their order.
        self._asking = asyncio.Lock()
        self._at_account = asyncio.Lock()
        self._warned = False

    async def spend(self, request: Request) -> None:
        """Take one request's worth, waiting for the window to move when it is used up.

        RateLimited if Clerk asked, this process or another, to leave this very thing alone for a while.
        """
        if request.path == "/jwks":  # not counted by Clerk
            return
        self._check(request)
        if self._take():
            return
        async with self._asking:
            while not self._take():
                if wait := await self._ask_for_a_share():
                    await asyncio.sleep(wait)
        self._check(request)

    async def refused(self, request: Request, retry_after: float | None) -> None:
        """Tell all processes that Clerk answered 429."""
        wait, place = min(retry_after or 0.0, _LONGEST_BLOCK), _place(request)
        # What has a cap of its own says nothing of the budget that all requests share.
        of_all = not _may_have_a_cap(request)

        def note(usage: Usage, now: int) -> None:
            if wait:
                usage.block(place, now + round(wait * 1000))
            if of_all:
                usage.slow_down(self._most, now)

        self._blocked[place] = monotonic() + wait
        # What is left of the share was given on the budget as it was.
        await self._give_back(note)

    async def close(self) -> None:
        """Write down what was sent, and give back what was not."""
        if self._good_until:
            await self._give_back(lambda _usage, _now: None)

    def _check(self, request: Request) -> None:
        until = self._blocked.get(_place(request), 0.0)
        if (wait := until - monotonic()) > 0:
            raise RateLimited(
                f"{_place(request)}: Clerk refused it with 429 a moment ago, and asked to wait.",
                next_step=f"Nothing was sent. Ask again in {math.ceil(wait)} s.",
                retry_after=wait,
            )

    def _take(self) -> bool:
        now = monotonic()
        if self._left == 0 or now >= self._good_until:
            return False
        self._left -= 1
        self._sent.append(now)
        return True

    async def _ask_for_a_share(self) -> float:
        """Take a share; seconds to wait before asking again, where there is none."""

        def share(usage: Usage, now: int) -> tuple[int, int, dict[str, int]]:
            self._write_down(usage, now)
            blocked = {place: until - now for place, until in usage.blocked.items()}
            free = usage.free(self._most, now)
            if self._yields and usage.queue:
                return 0, _SLICE, blocked
            if free <= 0:
                wait = usage.next_free() - now
                if not self._yields:
                    # Until it asks again, and a little longer: it sleeps until then.
                    usage.queue[self._name] = now + wait + _QUEUED_FOR
                return 0, wait, blocked
            usage.queue.pop(self._name, None)
            requests = max(1, min(most, free // _NEAR_THE_END))
            usage.shares[self._name] = Share(requests, now + round(_GOOD_FOR * 1000))
            return requests, 0, blocked

        most = self._most // _SHARES if self._good_until else max(_ONE_WRITE, self._most // _FIRST_SHARES)
        async with self._at_account:
            asked = monotonic()
            self._left, wait, blocked = await self._change(share)
            # From the moment of asking, which was before the account's own.
            self._good_until = asked + _GOOD_FOR
        self._blocked = {place: monotonic() + left / 1000 for place, left in blocked.items()}
        return 0.0 if self._left else max(wait, 10) / 1000

    async def _give_back(self, note: Change[None]) -> None:
        def change(usage: Usage, now: int) -> None:
            self._write_down(usage, now)
            note(usage, now)

        async with self._at_account:
            self._left = 0
            await self._change(change)

    def _write_down(self, usage: Usage, now: int) -> None:
        here = monotonic()
        for at in self._sent:
            usage.add(now - round((here - at) * 1000), 1)
        usage.shares.pop(self._name, None)
        usage.tidy(now)

    async def _change(self, change: Change[T]) -> T:
        """Carry out a change that writes down what was sent so far."""
        self._left, told = 0, len(self._sent)
        try:
            answer = await self._account.change(change)
        except StorageUnavailable as error:
            # Requests go on: what is lost is that others are known of, and Clerk's 429 is still obeyed.
            if not self._warned:
                logger.warning("The rate budget is not shared with other processes: %s", error)
                self._warned = True
            answer = await self._alone.change(change)
        del self._sent[:told]
        return answer


def _place(request: Request) -> str:
    return f"{request.method} {request.path}"


def _may_have_a_cap(request: Request) -> bool:
    """Whether what Clerk refused may have been against a cap of its own."""
    return request.method in (Verb.PATCH, Verb.PUT) or request.path.endswith(("/invitations", "/bulk"))


def _counts_until(piece: int) -> int:
    return (piece + 1) * _SLICE + _WINDOW
