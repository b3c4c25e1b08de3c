"""Who is told of what waits, when, and that whoever asked is neither kept waiting nor failed by it."""

import asyncio
import importlib.util
import io
import logging

import pytest
import svix
from apprise import logger as apprise_logger
from tests.desk.conftest import Person
from tests.desk.notifications.conftest import PATH, SECRET, receiving, said

from deskclerk.catalogue import BanUser, CreateUser, DeleteUser
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.notifications import notifications, services
from deskclerk.errors import ApprovalNeeded, ApprovalRefused

pytestmark = pytest.mark.anyio

BAN = BanUser(user_id="user_1")
CURSOR = Caller("mcp", "Cursor 2")


@pytest.fixture(autouse=True)
def no_time_between_tries(monkeypatch):
    monkeypatch.setattr(notifications, "WAITS", (0.0, 0.0, 0.0))


@pytest.fixture
def room_for_one(monkeypatch):
    monkeypatch.setattr(notifications, "MOST", 1)


@pytest.fixture
def logged():
    """What a program that logs all has in its log; pytest's own handler goes past what is held back."""
    stream = io.StringIO()
    root, handler = logging.getLogger(), logging.StreamHandler(stream)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.setLevel(before)
    root.removeHandler(handler)


async def ask(desk, action=BAN, **options):
    """Ask for a write that nobody signs; the plan's id."""
    with pytest.raises(ApprovalNeeded) as caught:
        await desk.perform(action, caller=CURSOR, **options)
    return caught.value.plan_id


async def outcomes(desk):
    """What became of the messages, once none is under way."""
    await desk.notifications.close()
    return {item.destination: (item.outcome, item.why) for item in await desk.notifications.latest()}


@pytest.mark.promise("told-where-they-are")
async def test_a_plan_that_waits_is_told_with_what_a_person_needs_to_decide(open_desk, hook, receiver):
    async with open_desk(notify=[hook]) as desk:
        plan_id = await ask(desk)
        path, _, _ = got = await receiver.next()
    told = said(got)
    assert (path, told["type"]) == (PATH, "plan.waiting")
    data = told["data"]
    assert data["heading"] == "Ban user"
    assert data["instance"] == "test instance"
    assert data["target"] == "Ada (user_1)"
    assert data["asked_by"] == {"face": "mcp", "client": "Cursor 2"}
    assert data["commands"] == {
        "approve": f"deskclerk approve {plan_id}",
        "reject": f"deskclerk reject {plan_id}",
    }
    assert data["expires_at"] > told["timestamp"]
    for line in ("Ban user on test instance", "Target: Ada (user_1)", f"deskclerk approve {plan_id}"):
        assert line in data["text"]


async def test_svix_own_library_verifies_a_webhook_and_refuses_one_that_was_altered(
    open_desk, hook, receiver
):
    async with open_desk(notify=[hook]) as desk:
        await ask(desk)
        _, headers, body = await receiver.next()
    svix.Webhook(SECRET).verify(body, headers)
    with pytest.raises(svix.WebhookVerificationError):
        svix.Webhook(SECRET).verify(body.replace(b"Ada", b"Eve"), headers)


async def test_of_one_plan_is_told_once_however_often_and_wherever_it_is_asked_again(
    open_desk, hook, receiver
):
    plans = set()
    for _ in range(2):
        async with open_desk(notify=[hook]) as desk:
            plans |= {await ask(desk), await ask(desk)}
            await outcomes(desk)
    assert len(plans) == 1
    assert receiver.count == 1


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.DECLINED])
async def test_what_is_answered_in_the_call_itself_is_told_nobody(open_desk, hook, receiver, decision):
    async with open_desk(notify=[hook], approver=Person(decision)) as desk:
        if decision is Decision.APPROVED:
            await desk.perform(BAN)
        else:
            with pytest.raises(ApprovalRefused):
                await desk.perform(BAN)
        assert await outcomes(desk) == {}
    assert receiver.count == 0


async def test_a_dialogue_that_was_closed_leaves_a_plan_of_which_people_are_told(open_desk, hook, receiver):
    async with open_desk(notify=[hook], approver=Person(Decision.DISMISSED)) as desk:
        await ask(desk)
        assert said(await receiver.next())["type"] == "plan.waiting"


async def test_a_receiver_that_does_not_answer_keeps_nobody_waiting(open_desk, hook, receiver):
    receiver.answers.clear()
    async with open_desk(notify=[hook]) as desk:
        plan_id = await ask(desk)
        await receiver.next()
        # The message is still under way, and the desk goes on.
        await desk.sign(plan_id, Signature(Decision.APPROVED, "test"))
        await desk.perform(BAN, caller=CURSOR)
        receiver.answers.set()


