"""What waits is told once, whichever replica sends it and whichever dies, and nothing waits for it."""

import asyncio
import base64
import json
import logging

import anyio
import pytest
from sqlalchemy import insert, select, update
from svix.webhooks import Webhook

from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.jobs.job import BY_A_PERSON
from deskclerk.desk.journal.tables import jobs
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.notifications import outbox as outbox_module
from deskclerk.hosted.notifications.delivery import PAUSES
from deskclerk.hosted.notifications.outbox import CHANNEL, LEASE
from deskclerk.hosted.notifications.outgoing import Outgoing
from deskclerk.hosted.notifications.tables import destinations, notices
from deskclerk.hosted.retention.leaving import Leaving
from tests.databases import server_programs
from tests.desk.notifications.conftest import PATH, SECRET, said
from tests.hosted.notifications.conftest import ADDRESS, HOST, PUBLIC, SLACK, SLACK_PATH
from tests.hosted.vault.test_dump import found_in

pytestmark = pytest.mark.anyio


async def test_a_plan_that_waits_is_told_with_its_page_and_no_way_to_sign(acme, receiver):
    await acme.hook()
    plan = await acme.plan()
    await acme.replica.send()
    _, headers, body = await receiver.next()
    Webhook(SECRET).verify(body, headers)
    told = json.loads(body)
    assert told["type"] == "plan.waiting"
    data = told["data"]
    console = f"{PUBLIC}/w/acme/i/prod"
    assert data["workspace"] == "acme"
    assert (data["plan"], data["page"], data["console"]) == (plan, f"{console}/plans/{plan}", console)
    assert data["instance"] == "LIVE instance prod"
    assert data["target"].startswith("Ada")
    assert data["asked_by"] == {"face": "mcp", "client": "Cursor 2", "token": "bot"}
    assert "commands" not in data
    assert "deskclerk approve" not in data["text"]
    assert f"sign in: {console}/plans/{plan}" in data["text"]
    assert await acme.notices() == [(plan, "delivered", None, 1)]


async def test_slack_is_told_the_same_in_its_own_way(acme, receiver):
    await acme.hook("slack", f"https://{SLACK}{SLACK_PATH}", None, "slack")
    acme.clerk.users["user_1"]["first_name"] = "<!channel> & <https://evil.example|*Ada*>"
    plan = await acme.plan()
    await acme.replica.send()
    path, _, body = await receiver.next()
    told = json.loads(body)["text"]
    assert path == SLACK_PATH
    assert f"{PUBLIC}/w/acme/i/prod/plans/{plan}" in told
    # Nothing that Slack would act on: what an end user is called is words.
    assert "Target: (!channel) &amp; (https[:]//evil.example/Ada)" in told
    assert "<" not in told


async def test_a_member_who_asks_in_the_console_is_not_named(acme, receiver):
    await acme.hook()
    await acme.plan(caller=Caller("console", client="Olga Example", person="per_1"))
    await acme.replica.send()
    got = await receiver.next()
    assert b"Olga" not in got[2]
    assert b"per_1" not in got[2]
    assert said(got)["data"]["asked_by"] == {"face": "console"}


@pytest.mark.promise("told-once-by-all-replicas")
async def test_two_replicas_that_look_at_once_tell_of_each_plan_once(acme, replica, receiver):
    await acme.hook()
    plans = {await acme.plan(f"user_{number}") for number in range(4)}
    replicas = [await replica() for _ in range(3)]
    await asyncio.gather(*(found.send() for found in replicas for _ in range(2)))
    told = [said(await receiver.next())["data"]["plan"] for _ in range(4)]
    assert (set(told), receiver.count) == (plans, 4)


async def test_the_same_call_again_tells_nothing_more(acme, receiver):
    await acme.hook()
    assert await acme.plan() == await acme.plan()
    await acme.replica.send()
    await acme.plan()
    await acme.replica.send()
    assert receiver.count == 1


async def unknown(host):
    raise OSError(f"there is no {host}")


class Killed(Outgoing):
    """Takes a message and is gone before it is sent, or right behind that."""

    def __init__(self, of, *, after):
        self.of, self.after, self.reached = of, after, asyncio.Event()

    async def send(self, *message):
        if self.after:
            await self.of.send(*message)
        self.reached.set()
        await asyncio.Event().wait()


