"""Who waits is woken by what changes in the same process, and looks at its own pace for the rest."""

import asyncio
import time

import pytest

from deskclerk.catalogue import BanUser
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.waking import JOBS, JOURNAL, PLANS, LocalWakes
from deskclerk.faces.console.changes_feed import ChangesFeed

pytestmark = pytest.mark.anyio

BAN = BanUser(user_id="user_1")
LONG = 30.0
"""Seconds that no test waits: whoever was not woken makes it fail."""


@pytest.fixture
def no_looks(monkeypatch):
    """Nobody looks by themselves before the test has failed."""
    monkeypatch.setattr("deskclerk.desk.approvals.signing._POLL_SECONDS", LONG)
    monkeypatch.setattr("deskclerk.faces.console.changes_feed._POLL_SECONDS", LONG)
    monkeypatch.setattr("deskclerk.desk.jobs.jobs._POLL_SECONDS", LONG)
    monkeypatch.setattr("deskclerk.desk.jobs.jobs._PROGRESS_SECONDS", LONG)


async def test_a_bell_rings_for_its_topics_alone():
    wakes = LocalWakes()
    with wakes.listening(PLANS, JOBS) as bell:
        wakes.tell(JOURNAL)
        assert not await bell.rings(0.01)
        wakes.tell(JOBS)
        assert await bell.rings(LONG)
        assert not await bell.rings(0.01)


async def test_what_is_told_between_the_look_and_the_wait_is_not_lost():
    wakes = LocalWakes()
    with wakes.listening(PLANS) as bell:
        wakes.tell(PLANS)
        async with asyncio.timeout(1):
            assert await bell.rings(LONG)


async def test_every_listener_hears_and_nobody_waits_beyond_what_it_has():
    wakes = LocalWakes()
    with wakes.listening(PLANS) as one, wakes.listening(PLANS) as other:
        both = asyncio.gather(one.rings(LONG), other.rings(LONG))
        await asyncio.sleep(0)
        wakes.tell(PLANS)
        assert await both == [True, True]
        began = time.monotonic()
        assert not await one.rings(LONG, 0.02)
        assert time.monotonic() - began < 1


async def test_nobody_is_left_behind_when_listeners_leave():
    wakes = LocalWakes()
    with wakes.listening(PLANS, JOBS), wakes.listening(PLANS):
        pass
    assert not wakes._bells._bells


async def waiting_plan(desk):
    while not (waiting := await desk.plans.waiting()):  # noqa: ASYNC110 - the call is about to make it
        await asyncio.sleep(0.01)
    return waiting[0].plan


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.DECLINED])
async def test_a_signature_wakes_the_call_that_waits_for_it(open_desk, no_looks, upstream, decision):
    async with open_desk(approval_wait=20) as desk:
        call = asyncio.create_task(desk.perform(BAN))
        plan = await waiting_plan(desk)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await desk.sign(plan.id, Signature(decision, "test"))
            await asyncio.wait([call])
        assert (call.exception() is None) == (decision is Decision.APPROVED)
        assert len(upstream.writes) == (decision is Decision.APPROVED)


async def test_the_feed_is_woken_by_a_plan_a_decision_and_a_line_of_the_journal(open_desk, no_looks):
    async with open_desk() as desk:
        feed = ChangesFeed(desk)
        told = feed.listen()
        await anext(told)
        async with asyncio.timeout(5):
            assert '"waiting":{}' in await anext(told)
            plan = await desk.propose(BAN, Caller("mcp"))
            while plan.id not in await anext(told):
                pass
            await desk.sign(plan.id, Signature(Decision.DECLINED, "test"))
            while '"waiting":{}' not in (event := await anext(told)):
                pass
            while '"journal":0' in event:
                event = await anext(told)
        feed.end()


async def test_a_job_that_ends_wakes_who_waits_for_it(open_desk, no_looks, monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.jobs.Jobs.see_to_it", lambda _: False)
    async with open_desk(toolsets=("core", "jobs")) as desk:
        job = await desk.jobs.export("users", desk.settings.data / "users.ndjson")
        wait = asyncio.create_task(desk.jobs.wait(job.id))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await desk.jobs.pause(job.id)
            assert (await wait).status == "paused"


async def test_a_plan_is_told_when_it_can_be_seen_and_not_before(open_desk):
    seen = []
    async with open_desk() as desk:
        with desk.journal.wakes.listening(PLANS) as bell:

            async def look():
                told = await bell.rings(LONG)
                seen.append((told, len(await desk.plans.waiting())))

            looking = asyncio.create_task(look())
            await desk.propose(BAN)
            await looking
    assert seen == [(True, 1)]
