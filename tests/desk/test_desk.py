import asyncio
import sqlite3

import httpx2
import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import BanUser, DeleteUser, GetUser, ListUsers, UpdateUser
from deskclerk.desk import Caller, Decision
from deskclerk.desk.journal.journal import Journal
from deskclerk.errors import (
    ApprovalNeeded,
    ApprovalRefused,
    InvalidSettings,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
)

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")


def events(tmp_path):
    with sqlite3.connect(tmp_path / "home" / "desk.db") as database:
        rows = database.execute("select kind, action, outcome, signed from events order by seq").fetchall()
    database.close()
    return rows


async def test_a_read_needs_nobody(open_desk, upstream):
    async with open_desk() as desk:
        answer = await desk.perform(ListUsers())
    assert answer.value == {
        "items": [{"id": "user_1", "first_name": "Ada", "banned": False}],
        "total": None,
        "next": None,
    }


@pytest.mark.promise("nobody-there-nothing-happens", "library-approver")
async def test_without_a_person_no_write_leaves(open_desk, upstream):
    async with open_desk() as desk:
        with pytest.raises(ApprovalNeeded) as caught:
            await desk.perform(BAN)
    assert caught.value.plan_id
    assert upstream.writes == []


@pytest.mark.parametrize(
    ("decision", "error"), [("declined", ApprovalRefused), ("dismissed", ApprovalNeeded)]
)
async def test_anything_but_a_yes_is_a_no(open_desk, upstream, decision, error):
    async with open_desk(approver=Person(Decision(decision))) as desk:
        with pytest.raises(error):
            await desk.perform(BAN)
    assert upstream.writes == []


@pytest.mark.promise("at-most-once")
async def test_a_signed_write_happens_once_and_is_journalled_before_and_after(open_desk, upstream, tmp_path):
    async with open_desk(approver=Person()) as desk:
        answer = await desk.perform(BAN)
    assert answer.value["banned"] is True
    assert upstream.writes == [("POST", "/users/user_1/ban")]
    assert events(tmp_path) == [
        ("intent", "clerk_user_ban", None, "test"),
        ("outcome", "clerk_user_ban", "done", "test"),
    ]


@pytest.mark.promise("a-person-signs")
async def test_the_person_is_shown_target_and_change(open_desk):
    person = Person()
    async with open_desk(approver=person) as desk:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Grace", password="hunter22"))
    text = person.shown[0].text()
    assert "Ada (user_1)" in text
    assert "first_name: Ada → Grace" in text
    assert "hunter22" not in text


async def test_a_target_that_is_not_there_is_told_before_anybody_is_asked(open_desk, upstream):
    person = Person()
    async with open_desk(approver=person) as desk:
        with pytest.raises(NotFound):
            await desk.perform(BanUser(user_id="user_2"))
    assert person.shown == []
    assert upstream.writes == []


@pytest.mark.promise("bound-to-what-was-seen")
async def test_a_target_that_changed_in_between_needs_a_new_signature(open_desk, upstream):
    person = Person(meanwhile=lambda: upstream.users["user_1"].update(first_name="Eve"))
    async with open_desk(approver=person) as desk:
        with pytest.raises(ApprovalRefused, match="changed"):
            await desk.perform(BAN)
    assert upstream.writes == []


async def test_activity_of_the_target_in_between_does_not_matter(open_desk, upstream):
    person = Person(meanwhile=lambda: upstream.users["user_1"].update(last_active_at=5))
    async with open_desk(approver=person) as desk:
        await desk.perform(BAN)
    assert len(upstream.writes) == 1


async def test_a_signature_is_for_one_plan_once(open_desk, upstream):
    async with open_desk(approver=Person()) as desk:
        plan = await desk.propose(BAN)
        for action in (
            BanUser(user_id="user_2"),
            DeleteUser(user_id="user_1"),
            UpdateUser(user_id="user_1", first_name="X"),
        ):
            with pytest.raises((ApprovalRefused, NotFound)):
                await desk.perform(action, plan_id=plan.id)
        assert upstream.writes == []


@pytest.mark.promise("used-once")
async def test_a_used_signature_cannot_sign_twice_even_at_the_same_time(open_desk, upstream, monkeypatch):
    intent, all_there = Journal.intent, asyncio.Barrier(5)

    async def together(*arguments, **more):
        # Otherwise the first to write changes the target, and the others are refused for that alone.
        await all_there.wait()
        return await intent(*arguments, **more)

    async with open_desk(approver=Person()) as desk:
        plan = await desk.propose(BAN)
        with monkeypatch.context() as patched:
            patched.setattr(Journal, "intent", together)
            results = await asyncio.gather(
                *(desk.perform(BAN, plan_id=plan.id) for _ in range(5)), return_exceptions=True
            )
        assert sum(isinstance(result, ApprovalRefused) for result in results) == 4
        with pytest.raises(ApprovalRefused, match="used"):
            await desk.perform(BAN, plan_id=plan.id)
    assert len(upstream.writes) == 1


