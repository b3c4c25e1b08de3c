"""The signer's PIN: wanted where it is set, tried a few times, locked longer and longer."""

import asyncio

import pytest

from deskclerk.catalogue import BanUser
from deskclerk.desk import Decision, Signature
from deskclerk.desk.approvals.pin import FREE_TRIES
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, InvalidRequest

pytestmark = pytest.mark.anyio
PIN = "correct horse"
YES = Signature(Decision.APPROVED, "terminal, approve")


async def test_a_short_pin_is_refused(open_desk):
    async with open_desk() as desk:
        with pytest.raises(InvalidRequest, match="at least 6"):
            await desk.signer.set("12345")
        assert not await desk.signer.is_set()


async def test_changing_and_removing_want_the_old_pin(open_desk):
    async with open_desk() as desk:
        await desk.signer.set(PIN)
        for attempt in (desk.signer.set("another one", "wrong"), desk.signer.remove("wrong")):
            with pytest.raises(ApprovalRefused, match="PIN is wrong"):
                await attempt
        await desk.signer.set("another one", PIN)
        await desk.signer.remove("another one")
        assert not await desk.signer.is_set()


async def test_the_pin_is_nowhere_on_disk(open_desk, tmp_path):
    async with open_desk() as desk:
        await desk.signer.set(PIN)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "home").iterdir() if path.is_file())
    assert PIN.encode() not in stored
    assert b"$argon2" in stored


@pytest.mark.promise("the-pin")
@pytest.mark.parametrize("pin", ["", "wrong one"])
async def test_a_signature_without_the_pin_does_not_count(open_desk, upstream, pin):
    async with open_desk() as desk:
        await desk.signer.set(PIN)
        plan = await desk.propose(BanUser(user_id="user_1"))
        with pytest.raises(ApprovalRefused, match="PIN"):
            await desk.sign(plan.id, YES, pin=pin)
        with pytest.raises(ApprovalNeeded):
            await desk.perform(BanUser(user_id="user_1"))
        await desk.sign(plan.id, YES, pin=PIN)
        await desk.perform(BanUser(user_id="user_1"))
    assert len(upstream.writes) == 1


@pytest.mark.promise("the-pin")
async def test_wrong_tries_lock_the_right_pin_out_too_longer_each_time_and_across_processes(
    open_desk, monkeypatch
):
    clock = [1_000_000]
    monkeypatch.setattr("deskclerk.desk.approvals.pin.now", lambda: clock[0])
    async with open_desk() as desk, open_desk() as other:
        await desk.signer.set(PIN)
        results = await asyncio.gather(
            *(each.signer.check("wrong one") for each in [desk, other] * FREE_TRIES), return_exceptions=True
        )
        assert sum("PIN is wrong" in str(result) for result in results) == FREE_TRIES
        with pytest.raises(ApprovalRefused, match="Too many"):
            await other.signer.check(PIN)
        first = await other.signer.locked_for()
        clock[0] += first * 1000
        with pytest.raises(ApprovalRefused, match="wrong"):
            await desk.signer.check("wrong one")
        assert await desk.signer.locked_for() == 2 * first
        clock[0] += 2 * first * 1000
        await desk.signer.check(PIN)
        assert await desk.signer.locked_for() == 0
