"""While a dialogue is open the plan can be signed elsewhere: the first answer counts, and nothing twice."""

import asyncio

import pytest

from deskclerk.catalogue import BanUser
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.journal import queries
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, StorageUnavailable

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")
YES, NO = Signature(Decision.APPROVED, "console", pin=""), Signature(Decision.DECLINED, "console")
ELSEWHERE = Caller("console")
_ALL = EntryFilter()


class Swallowed:
    """A dialogue that reaches nobody."""

    def __init__(self):
        self.plans, self.withdrawn = asyncio.Queue(), False

    async def __call__(self, plan):
        self.plans.put_nowait(plan)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.withdrawn = True
            raise


async def test_a_signature_from_elsewhere_is_not_kept_waiting_by_a_dialogue_that_nobody_answers(
    open_desk, upstream
):
    dialogue = Swallowed()
    async with open_desk(approver=dialogue) as desk, asyncio.timeout(10):
        asked = asyncio.ensure_future(desk.perform(BAN))
        plan = await dialogue.plans.get()
        await desk.sign(plan.id, YES, caller=ELSEWHERE)
        assert (await asked).value["banned"] is True
        assert dialogue.withdrawn
        assert (await desk.plans.load(plan.id)).status == "used"
        assert len(upstream.writes) == 1


async def test_a_signature_of_another_process_is_found_by_looking(open_desk, upstream):
    dialogue = Swallowed()
    async with (
        open_desk(approver=dialogue) as desk,
        open_desk() as other,
        asyncio.timeout(10),
    ):
        asked = asyncio.ensure_future(desk.perform(BAN))
        plan = await dialogue.plans.get()
        await other.sign(plan.id, YES, caller=ELSEWHERE)
        assert (await asked).value["banned"] is True
        assert dialogue.withdrawn
        assert len(upstream.writes) == 1


async def test_a_no_from_elsewhere_ends_it_too(open_desk, upstream):
    dialogue = Swallowed()
    async with open_desk(approver=dialogue) as desk, asyncio.timeout(10):
        asked = asyncio.ensure_future(desk.perform(BAN))
        plan = await dialogue.plans.get()
        await desk.sign(plan.id, NO, caller=ELSEWHERE)
        with pytest.raises(ApprovalRefused, match="declined"):
            await asked
        assert dialogue.withdrawn
        assert upstream.writes == []


async def test_who_answers_the_dialogue_first_signs_and_nobody_after_that(open_desk, upstream):
    async def person(plan):
        del plan
        return Signature(Decision.APPROVED, "dialogue")

    async with open_desk(approver=person) as desk:
        plan = await desk.propose(BAN)
        assert (await desk.perform(BAN)).value["banned"] is True
        with pytest.raises(ApprovalRefused, match="used already"):
            await desk.sign(plan.id, YES, caller=ELSEWHERE)
        assert len(upstream.writes) == 1


@pytest.mark.parametrize("elsewhere", [YES, NO])
async def test_two_answers_at_once_are_one_write_at_most(open_desk, upstream, elsewhere):
    async with open_desk() as desk:

        async def person(plan):
            await desk.sign(plan.id, elsewhere, caller=ELSEWHERE)
            return Signature(Decision.APPROVED, "dialogue")

        asked = desk.perform(BAN, approver=person)
        if elsewhere is NO:
            with pytest.raises(ApprovalRefused):
                await asked
        else:
            assert (await asked).value["banned"] is True
        assert len(upstream.writes) == (1 if elsewhere is YES else 0)
        with pytest.raises(ApprovalRefused):
            await desk.sign((await _newest(desk)).id, YES, caller=ELSEWHERE)


async def _newest(desk):
    (entry, *_) = [row for row in await desk.journal.entries(_ALL) if row["plan"]]
    return (await desk.plans.load(entry["plan"])).plan


async def test_who_asked_and_leaves_takes_the_dialogue_along(open_desk, upstream):
    dialogue = Swallowed()
    async with open_desk(approver=dialogue) as desk, asyncio.timeout(10):
        asked = asyncio.ensure_future(desk.perform(BAN))
        plan = await dialogue.plans.get()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert dialogue.withdrawn
        # It still waits, and is signed for whoever asks again.
        await desk.sign(plan.id, YES, caller=ELSEWHERE)
        assert (await desk.perform(BAN)).value["banned"] is True
        assert len(upstream.writes) == 1


async def test_a_no_in_the_dialogue_counts_though_a_yes_from_elsewhere_is_seen_at_the_same_moment(
    open_desk, upstream, monkeypatch
):
    both = asyncio.Event()

    async def seen(plan):
        del plan
        await both.wait()

    async with open_desk() as desk:

        async def person(plan):
            await desk.sign(plan.id, YES, caller=ELSEWHERE)
            # Whoever watches is done before the one that asked goes on.
            both.set()
            return Signature(Decision.DECLINED, "dialogue")

        monkeypatch.setattr(desk.signing, "_decided_elsewhere", seen)
        with pytest.raises(ApprovalRefused, match="declined"):
            await desk.perform(BAN, approver=person)
        assert upstream.writes == []


@pytest.mark.parametrize("said", [YES, NO])
async def test_a_decision_that_cannot_be_noted_does_not_count(open_desk, upstream, monkeypatch, said):
    async def cut(*_arguments):
        raise StorageUnavailable("the connection is lost")

    async with open_desk() as desk:
        with pytest.raises(ApprovalNeeded) as waits:
            await desk.perform(BAN)
        plan = waits.value.plan_id
        with monkeypatch.context() as patched:
            patched.setattr(queries, "append_to", cut)
            with pytest.raises(StorageUnavailable):
                await desk.sign(plan, said, caller=ELSEWHERE)
        assert (await desk.plans.load(plan)).status == "waiting"
        with pytest.raises(ApprovalNeeded):
            await desk.perform(BAN)
        assert upstream.writes == []
        await desk.sign(plan, said, caller=ELSEWHERE)
        assert (await desk.plans.load(plan)).status == ("signed" if said is YES else "declined")


async def test_a_no_in_the_dialogue_that_cannot_be_noted_does_not_count(open_desk, monkeypatch):
    async def no(_plan):
        monkeypatch.setattr(queries, "append_to", cut)
        return NO

    async def cut(*_arguments):
        raise StorageUnavailable("the connection is lost")

    async with open_desk(approver=no) as desk:
        with pytest.raises(StorageUnavailable):
            await desk.perform(BAN)
        monkeypatch.undo()
        (plan,) = await desk.plans.waiting()
        assert plan.status == "waiting"