@pytest.mark.promise("told-once-by-all-replicas")
@pytest.mark.parametrize("after", [False, True])
async def test_what_a_replica_took_that_died_another_sends_under_the_same_id(
    acme, replica, receiver, clock, after
):
    await acme.hook()
    plan = await acme.plan()
    dying, other = await replica(Killed(acme.sends, after=after)), await replica()
    await dying.delivery.look()
    await dying.delivery._outgoing.reached.wait()
    for task in dying.delivery._under_way.values():
        task.cancel()
    await other.send()
    assert receiver.count == int(after)  # it might live still
    clock.ahead = LEASE + 1
    await other.send()
    ids = {(await receiver.next())[1]["svix-id"] for _ in range(1 + after)}
    assert (len(ids), receiver.count) == (1, 1 + after)
    assert await acme.notices() == [(plan, "delivered", None, 2)]


async def test_who_comes_back_too_late_does_not_say_what_became_of_it(acme, replica, clock):
    await acme.hook()
    await acme.plan()
    slow, quick = acme.replica, await replica()
    (taken,) = await slow.outbox.take()
    clock.ahead = LEASE + 1
    (again,) = await quick.outbox.take()
    assert (again.id, again.tries) == (taken.id, 2)
    await slow.outbox.failed(taken, "late")
    await quick.outbox.delivered(again)
    assert [row[1:] for row in await acme.notices()] == [("delivered", None, 2)]


async def test_it_is_tried_again_with_longer_pauses_and_then_given_up(acme, receiver, clock, caplog):
    await acme.hook()
    plan = await acme.plan()
    async with acme.replica.hosted.of(acme.id).writing() as connection:
        await connection.execute(update(notices).values(expires_at=now() + 86_400_000))
    receiver.statuses = [500, 503, 429, 408, 500, 500]
    await acme.replica.send()
    for tries, pause in enumerate(PAUSES, 1):
        before = clock.ahead
        clock.ahead = before + pause - 2_000
        await acme.replica.send()
        assert receiver.count == tries
        clock.ahead = before + pause + 1
        await acme.replica.send()
        assert receiver.count == tries + 1
    assert await acme.notices() == [(plan, "failed", "it answered 500", len(PAUSES) + 1)]
    clock.ahead += 3_600_000
    await acme.replica.send()
    assert receiver.count == len(PAUSES) + 1
    assert len({(await receiver.next())[1]["svix-id"] for _ in range(receiver.count)}) == 1
    assert f"was not told of {plan}: it answered 500" in caplog.text


async def test_what_another_try_does_not_help_is_given_up_at_once(acme, receiver):
    await acme.hook()
    receiver.statuses = [404]
    await acme.plan()
    await acme.replica.send()
    assert [row[1:] for row in await acme.notices()] == [("failed", "it answered 404", 1)]


async def test_what_is_decided_before_a_try_is_not_told(acme, receiver):
    await acme.hook()
    plan = await acme.plan()
    yes = Signature(Decision.DECLINED, "console")
    await acme.desk.sign(plan, yes, caller=Caller("console", person="per_1"))
    await acme.replica.send()
    assert receiver.count == 0
    assert await acme.notices() == [(plan, "not needed", "it was decided before", 0 + 1)]


async def test_what_nobody_can_sign_any_more_is_not_told(acme, receiver, clock):
    await acme.hook()
    plan = await acme.plan()
    clock.ahead = 3_600_000
    await acme.replica.send()
    assert receiver.count == 0
    assert await acme.notices() == [(plan, "not needed", "it came too late", 0)]


async def paused(customer, reason, *, run=1, job="job_1"):
    """A job of the customer's that a worker paused and died."""
    row = {
        "id": job, "created_at": now(), "instance": customer.desk.instance.id, "face": "mcp", "token": "bot",
        "kind": "bulk", "title": "Ban 3 users", "digest": "x", "total": 3, "options": {}, "progress": {},
        "status": "paused", "wanted": "run", "reason": reason, "run": run,
    }  # fmt: skip
    async with customer.replica.hosted.of(customer.id).writing() as connection:
        changed = update(jobs).where(jobs.c.id == job).values(reason=reason, run=run)
        if (await connection.execute(changed)).rowcount == 0:
            await connection.execute(insert(jobs), row)


