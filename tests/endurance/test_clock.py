"""The clock set back an hour, or ahead: signatures, the journal and a console's session go on truthfully."""

import time

import pytest

from deskclerk.catalogue import BanUser, UnbanUser
from deskclerk.desk import Decision, Signature
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.faces.console.site import Console
from tests.desk.conftest import Person, TinyClerk, open_desk  # noqa: F401 - a fixture
from tests.faces.console.conftest import ORIGIN, Browser

pytestmark = pytest.mark.anyio
BAN, UNBAN = BanUser(user_id="user_1"), UnbanUser(user_id="user_1")
YES = Signature(Decision.APPROVED, "terminal, approve")
HOUR = 3600


@pytest.fixture
def upstream():
    return TinyClerk()


@pytest.fixture
def clock(monkeypatch):
    """Sets the machine's clock by so many seconds; time that passes is not touched."""
    real, real_ns, wrong = time.time, time.time_ns, [0]
    monkeypatch.setattr(time, "time", lambda: real() + wrong[0])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + wrong[0] * 10**9)
    return lambda seconds: wrong.__setitem__(0, seconds)


async def asked(desk, action):
    with pytest.raises(ApprovalNeeded) as needed:
        await desk.perform(action)
    return needed.value.plan_id


async def test_a_signature_survives_a_clock_that_is_set_back_and_is_used_once(open_desk, upstream, clock):  # noqa: F811
    async with open_desk() as desk:
        await desk.sign(await asked(desk, BAN), YES)
        clock(-HOUR)
        await desk.perform(BAN)
        with pytest.raises((ApprovalNeeded, ApprovalRefused)):
            await desk.perform(BAN)
        assert len(upstream.writes) == 1


async def test_the_journal_keeps_its_order_and_its_chain_when_the_clock_jumps(open_desk, clock):  # noqa: F811
    async with open_desk(approver=Person()) as desk:
        for wrong, action in ((0, BAN), (-HOUR, UNBAN), (HOUR, BAN), (0, UNBAN)):
            clock(wrong)
            await desk.perform(action)
        lines = await desk.journal.recent()
        assert [line["action"] for line in lines if line["kind"] == "intent"] == [
            action.spec.name for action in (BAN, UNBAN, BAN, UNBAN)
        ]
        assert (await desk.journal.verify()).fault is None


async def test_a_clock_that_is_set_ahead_ends_a_plan_with_a_clear_message(open_desk, upstream, clock):  # noqa: F811
    async with open_desk() as desk:
        plan_id = await asked(desk, BAN)
        clock(HOUR)
        with pytest.raises(ApprovalRefused, match="expired") as late:
            await desk.sign(plan_id, YES)
        assert "Ask again" in late.value.next_step
    assert upstream.writes == []


async def test_a_session_of_the_console_does_not_live_longer_or_shorter_for_it(open_desk, clock):  # noqa: F811
    async with open_desk() as desk:
        browser = Browser(Console(desk, ORIGIN))
        async with browser.http:
            assert (await browser.sign_in()).status_code == 303
            for wrong in (-HOUR, HOUR):
                clock(wrong)
                assert (await browser.get("/alive")).status_code == 200
