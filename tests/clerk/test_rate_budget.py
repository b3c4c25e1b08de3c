"""The rate budget: a request that Clerk would refuse with 429 waits for its place before it is sent."""

import asyncio
import time
from bisect import bisect_left

import httpx2
import pytest

from deskclerk.catalogue import Request, Verb
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.rate_budget import RateBudget

pytestmark = pytest.mark.anyio


class Clock:
    """Time that passes only by waiting; the machine's clock can be wrong by so many seconds."""

    def __init__(self):
        self.now = 1_800_000_000.0
        self.wrong = 0
        self.waits = []

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now + clock.wrong)
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    return clock


async def sent(clock, kind, many, path="/users/user_1", wrong_after=None):
    """When each of many requests reached Clerk; after so many of them the clock is set back an hour."""
    times = []

    def upstream(request):
        times.append(clock.now)
        clock.now += 0.001
        if len(times) == wrong_after:
            clock.wrong = -3600
        return httpx2.Response(200, json={"object": "user", "id": "user_1"})

    async with Clerk(
        "https://clerk.test", "sk_test_0", kind=kind, transport=httpx2.MockTransport(upstream)
    ) as at:
        for _ in range(many):
            await at.send(Request(Verb.GET, path))
    return times


@pytest.mark.promise("rate-limits-are-kept")
@pytest.mark.parametrize(("kind", "per_ten_seconds"), [("test", 100), ("live", 1000)])
async def test_no_ten_seconds_hold_more_requests_than_clerk_takes(clock, kind, per_ten_seconds):
    times = await sent(clock, kind, 2 * per_ten_seconds + 1)
    assert len(times) == 2 * per_ten_seconds + 1
    busiest = max(bisect_left(times, start + 10) - index for index, start in enumerate(times))
    assert busiest == per_ten_seconds
    assert clock.waits


async def test_nothing_waits_within_the_budget(clock):
    await sent(clock, "test", 100)
    assert clock.waits == []


async def test_a_sandbox_has_no_budget(clock):
    await sent(clock, "sandbox", 150)
    assert clock.waits == []


async def test_what_clerk_does_not_count_costs_nothing(clock):
    await sent(clock, "test", 150, path="/jwks")
    assert clock.waits == []


@pytest.mark.promise("rate-limits-are-kept")
@pytest.mark.parametrize("wrong_after", [40, 100, 150])
async def test_a_clock_that_is_set_back_an_hour_costs_one_window_more(clock, wrong_after):
    times = await sent(clock, "test", 300, wrong_after=wrong_after)
    assert max(bisect_left(times, start + 10) - index for index, start in enumerate(times)) == 100
    assert times[-1] - times[0] < 50


async def test_many_that_wait_when_the_clock_is_set_back_go_on_within_the_budget(clock):
    budget, times = RateBudget("test"), []

    async def spend():
        await budget.spend(Request(Verb.GET, "/users/user_1"))
        times.append(clock.now)

    await asyncio.gather(*[spend() for _ in range(100)])
    clock.wrong = -3600
    await asyncio.gather(*[spend() for _ in range(150)])
    assert max(bisect_left(times, start + 10) - index for index, start in enumerate(times)) == 100
    assert times[-1] - times[0] < 60
