"""Clerk's caps on single kinds of writes, counted by what the journal says was sent."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import CreateInvitation, UpdateUser
from deskclerk.desk import Caller
from deskclerk.desk.approvals.signatures import Decision, Signature
from deskclerk.desk.journal import records
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.rates import caps
from deskclerk.errors import ClerkError, RateLimited

pytestmark = pytest.mark.anyio

INVITE = CreateInvitation(email_address="ada@example.com")
RENAME = UpdateUser(user_id="user_1", first_name="Augusta")
MOMENT = 1_800_000_000_000


@pytest.fixture
def clock(monkeypatch):
    """The time of the journal's records and of the caps, in milliseconds; who waits is through at once."""

    clock, real = SimpleNamespace(now=MOMENT, waits=[]), asyncio.sleep

    async def sleep(seconds):
        if seconds < 0.1:  # the journal's and the database's own
            await real(seconds)
        else:
            clock.waits.append(seconds)
            clock.now += round(seconds * 1000)

    monkeypatch.setattr(records, "now", lambda: clock.now)
    monkeypatch.setattr(caps, "now", lambda: clock.now)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


async def noted(desk, action, many):
    """Intents of so many writes that other processes sent."""
    caller = Caller("cli")
    more = {"plan_id": None, "how": "test", "seen": [], "undoes": None}
    for _ in range(many):
        await desk.journal.intent(desk.instance, caller, action, **more)


@pytest.mark.promise("rate-limits-are-kept")
async def test_what_clerk_takes_in_an_hour_is_refused_before_anybody_signs(open_desk, upstream, clock):
    person = Person()
    async with open_desk(approver=person) as desk:
        await asyncio.gather(*[noted(desk, INVITE, 1) for _ in range(100)])
        clock.now += 600_000
        with pytest.raises(RateLimited, match=r"takes 100 of these .* Ask again in 50 minutes") as caught:
            await desk.perform(INVITE)
        assert caught.value.retry_after == 3000
        assert (person.shown, upstream.writes) == ([], [])
        refused = (await desk.journal.entries(EntryFilter(outcome="rate_limited")))[0]
        assert refused["action"] == INVITE.spec.name
        clock.now += 3_000_001
        with pytest.raises(ClerkError, match="not found"):  # by this Clerk, which has no invitations
            await desk.perform(INVITE)
        assert len(upstream.writes) == 1


async def test_a_cap_that_others_use_up_while_a_person_reads_leaves_the_plan(open_desk, upstream, clock):
    async def slowly(plan):
        await asyncio.gather(*[noted(desk, INVITE, 1) for _ in range(100)])
        return Signature(Decision.APPROVED, "test")

    async with open_desk(approver=slowly) as desk:
        plan = await desk.propose(INVITE)
        with pytest.raises(RateLimited, match="Nothing was sent"):
            await desk.perform(INVITE)
        assert upstream.writes == []
        assert (await desk.plans.load(plan.id)).status == "waiting"


@pytest.mark.promise("rate-limits-are-kept")
async def test_the_eleventh_change_of_one_thing_waits_for_its_place(open_desk, upstream, clock):
    upstream.users["user_2"] = upstream.users["user_1"] | {"id": "user_2"}
    async with open_desk(confirm="never") as desk:
        for _ in range(10):
            await desk.perform(RENAME)
            clock.now += 500
        await desk.perform(UpdateUser(user_id="user_2", first_name="Augusta"))
        assert clock.waits == []
        await desk.perform(RENAME)
        assert clock.waits == [5.0]
        await desk.perform(RENAME)
    assert clock.waits == [5.0, 0.5]
    assert len(upstream.writes) == 13


async def test_a_clock_that_was_set_back_holds_nothing_back(open_desk, upstream, clock):
    async with open_desk(confirm="never") as desk:
        for _ in range(10):
            await desk.perform(RENAME)
        clock.now -= 3_600_000
        await desk.perform(RENAME)
    assert clock.waits == []


async def test_a_sandbox_has_no_caps(open_desk, upstream, clock):
    async with open_desk(confirm="never", secret_key=None) as desk:
        for _ in range(12):
            await desk.perform(RENAME)
    assert clock.waits == []