async def test_a_job_that_paused_by_itself_is_found_even_if_its_worker_died_then(
    acme, bolt, replica, receiver
):
    await acme.hook()
    await paused(acme, "Clerk refused it: sol@example.com said so")
    await paused(bolt, "Clerk refused it", job="job_2")
    other = await replica()
    await asyncio.gather(acme.replica.send(), other.send())
    await acme.replica.send()
    told = said(await receiver.next())
    assert (told["type"], told["data"]["job"], receiver.count) == ("job.paused", "job_1", 1)
    assert told["data"]["page"] == f"{PUBLIC}/w/acme/i/prod/jobs/job_1"
    assert told["data"]["reason"] == "Clerk refused it"
    assert told["data"]["instance"] == "LIVE instance prod"
    await paused(acme, "Clerk refused it", run=2)
    await acme.replica.send()
    assert (said(await receiver.next())["data"]["job"], receiver.count) == ("job_1", 2)
    await paused(acme, BY_A_PERSON, run=3)
    await acme.replica.send()
    assert receiver.count == 2
    assert [row[0] for row in await acme.notices()] == ["job_1.1", "job_1.2"]


async def test_what_ended_long_ago_is_forgotten_and_a_pause_is_told_once_all_the_same(acme, receiver, clock):
    await acme.hook()
    await acme.plan()
    await paused(acme, "Clerk refused it")
    await acme.replica.send()
    clock.ahead = 31 * 86_400_000
    await acme.replica.outbox.forget()
    assert [row[0] for row in await acme.notices()] == ["job_1.1"]
    await acme.replica.send()
    assert receiver.count == 2


async def test_a_destination_that_does_not_answer_keeps_no_other_workspace_and_no_call_waiting(
    acme, bolt, receiver, authority
):
    await acme.hook()
    await bolt.hook(address=f"https://{HOST}/of-bolt")
    first = await acme.plan()
    receiver.answers.clear()
    await acme.replica.delivery.look()
    assert (await receiver.next())[0] == PATH
    # While that is under way: neither calls nor the other workspace's messages.
    await acme.plan("user_2")
    second = await bolt.plan()
    await acme.replica.delivery.look()
    got = await receiver.next()
    assert (got[0], said(got)["data"]["plan"]) == ("/of-bolt", second)
    assert set(acme.replica.delivery._under_way) == {acme.id, bolt.id}
    receiver.answers.set()
    await acme.replica.delivery.settled()
    assert (await acme.notices())[0] == (first, "delivered", None, 1)


async def test_a_workspace_sends_so_many_messages_a_minute_and_the_others_later(
    acme, bolt, replica, receiver, clock
):
    await acme.replica.workspaces.set_limits(acme.id, {"messages_per_minute": 3}, None)
    for customer in (acme, bolt):
        await customer.hook()
        for number in range(5):
            await customer.plan(f"user_{number}")
    other = await replica()
    for _ in range(4):
        await asyncio.gather(acme.replica.send(), other.send())
    outcomes = [outcome for _, outcome, *_ in await acme.notices()]
    assert (outcomes.count("delivered"), receiver.count) == (3, 3 + 5)
    clock.ahead = 61_000
    await acme.replica.send()
    assert receiver.count == 10


async def test_so_many_messages_wait_and_no_more(acme, monkeypatch, caplog):
    monkeypatch.setattr(outbox_module, "MOST_QUEUED", 2)
    await acme.hook()
    plans = [await acme.plan(f"user_{number}") for number in range(3)]
    assert [row[0] for row in await acme.notices()] == plans[:2]
    assert f"Nobody is told of {plans[2]}" in caplog.text


async def test_a_desk_whose_outbox_cannot_be_written_answers_as_ever_and_says_so_in_the_log(
    acme, monkeypatch, caplog
):
    await acme.hook()

    async def failing(*_):
        raise StorageUnavailable("The disk is full.", next_step="Make room.")

    monkeypatch.setattr(acme.desk.signing._teller, "_put", failing)
    plan = await acme.plan()
    assert f"Nobody is told of {plan}: The disk is full." in caplog.text


async def test_a_workspace_without_destinations_writes_nothing_and_wakes_nobody(acme):
    with acme.replica.bells.listening(CHANNEL) as bell:
        await acme.plan()
        assert not await bell.rings(0.01)
        await acme.hook()
        await acme.plan("user_2")
        assert await bell.rings(5)


