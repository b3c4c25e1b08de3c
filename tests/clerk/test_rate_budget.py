"""The rate budget: a request that Clerk would refuse with 429 waits for its place before it is sent."""

import asyncio
from bisect import bisect_left

import httpx2
import pytest
import stamina

from deskclerk.catalogue import EVERY_ACTION, Request, Verb
from deskclerk.clerk import rate_budget
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.rate_budget import MemoryAccount, RateBudget, Usage, changes_an_object, hourly_cap
from deskclerk.errors import RateLimited, StorageUnavailable

pytestmark = pytest.mark.anyio

READ = Request(Verb.GET, "/users/user_1")
CHANGE = Request(Verb.PATCH, "/users/user_1")


class Clock:
    """Time that passes only by waiting."""

    def __init__(self):
        self.now = 5_000.0
        self.waits = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rate_budget, "monotonic", clock)
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    return clock


class Upstream:
    """A Clerk that notes when each request reached it; `refuse` answers the next ones with 429."""

    def __init__(self, clock):
        self.clock = clock
        self.times = []
        self.refuse = []

    def __call__(self, request):
        self.times.append(self.clock.now)
        self.clock.now += 0.001
        if self.refuse:
            return httpx2.Response(429, json={"errors": []}, headers={"retry-after": self.refuse.pop(0)})
        return httpx2.Response(200, json={"object": "user", "id": "user_1"})

    def process(self, budget):
        return Clerk("https://clerk.test", "sk_test_0", budget=budget, transport=httpx2.MockTransport(self))

    def busiest(self):
        """The most requests in any ten seconds."""
        return max(bisect_left(self.times, start + 10) - index for index, start in enumerate(self.times))


@pytest.fixture
def upstream(clock):
    return Upstream(clock)


@pytest.mark.promise("rate-limits-are-kept")
@pytest.mark.parametrize("most", [100, 1000])
async def test_no_ten_seconds_hold_more_requests_than_clerk_takes(clock, upstream, most):
    async with upstream.process(RateBudget(most)) as at:
        for _ in range(2 * most + 1):
            await at.send(READ)
    assert upstream.busiest() == most
    # A tenth of a second is what counting by tenths costs.
    assert upstream.times[most] - upstream.times[0] < 10.4
    assert clock.waits


async def test_nothing_waits_within_the_budget(clock, upstream):
    async with upstream.process(RateBudget(100)) as at:
        for _ in range(100):
            await at.send(READ)
    assert clock.waits == []


async def test_what_clerk_does_not_count_costs_nothing(clock, upstream):
    async with upstream.process(RateBudget(100)) as at:
        for _ in range(150):
            await at.send(Request(Verb.GET, "/jwks"))
    assert clock.waits == []


@pytest.mark.promise("rate-limits-are-kept")
async def test_processes_that_send_in_turn_share_one_budget(clock, upstream):
    account = MemoryAccount()
    budgets = [RateBudget(100, account, f"own_{number}") for number in range(3)]
    for step in range(350):
        await budgets[step * step % 3].spend(READ)
        upstream(None)
    assert upstream.busiest() == 100
    # Three and a half windows' worth, of which the first needs no time.
    assert upstream.times[-1] - upstream.times[0] < 40


@pytest.mark.promise("rate-limits-are-kept")
async def test_what_a_process_that_died_may_have_sent_counts(clock, upstream):
    account = MemoryAccount()
    # Each sends all of its first share and dies: nobody wrote down what it sent.
    for number in range(30):
        died = RateBudget(100, account, f"own_{number}")
        await died.spend(READ)
        upstream(None)
        while died._take():
            upstream(None)
            clock.now += 0.01
    assert upstream.busiest() <= 100


async def test_a_process_that_ends_gives_back_what_it_did_not_send(clock, upstream):
    account = MemoryAccount()
    for number in range(100):
        budget = RateBudget(100, account, f"own_{number}")
        await budget.spend(READ)
        await budget.close()
    assert clock.waits == []
    await RateBudget(100, account, "own_last").spend(READ)
    assert clock.waits


async def test_many_that_wait_at_once_go_on_within_the_budget(clock, upstream):
    budget = RateBudget(100)

    async def one():
        await budget.spend(READ)
        upstream(None)

    await asyncio.gather(*[one() for _ in range(250)])
    assert upstream.busiest() == 100
    assert upstream.times[-1] - upstream.times[0] < 25