async def test_an_expired_signature_signs_nothing(open_desk, upstream, monkeypatch):
    async with open_desk(approver=Person()) as desk:
        plan = await desk.propose(BAN)
        monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at + 1)
        with pytest.raises(ApprovalRefused, match="expired"):
            await desk.perform(BAN, plan_id=plan.id)
    assert upstream.writes == []


async def test_a_made_up_plan_signs_nothing(open_desk, upstream):
    async with open_desk(approver=Person()) as desk:
        with pytest.raises(ApprovalRefused, match="no such plan"):
            await desk.perform(BAN, plan_id="plan_made_up")
    assert upstream.writes == []


@pytest.mark.promise("confirm")
@pytest.mark.parametrize(("confirm", "asked"), [("write", 2), ("destructive", 1), ("never", 0)])
async def test_the_policy_says_which_effects_are_signed(open_desk, upstream, confirm, asked):
    person = Person()
    async with open_desk(approver=person, confirm=confirm) as desk:
        await desk.perform(BAN)
        await desk.perform(DeleteUser(user_id="user_1"))
    assert len(person.shown) == asked
    assert len(upstream.writes) == 2


@pytest.mark.promise("access")
@pytest.mark.parametrize(("access", "count"), [("read", 18), ("write", 37), ("destructive", 48)])
async def test_access_says_what_is_offered(open_desk, access, count):
    async with open_desk(access=access) as desk:
        assert len(desk.actions(Caller("mcp"))) == count


@pytest.mark.promise("access")
async def test_what_is_not_offered_cannot_be_asked_for(open_desk, upstream, tmp_path):
    async with open_desk(access="read", approver=Person()) as desk:
        with pytest.raises(NotAllowed, match="access is set to read"):
            await desk.perform(BAN)
    async with open_desk(tools=("clerk_users_*",), approver=Person()) as desk:
        with pytest.raises(NotAllowed, match="tools"):
            await desk.perform(GetUser(user_id="user_1"))
    assert upstream.writes == []
    assert [row[2] for row in events(tmp_path)] == ["not_allowed", "not_allowed"]


async def test_a_pattern_that_matches_nothing_is_an_error(open_desk):
    with pytest.raises(InvalidSettings, match="matches no action"):
        async with open_desk(tools=("clerk_user_bann",)):
            pass


async def test_a_lost_answer_is_told_as_unknown_and_journalled_so(open_desk, upstream, tmp_path):
    async def lose(_):
        raise httpx2.ReadTimeout("gone")

    upstream.trouble = lose
    async with open_desk(approver=Person()) as desk:
        with pytest.raises(OutcomeUnknown, match="may or may not"):
            await desk.perform(BAN)
    assert len(upstream.writes) == 1
    assert events(tmp_path)[-1][2] == "unknown"


@pytest.mark.promise("intent-before-request")
async def test_a_cancelled_caller_leaves_no_write_half_recorded(open_desk, upstream, tmp_path):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_):
        reached.set()
        await go_on.wait()
        return httpx2.Response(200, json=upstream.users["user_1"])

    upstream.trouble = slowly
    async with open_desk(approver=Person()) as desk:
        call = asyncio.create_task(desk.perform(BAN))
        await reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go_on.set()
    assert [row[0] for row in events(tmp_path)] == ["intent", "outcome"]
    assert events(tmp_path)[-1][2] == "done"


@pytest.mark.promise("intent-before-request")
async def test_the_intent_is_on_disk_before_the_request_leaves(open_desk, upstream, tmp_path):
    seen = []

    async def look_at_disk(_):
        seen.extend(events(tmp_path))
        return httpx2.Response(200, json={"object": "user"})

    upstream.trouble = look_at_disk
    async with open_desk(approver=Person()) as desk:
        await desk.perform(BAN)
    assert [row[0] for row in seen] == ["intent"]


async def test_reads_reach_the_journal_with_who_asked(open_desk, tmp_path):
    async with open_desk() as desk:
        await desk.perform(ListUsers(), caller=Caller("mcp", "client 1.0"))
    assert [row[:3] for row in events(tmp_path)] == [("read", "clerk_users_list", "done")]


@pytest.mark.promise("the-key-is-nowhere")
async def test_the_key_and_secrets_are_nowhere_on_disk(open_desk, tmp_path):
    async with open_desk(approver=Person()) as desk:
        await desk.perform(UpdateUser(user_id="user_1", password="hunter22"))
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)
    assert b"hunter22" not in stored
    assert b"sk_test_x" not in stored