async def test_a_destination_that_is_removed_is_told_nothing_more(acme, receiver):
    hook = await acme.hook()
    await acme.plan()
    (taken,) = await acme.replica.outbox.take()
    assert await acme.replica.destinations.remove(acme.id, hook.id) == "ops"
    await acme.replica.delivery._send(taken)
    await acme.replica.send()
    assert receiver.count == 0
    assert await acme.notices() == []


async def test_an_address_that_was_moved_to_another_workspace_does_not_open(acme, bolt, receiver):
    await acme.hook()
    own = await bolt.hook()
    async with acme.replica.hosted.whole.writing() as connection:
        theirs = select(destinations.c.sealed).where(destinations.c.workspace == acme.id)
        sealed = (await connection.execute(theirs)).scalar_one()
        await connection.execute(
            update(destinations).where(destinations.c.id == own.id).values(sealed=sealed)
        )
    await bolt.plan()
    await acme.replica.send()
    assert receiver.count == 0
    assert [row[2] for row in await bolt.notices()] == ["it could not be made here"]


async def test_an_address_that_was_moved_to_another_destination_does_not_open(acme, receiver):
    first, second = await acme.hook(), await acme.hook("other", f"https://{HOST}/other")
    async with acme.replica.hosted.of(acme.id).writing() as connection:
        query = select(destinations.c.sealed).where(destinations.c.id == first.id)
        sealed = (await connection.execute(query)).scalar_one()
        moved = update(destinations).where(destinations.c.id == second.id).values(sealed=sealed)
        await connection.execute(moved)
    await acme.plan()
    await acme.replica.send()
    assert receiver.count == 1
    assert sorted(row[1] or "" for row in await acme.notices()) == ["", "delivered"]


async def test_a_running_delivery_hears_of_a_plan_and_ends_with_what_is_under_way(acme, receiver):
    await acme.hook()
    running = asyncio.create_task(acme.replica.delivery.run())
    await acme.plan()
    await receiver.next()
    receiver.answers.clear()
    await acme.plan("user_2")
    await receiver.next()
    acme.replica.delivery.stop()
    receiver.answers.set()
    async with asyncio.timeout(20):
        await running
    assert {outcome for _, outcome, *_ in await acme.notices()} == {"delivered"}


async def test_a_fault_in_one_look_ends_nothing(acme, receiver, monkeypatch, caplog):
    await acme.hook()
    take, failures = acme.replica.outbox.take, iter([StorageUnavailable("No."), ValueError(ADDRESS)])

    async def failing(*arguments):
        for failure in failures:
            acme.replica.bells.ring(CHANNEL)
            raise failure
        return await take(*arguments)

    monkeypatch.setattr(acme.replica.outbox, "take", failing)
    await acme.plan()
    running = asyncio.create_task(acme.replica.delivery.run())
    await receiver.next()
    acme.replica.delivery.stop()
    await running
    assert "could not be looked for: No." in caplog.text
    assert "ValueError" in caplog.text
    assert PATH not in caplog.text


async def test_address_and_secret_stand_in_no_dump_no_export_no_log_and_no_error(
    acme, receiver, authority, url, caplog
):
    caplog.set_level(logging.DEBUG)
    await acme.hook()
    await acme.hook("slack", f"https://{SLACK}{SLACK_PATH}", None, "slack")
    receiver.statuses = [500, 404, 307]
    await acme.plan()
    await acme.replica.send()
    acme.replica.delivery._outgoing = Outgoing(resolve=unknown, tls=authority.trust)
    await acme.plan("user_2")
    async with asyncio.timeout(30):
        await acme.replica.send()
    export = "".join([line async for line in Leaving(acme.replica.hosted).export(acme.id)])
    assert "destinations" in export
    dump = (await anyio.run_process([server_programs() / "pg_dump", url])).stdout
    assert b"notices" in dump
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    places = {"dump": dump, "export": export.encode(), "log": caplog.text.encode()}
    marks = (PATH.encode(), HOST.encode(), SLACK_PATH.encode(), SECRET.removeprefix("whsec_").encode(), key)
    hits = [(name, mark) for name, text in places.items() for mark in marks if found_in(text, mark)]
    assert hits == []