@pytest.mark.promise("rate-limits-are-kept")
async def test_an_account_from_before_the_machine_was_started_anew_costs_one_window(clock, upstream):
    account = MemoryAccount()
    for name in ("own_1", "own_2"):
        budget = RateBudget(100, account, name)
        for _ in range(50):
            await budget.spend(READ)
    clock.now = 3.0
    budget = RateBudget(100, account, "own_3")
    for _ in range(150):
        await budget.spend(READ)
        upstream(None)
    assert 80 <= upstream.busiest() <= 100
    assert upstream.times[-1] < 35


async def test_a_429_holds_every_process_back_from_the_same_thing(clock, upstream):
    account = MemoryAccount()
    upstream.refuse = ["7"]
    with stamina.set_testing(True, attempts=1):
        async with upstream.process(RateBudget(100, account, "own_1")) as at:
            with pytest.raises(RateLimited, match="Clerk refused GET"):
                await at.send(READ)
        other = RateBudget(100, account, "own_2")
        async with upstream.process(other) as at:
            clock.now += 2
            with pytest.raises(RateLimited, match=r"Ask again in 5 s\.") as caught:
                await at.send(READ)
            assert caught.value.retry_after == pytest.approx(5, abs=0.1)
            assert len(upstream.times) == 1
            await at.send(Request(Verb.GET, "/organizations"))
            clock.now += 5.1
            await at.send(READ)
    assert len(upstream.times) == 3


async def sent_in_ten_seconds(account, clock, name):
    budget, count = RateBudget(100, account, name), 0
    began = clock.now
    while True:
        await budget.spend(READ)
        if clock.now >= began + 10:
            await budget.close()
            return count
        count += 1


async def test_a_429_halves_the_pace_and_time_brings_it_back(clock, upstream):
    account = MemoryAccount()
    # Several that were under way together are one.
    for name in ("own_1", "own_2", "own_3"):
        await RateBudget(100, account, name).refused(READ, None)
    assert await sent_in_ten_seconds(account, clock, "own_4") == 50
    clock.now += 20
    assert 70 <= await sent_in_ten_seconds(account, clock, "own_5") <= 90
    clock.now += 60
    assert await sent_in_ten_seconds(account, clock, "own_6") == 100


async def test_a_429_of_what_has_a_cap_of_its_own_slows_nothing_else(clock):
    account = MemoryAccount()
    await RateBudget(100, account, "own_1").refused(CHANGE, 9)
    assert await sent_in_ten_seconds(account, clock, "own_2") == 100


async def test_an_endless_retry_after_is_not_believed(clock):
    account = MemoryAccount()
    await RateBudget(100, account, "own_1").refused(READ, 1e12)
    clock.now += 3601
    await RateBudget(100, account, "own_2").spend(READ)


async def test_what_is_blocked_is_bounded(clock):
    account, budget = MemoryAccount(), RateBudget(100)
    budget._account = account
    for number in range(300):
        await budget.refused(Request(Verb.GET, f"/users/user_{number}"), 60)
    assert len(account._usage.blocked) == 100


async def test_an_account_that_cannot_be_used_leaves_each_process_its_own_budget(clock, upstream, caplog):
    class Full:
        async def change(self, change):
            raise StorageUnavailable("The disk is full.")

    async with upstream.process(RateBudget(100, Full())) as at:
        for _ in range(150):
            await at.send(READ)
    assert upstream.busiest() == 100
    assert [record.message for record in caplog.records if "rate budget" in record.message] == [
        "The rate budget is not shared with other processes: The disk is full."
    ]


def test_usage_comes_back_from_its_text():
    usage = Usage()
    usage.add(1_234, 3)
    usage.block("GET /users", 9_000)
    usage.slow_down(100, 1_500)
    usage.shares["own_1"] = rate_budget.Share(5, 2_000)
    assert Usage.from_json(usage.to_json()) == usage
    assert Usage.from_json(Usage().to_json()) == Usage()


def test_the_routes_with_caps_of_their_own():
    routes = {action.spec.route for action in EVERY_ACTION}
    assert {str(route): hourly_cap(route) for route in routes if hourly_cap(route)} == {
        "POST /invitations": (100, 3600),
        "POST /invitations/bulk": (25, 3600),
        "POST /organizations/{organization_id}/invitations/bulk": (50, 3600),
        "POST /organizations/{organization_id}/invitations": (250, 3600),
    }
    assert {str(route) for route in routes if changes_an_object(route)} == {
        "PATCH /organizations/{organization_id}",
        "PATCH /organizations/{organization_id}/memberships/{user_id}",
        "PATCH /organizations/{organization_id}/memberships/{user_id}/metadata",
        "PUT /organizations/{organization_id}/metadata",
        "PATCH /users/{user_id}",
        "PUT /users/{user_id}/metadata",
    }