async def test_a_receiver_that_is_busy_is_tried_again_with_the_same_id(open_desk, hook, receiver):
    receiver.statuses = [503, 429]
    async with open_desk(notify=[hook]) as desk:
        await ask(desk)
        tries = [await receiver.next() for _ in range(3)]
        assert (await outcomes(desk))["hook"] == ("delivered", None)
    assert len({headers["svix-id"] for _, headers, _ in tries}) == 1
    assert len({body for _, _, body in tries}) == 1


@pytest.mark.parametrize("status", [400, 404, 307])
async def test_what_another_try_would_not_mend_is_not_tried_again_and_no_redirect_followed(
    open_desk, hook, receiver, status
):
    receiver.statuses = [status]
    async with open_desk(notify=[hook]) as desk:
        await ask(desk)
        assert (await outcomes(desk))["hook"] == ("failed", f"it answered {status}")
    assert receiver.count == 1


async def test_tries_come_to_an_end(open_desk, hook, receiver, caplog):
    receiver.statuses = [500] * 9
    async with open_desk(notify=[hook]) as desk:
        plan_id = await ask(desk)
        assert (await outcomes(desk))["hook"] == ("failed", "it answered 500")
    assert receiver.count == 4
    assert f"hook was not told of {plan_id}: it answered 500" in caplog.text


async def test_what_was_decided_between_two_tries_is_told_no_more(open_desk, hook, receiver):
    receiver.statuses = [503]
    async with open_desk(notify=[hook]) as desk:

        async def decline():
            for stored in await desk.plans.waiting():
                await desk.sign(stored.plan.id, Signature(Decision.DECLINED, "test"))

        receiver.before_answering = decline
        await ask(desk)
        await receiver.next()
        assert (await outcomes(desk))["hook"][0] == "not needed"
    assert receiver.count == 1


async def test_a_process_that_ends_lets_go_of_what_is_under_way_and_says_so(
    open_desk, hook, receiver, monkeypatch
):
    monkeypatch.setattr("deskclerk.desk.desk._GRACE_SECONDS", 0.0)
    receiver.answers.clear()
    async with open_desk(notify=[hook]) as desk:
        await ask(desk)
        await receiver.next()
    async with open_desk(notify=[hook]) as desk:
        assert (await outcomes(desk))["hook"] == ("failed", "the process ended before it was told")


@pytest.mark.usefixtures("room_for_one")
async def test_only_so_many_messages_are_under_way_and_the_log_says_what_was_left(
    open_desk, upstream, hook, receiver, caplog
):
    upstream.users["user_2"] = {"id": "user_2", "object": "user", "first_name": "Bo", "banned": False}
    receiver.answers.clear()
    async with open_desk(notify=[hook]) as desk:
        await ask(desk)
        await receiver.next()
        second = await ask(desk, BanUser(user_id="user_2"))
        receiver.answers.set()
    assert f"Nobody was told of {second}" in caplog.text
    assert receiver.count == 1


async def test_one_destination_that_fails_takes_nothing_from_the_others(open_desk, hook, receiver, chat):
    nobody = {"url": f"http://127.0.0.1:1{PATH}", "secret": SECRET}
    async with open_desk(notify=[nobody, hook, "deskchat://x"]) as desk:
        await ask(desk)
        found = await outcomes(desk)
    assert found["1 (webhook)"] == ("failed", "no answer (ConnectError)")
    assert found["hook"] == found["3 (deskchat)"] == ("delivered", None)


async def test_a_service_of_apprise_is_told_the_same(open_desk, chat):
    async with open_desk(notify=["deskchat://token-1/room"]) as desk:
        plan_id = await ask(desk, DeleteUser(user_id="user_1"))
        assert await outcomes(desk) == {"1 (deskchat)": ("delivered", None)}
    ((title, body),) = chat.told
    assert title == "Waits for a signature: Delete user"
    assert f"deskclerk approve {plan_id}" in body
    assert "Asked by: Cursor 2, mcp" in body


async def test_why_a_service_failed_is_told_without_any_part_of_its_address(open_desk, chat, logged):
    def fails():
        apprise_logger.warning("401 for xoxb-token-1 of b%2Fc at deskchat://xoxb-token-1/room/b%2Fc")
        return False

    chat.does = fails
    async with open_desk(notify=["deskchat://xoxb-token-1/room/b%2Fc"]) as desk:
        await ask(desk)
        outcome, why = (await outcomes(desk))["1 (deskchat)"]
    assert outcome == "failed"
    assert "401 for [secret]" in why
    assert not any(part in why + logged() for part in ("xoxb-token-1", "room", "b/c", "b%2Fc"))


async def test_no_address_and_no_secret_of_a_destination_is_logged_shown_or_kept(
    open_desk, hook, receiver, logged, tmp_path
):
    receiver.statuses = [400]
    secret, address = SECRET.removeprefix("whsec_"), PATH.rpartition("/")[2]
    async with open_desk(notify=[hook]) as desk:
        with pytest.raises(ApprovalNeeded) as caught:
            await desk.perform(BAN)
        shown = str(caught.value) + repr(desk.settings) + str(await outcomes(desk))
    for kept in (tmp_path / "home").glob("desk.db*"):
        assert secret.encode() not in kept.read_bytes()
        assert address.encode() not in kept.read_bytes()
    assert "https://clerk.test" in logged()
    assert secret not in shown + logged()
    assert address not in shown + logged()


async def test_no_argument_of_a_write_is_told(open_desk, hook, receiver):
    async with open_desk(notify=[hook]) as desk:
        action = CreateUser(
            email_address=["new@example.com"],
            password="correct horse battery",
            private_metadata={"k": "mine"},
        )
        await ask(desk, action)
        _, _, body = await receiver.next()
    assert b"correct horse" not in body
    assert b"mine" not in body


async def test_what_an_end_user_wrote_is_cut_and_neither_link_nor_mention_nor_markup(
    open_desk, upstream, hook, receiver
):
    name = "<!channel> @everyone [x](https://evil.example) `rm`\n\u202e*b* " + "long " * 100
    upstream.users["user_1"]["first_name"] = name
    async with open_desk(notify=[hook]) as desk:
        await ask(desk)
        data = said(await receiver.next())["data"]
    (line,) = [line for line in data["text"].splitlines() if line.startswith("Target: ")]
    assert line == f"Target: {data['target']}"
    assert not any(mark in line for mark in ("<", ">", "[x]", "@everyone", "://", "`", "*", "\u202e"))
    assert len(line) < 200


@pytest.mark.promise("told-where-they-are")
async def test_the_console_is_named_by_an_address_that_opens_nothing_by_itself(open_desk, hook, receiver):
    async with open_desk(notify=[hook]) as desk:
        lock = await desk.console_links.announce("http://127.0.0.1:8765")
        await ask(desk)
        data = said(await receiver.next())["data"]
        await desk.console_links.leave(lock)
    assert data["console"] == "http://127.0.0.1:8765"
    assert "/in/" not in data["text"]


async def test_where_apprise_is_not_installed_it_is_said_how_it_is(open_desk, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    async with open_desk(notify=["slack://a/b/c"]) as desk:
        await ask(desk)
        (_, why) = (await outcomes(desk))["1 (slack)"]
        assert desk.notifications.problems() == {"1 (slack)": why}
    assert "pip install 'deskclerk[notify]'" in why


async def test_a_service_that_takes_too_long_is_left_behind(open_desk, chat, monkeypatch):
    monkeypatch.setattr(notifications, "_SERVICE_SECONDS", 0.0)
    async with open_desk(notify=["deskchat://x"]) as desk:
        await ask(desk)
        assert (await outcomes(desk))["1 (deskchat)"] == ("failed", "it took too long")


async def test_a_fault_of_ours_is_noted_by_its_kind_and_fails_nobody(open_desk, monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError("deskchat://token")

    monkeypatch.setattr(services, "send", broken)
    async with open_desk(notify=["deskchat://token"]) as desk:
        await ask(desk)
        assert await outcomes(desk) == {"1 (deskchat)": ("failed", "failed inside deskclerk (RuntimeError)")}
    assert "token" not in caplog.text


async def test_a_test_message_says_what_happened_to_each(open_desk, hook, receiver, chat):
    chat.does = lambda: False
    async with open_desk(notify=[hook, "deskchat://x", "nosuchservice://x"]) as desk:
        told = {item.destination: item for item in await desk.notifications.test()}
    assert said(await receiver.next())["type"] == "notify.test"
    assert told["hook"].outcome == "delivered"
    assert told["2 (deskchat)"].outcome == "failed"
    assert told["3 (nosuchservice)"].why.startswith("Apprise knows no service by this address")


async def test_two_desks_at_once_tell_of_one_plan_once(open_desk, hook, receiver):
    async with open_desk(notify=[hook]) as one, open_desk(notify=[hook]) as other:
        await ask(one)
        stored = (await one.plans.waiting())[0]
        for desk in (one, other, other):
            await desk.notifications.plan_waits(stored)
        await asyncio.gather(one.notifications.close(), other.notifications.close())
    assert receiver.count == 1


async def test_a_receiver_elsewhere_is_told_apart_by_its_name(open_desk, hook, receiver):
    async with receiving() as second:
        other = {"name": "second", "url": second.url, "secret": SECRET}
        second.statuses = [400]
        async with open_desk(notify=[hook, other]) as desk:
            await ask(desk)
            found = await outcomes(desk)
    assert (found["hook"][0], found["second"][0]) == ("delivered", "failed")
