"""How jobs are carried out: every item journalled, looked at in time, stopped in time, and done once."""

import asyncio
import contextlib
import json
import sqlite3
from dataclasses import replace
from time import monotonic

import httpx2
import pytest
from tests.desk.jobs.conftest import ME, refusing, user, users

from deskclerk.catalogue import (
    BanUser,
    CreateInvitation,
    CreateUser,
    DeleteOrgMembership,
    ListOrgMemberships,
    ListUsers,
    LockUser,
    UpdateUser,
)
from deskclerk.clerk import rate_budget
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.rate_budget import Cap
from deskclerk.desk.jobs import running
from deskclerk.desk.jobs.job import (
    CANCELLED,
    DONE,
    PAUSED,
    REFUSED,
    RUNNING,
    SENT,
    SKIPPED,
    UNKNOWN,
    WAITING,
    StopRules,
)
from deskclerk.desk.jobs.results import write_results
from deskclerk.desk.jobs.rows import Row
from deskclerk.desk.jobs.store import LostJobError
from deskclerk.desk.journal import queries
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.observing import Observer
from deskclerk.errors import InvalidRequest, StorageUnavailable, WorkspaceGone

pytestmark = pytest.mark.anyio


def on_disk(home):
    with sqlite3.connect(home / "desk.db") as database:
        rows = database.execute("select kind, target, job, outcome from events order by seq").fetchall()
    database.close()
    return rows


# Journalled.


@pytest.mark.promise("a-job-survives")
async def test_every_item_has_its_intent_with_the_jobs_id_on_disk_before_it_is_sent(work, tmp_path):
    seen = {}

    async def look(request, go_on):
        if request.method != "GET":
            seen[request.url.path.split("/")[3]] = on_disk(tmp_path / "home")
        return await go_on(request)

    work.wire.trouble = look
    job = await work.do(BanUser, users(1, 5))
    assert job.status == DONE
    assert set(seen) == set(users(1, 5))
    for one, rows in seen.items():
        assert ("intent", one, job.id, None) in rows
    entries = await work.desk.journal.job_entries(job.id, 0, 100)
    assert {entry["intent"]["target"] for entry in entries} == set(users(1, 5))
    assert {entry["outcome"]["outcome"] for entry in entries} == {"done"}
    assert {entry["intent"]["signed"] for entry in entries} == {"with its job"}
    assert {entry["intent"]["plan"] for entry in entries} == {job.plan}
    assert all(entry["intent"]["before"][0]["banned"] is False for entry in entries)
    assert all(entry["outcome"]["after"]["banned"] is True for entry in entries)
    assert [item.entry for item in await work.items(job.id)].count(None) == 0
    assert (await work.desk.journal.verify()).fault is None


async def test_a_job_does_each_item_once_and_ends(work):
    job = await work.do(BanUser, ListUsers())
    assert job.as_dict()["counts"] == {"done": 40}
    assert len(work.wire.writes) == len(set(work.wire.writes)) == 40
    assert await work.banned() == set(range(1, 41))
    assert job.ended_at
    assert job.started_at
    assert job.owner is None


async def test_items_are_looked_at_together_and_not_one_by_one(work):
    plan = await work.propose(BanUser, ListUsers())
    work.wire.passed.clear()
    await work.carry_out(await work.start(plan))
    assert len(work.wire.reads) <= 2
    assert len(work.wire.writes) == 40


async def test_no_more_than_so_many_are_under_way_at_a_time(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 4)
    flying, most = 0, 0

    async def slowly(request, go_on):
        nonlocal flying, most
        if request.method == "GET":
            return await go_on(request)
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.01)
        flying -= 1
        return await go_on(request)

    work.wire.trouble = slowly
    await work.do(LockUser, users(1, 20))
    assert most == 4


# Looked at when its turn comes.


async def test_who_is_gone_or_is_so_already_when_its_turn_comes_is_skipped(work):
    job = await work.start(await work.propose(BanUser, users(1, 4)))
    await work.ask("DELETE", f"/users/{user(1)}")
    await work.ask("POST", f"/users/{user(2)}/ban")
    job = await work.carry_out(job)
    assert job.status == DONE
    items = await work.items(job.id)
    assert [(item.status, item.error) for item in items] == [
        (SKIPPED, "it is not there any more"),
        (SKIPPED, "it is so already"),
        ("done", None),
        ("done", None),
    ]
    assert len(work.wire.writes) == 2
    assert job.as_dict()["counts"] == {"done": 2, "skipped": 2}


async def test_who_matches_the_filters_no_more_is_not_touched(work):
    plan = await work.propose(BanUser, ListUsers(query="people.example", organization_id=["org_acme"]))
    await work.ask("DELETE", f"/organizations/org_acme/memberships/{user(2)}")
    job = await work.carry_out(await work.start(plan))
    assert await work.banned() == {1, 3, 4}
    (skipped,) = [item for item in await work.items(job.id) if item.status == SKIPPED]
    assert skipped.arguments["user_id"] == user(2)
    assert skipped.error == "it is gone, or the filters find it no more"


@pytest.mark.parametrize("kind", [BanUser, DeleteOrgMembership])
async def test_members_found_by_role_are_the_targets(work, kind):
    plan = await work.propose(kind, ListOrgMemberships(organization_id="org_acme", role=["org:member"]))
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.reason, job.counts) == (DONE, None, {"done": 3})
    assert {item.arguments["user_id"] for item in await work.items(job.id)} == set(users(2, 4))


async def test_an_item_that_is_gone_at_clerk_between_look_and_send_is_a_failure_of_its_own(work):
    work.wire.trouble = refusing(404, user(2), code="resource_not_found")
    job = await work.do(BanUser, users(1, 3))
    assert job.status == DONE
    assert [item.status for item in await work.items(job.id)] == ["done", REFUSED, "done"]
    assert await work.banned() == {1, 3}


# Taken for dead.


async def test_nothing_is_sent_again_once_others_may_have_taken_this_process_for_gone(work, monkeypatch):
    alive = True
    monkeypatch.setattr(Journal, "seen_alive", lambda _: lambda: alive)
    monkeypatch.setattr(await work.desk.jobs.tools.clerk(), "_retry_seconds", 5)

    async def not_now(request, go_on):
        nonlocal alive
        if request.method == "GET":
            return await go_on(request)
        # While it waits to be sent again its lock is lost: another may have found that it was not done.
        alive = False
        body = {"errors": [{"message": "no", "code": "too_many_requests"}]}
        return httpx2.Response(429, json=body, headers={"retry-after": "0.05"})

    work.wire.trouble = not_now
    job = await work.start(await work.propose(BanUser, users(1, 1)))
    run = await work.run(job)
    assert await run.part(0.5) is None
    assert len(work.wire.writes) == 1
    (item,) = await work.items(job.id)
    assert item.status == WAITING
    (entry,) = await work.desk.journal.job_entries(job.id, 0, 10)
    assert entry["outcome"]["outcome"] == "not_done"
    # As long as it is so, nothing is begun.
    assert await run.part(0.2) is None
    assert len(await work.desk.journal.job_entries(job.id, 0, 10)) == 1
    alive, work.wire.trouble = True, None
    assert (await work.finish(run)).counts == {"done": 1}
    assert len(work.wire.writes) == 2


async def test_how_writes_ended_is_noted_though_another_run_has_the_job_by_now(work):
    async def taken_over(request, go_on):
        answer = await go_on(request)
        if request.method != "GET":
            await work.store.own(job.id, "run_elsewhere")
        return answer

    job = await work.start(await work.propose(BanUser, users(1, 3)))
    run = await work.run(job)
    work.wire.trouble = taken_over
    with pytest.raises(LostJobError):
        await run.part(5)
    entries = await work.desk.journal.job_entries(job.id, 0, 10)
    assert [entry["outcome"]["outcome"] for entry in entries] == ["done"] * 3
    assert {item.status for item in await work.items(job.id)} == {SENT}
    work.wire.trouble = None
    assert (await work.carry_out(job, "run_elsewhere")).counts == {"done": 3}
    assert len(work.wire.writes) == 3


async def test_a_run_whose_workspace_was_deleted_has_lost_its_job_and_is_no_fault(work, monkeypatch):
    async def gone(*_arguments):
        raise WorkspaceGone

    async def deleted(request, go_on):
        answer = await go_on(request)
        if request.method != "GET":
            await work.store.own(job.id, "run_elsewhere")
            monkeypatch.setattr(queries, "append_to", gone)
        return answer

    job = await work.start(await work.propose(BanUser, users(1, 3)))
    run = await work.run(job)
    work.wire.trouble = deleted
    with pytest.raises(LostJobError):
        await run.part(5)
    monkeypatch.undo()


# Stopped.


@pytest.mark.promise("a-job-stops-and-asks")
async def test_ten_failures_in_a_row_pause_it_and_resuming_counts_anew(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    work.wire.trouble = refusing(422, *users(1, 18))
    job = await work.start(await work.propose(BanUser, users(1, 30), stop=StopRules(10, 100)))
    job = await work.carry_out(job)
    assert (job.status, job.reason) == (PAUSED, "10 failures in a row")
    # What was under way already has ended too.
    assert 10 <= job.counts["refused"] <= 11
    assert job.counts["refused"] + job.counts["waiting"] == 30
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    # Fewer than ten more fail since it was resumed.
    assert (job.status, job.reason) == (DONE, None)
    assert job.as_dict()["counts"] == {"done": 12, "refused": 18}
    assert len(work.wire.writes) == 30


async def test_nothing_more_is_sent_once_the_failure_that_stops_it_is_known(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    work.wire.trouble = refusing(422)
    job = await work.do(BanUser, users(1, 30))
    assert job.status == PAUSED
    assert len(work.wire.writes) == 10


@pytest.mark.promise("a-job-stops-and-asks")
async def test_five_per_cent_of_at_least_twenty_pause_it_and_resuming_counts_anew(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    work.wire.trouble = refusing(422, user(1), user(3), user(25))
    job = await work.carry_out(await work.start(await work.propose(BanUser, users(1, 40))))
    # Two of the first nineteen are more than 5 %, and say little.
    assert (job.status, job.reason) == (PAUSED, "2 of 20 failed, more than 5 %")
    assert job.counts["refused"] == 2
    assert job.counts["waiting"] in (19, 20)
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    # One of the rest, counted from the resumption on.
    assert (job.status, job.reason) == (DONE, None)
    assert job.as_dict()["counts"] == {"done": 37, "refused": 3}


async def test_a_resumed_job_pauses_again_when_it_goes_on_failing(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    work.wire.trouble = refusing(422)
    job = await work.carry_out(
        await work.start(await work.propose(BanUser, users(1, 40), stop=StopRules(3, 100)))
    )
    assert job.status == PAUSED
    assert job.counts["waiting"]
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    assert job.status == PAUSED
    assert job.reason.endswith("failures in a row")


async def test_exactly_five_per_cent_is_not_more(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    work.wire.trouble = refusing(422, user(1))
    job = await work.do(BanUser, users(1, 20))
    assert (job.status, job.as_dict()["counts"]) == (DONE, {"done": 19, "refused": 1})


async def test_what_is_skipped_is_no_failure(work):
    job = await work.start(await work.propose(BanUser, users(1, 30)))
    for number in range(1, 26):
        await work.ask("POST", f"/users/{user(number)}/ban")
    job = await work.carry_out(job)
    assert (job.status, job.as_dict()["counts"]) == (DONE, {"done": 5, "skipped": 25})


@pytest.mark.promise("a-job-stops-and-asks")
async def test_a_pause_while_it_runs_ends_what_is_under_way_and_sends_nothing_more(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 2)
    job = await work.start(await work.propose(BanUser, users(1, 40)))

    async def then_pause(request, go_on):
        if len(work.wire.writes) == 5:
            await work.desk.jobs.pause(job.id, ME)
        if request.method != "GET":
            await asyncio.sleep(0.03)
        return await go_on(request)

    work.wire.trouble = then_pause
    job = await work.carry_out(job)
    assert (job.status, job.reason) == (PAUSED, "by a person")
    done = job.counts["done"]
    assert 5 <= done <= 12
    assert job.counts == {"done": done, "waiting": 40 - done}
    assert len(await work.banned()) == done
    work.wire.trouble = None
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    assert job.as_dict()["counts"] == {"done": 40}
    assert len(work.wire.writes) == 40


@pytest.mark.promise("a-job-stops-and-asks")
async def test_a_cancelled_job_ends_what_is_under_way_and_is_over(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 2)
    values = {"password": "correct-horse-9", "skip_password_checks": True}
    job = await work.start(await work.propose(UpdateUser, users(1, 40), values=values))

    async def then_cancel(request, go_on):
        if request.method != "GET":
            if len(work.wire.writes) == 3:
                await work.desk.jobs.cancel(job.id, ME)
            await asyncio.sleep(0.03)
        return await go_on(request)

    work.wire.trouble = then_cancel
    assert (await work.store.load(job.id)).state == "queued"
    job = await work.carry_out(job)
    assert (job.status, job.reason) == (CANCELLED, None)
    assert job.ended_at
    done = job.counts["done"]
    assert 3 <= done < 40
    assert [item.secrets for item in await work.items(job.id)] == [None] * 40
    for change in (work.desk.jobs.resume, work.desk.jobs.cancel, work.desk.jobs.pause):
        with pytest.raises(InvalidRequest, match="The job is cancelled"):
            await change(job.id, ME)


@pytest.mark.parametrize("when", ["planned", "queued", "paused"])
async def test_a_job_that_is_cancelled_before_it_is_over_keeps_no_secrets(work, when):
    plan = await work.propose(UpdateUser, users(1, 2), values={"password": "correct-horse-9-Zx"})
    if when != "planned":
        await work.start(plan)
    if when == "paused":
        await work.desk.jobs.pause(plan.job.id, ME)
        # It may go on, and needs them then.
        assert "correct-horse" in await work.all_that_is_stored()
    job = await work.desk.jobs.cancel(plan.job.id, ME)
    assert job.status == CANCELLED
    assert "correct-horse" not in await work.all_that_is_stored()


async def test_a_job_that_is_to_end_for_good_does_not_merely_pause(work):
    job = await work.start(await work.propose(BanUser, users(1, 2)))
    run = await work.run(job)
    await work.desk.jobs.cancel(job.id, ME)
    with contextlib.suppress(InvalidRequest):
        await work.desk.jobs.pause(job.id, ME)
    assert (await work.finish(run)).status == CANCELLED


async def test_a_run_that_ends_leaves_nothing_under_way(work):
    job = await work.start(await work.propose(BanUser, users(1, 2)))
    before = asyncio.all_tasks()

    async def pause_while_it_looks(request, go_on):
        await work.desk.jobs.pause(job.id, ME)
        await asyncio.sleep(0.3)
        return await go_on(request)

    work.wire.trouble = pause_while_it_looks
    job = await work.carry_out(job)
    assert job.status == PAUSED
    left = {task for task in asyncio.all_tasks() - before if "_look" in str(task.get_coro())}
    await asyncio.gather(*left)
    assert not left


async def test_a_job_that_is_asked_to_pause_says_so_until_it_has(work):
    job = await work.start(await work.propose(BanUser, users(1, 2)))
    await work.store.own(job.id, "run_1")
    assert (await work.desk.jobs.pause(job.id, ME)).state == "pausing"
    assert (await work.desk.jobs.cancel(job.id, ME)).state == "cancelling"


async def test_a_queued_job_pauses_at_once(work):
    job = await work.start(await work.propose(BanUser, users(1, 2)))
    job = await work.desk.jobs.pause(job.id, ME)
    assert (job.status, job.reason) == (PAUSED, "by a person")
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME))
    assert (job.status, job.reason) == (DONE, None)


async def test_a_rejected_key_pauses_it_and_the_item_waits_again(work):
    work.wire.trouble = refusing(401, code="authentication_invalid")
    job = await work.do(BanUser, users(1, 3))
    assert job.status == PAUSED
    assert job.reason.startswith("Clerk refused POST /users/")
    assert job.as_dict()["counts"] == {"waiting": 3}
    entries = await work.desk.journal.job_entries(job.id, 0, 10)
    assert {entry["outcome"]["outcome"] for entry in entries} == {"key_rejected"}
    work.wire.trouble = None
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    assert job.as_dict()["counts"] == {"done": 3}


async def test_a_key_that_is_rejected_while_it_looks_pauses_it_too(work):
    job = await work.start(await work.propose(BanUser, users(1, 3)))

    async def reject(_request, _go_on):
        return httpx2.Response(401, json={"errors": [{"message": "no", "code": "authentication_invalid"}]})

    work.wire.trouble = reject
    job = await work.carry_out(job)
    assert job.status == PAUSED
    assert job.reason.startswith("The targets could not be read: ")
    assert work.wire.writes == []


async def test_a_clerk_that_cannot_be_reached_pauses_it_and_nothing_counts_as_failed(work):
    async def unreachable(request, go_on):
        if request.method == "GET":
            return await go_on(request)
        raise httpx2.ConnectError("no route")

    work.wire.trouble = unreachable
    job = await work.do(BanUser, users(1, 12))
    assert job.status == PAUSED
    assert "No connection" in job.reason
    assert job.as_dict()["counts"] == {"waiting": 12}


# Refused for the moment, and lost.


async def test_what_clerk_refuses_for_the_moment_is_done_later_and_is_no_failure(work):
    refused = []

    async def too_many(request, go_on):
        path = request.url.path
        if request.method != "GET" and path not in refused and path.split("/")[3] in users(1, 30):
            refused.append(path)
            body = {"errors": [{"message": "slow down", "code": "rate_limited"}]}
            return httpx2.Response(429, json=body, headers={"retry-after": "0.05"})
        return await go_on(request)

    work.wire.trouble = too_many
    job = await work.do(BanUser, users(1, 40))
    assert (job.status, job.as_dict()["counts"]) == (DONE, {"done": 40})
    assert len(refused) == 30
    entries = await work.desk.journal.job_entries(job.id, 0, 200)
    ends = [entry["outcome"]["outcome"] for entry in entries]
    assert (ends.count("rate_limited"), ends.count("done")) == (30, 40)


@pytest.mark.parametrize("answer", [(429, "rate_limited"), (401, "key_rejected")])
async def test_what_was_refused_for_the_moment_is_no_failure_though_its_end_could_not_be_noted_at_once(
    work, monkeypatch, answer
):
    status, kind = answer
    real, failing, troubled = queries.append, ["once"], []

    async def away(database, rows, *more):
        rows = list(rows)
        if failing and any(row["outcome"] == kind for row in rows if row["kind"] == "outcome"):
            failing.pop()
            raise StorageUnavailable("the server is not there")
        return await real(database, rows, *more)

    async def refused(request, go_on):
        if request.method != "GET" and request.url.path not in troubled:
            troubled.append(request.url.path)
            body = {"errors": [{"message": "not now", "code": kind}]}
            return httpx2.Response(status, json=body, headers={"retry-after": "0.05"})
        return await go_on(request)

    monkeypatch.setattr(queries, "append", away)
    work.wire.trouble = refused
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    run = await work.run(job)
    with pytest.raises(StorageUnavailable):
        await run.part(60)
    assert not failing
    work.wire.trouble = None
    job = await work.carry_out(job, "run_2")
    assert (job.status, job.as_dict()["counts"]) == (DONE, {"done": 3})


async def test_an_item_that_gets_no_turn_to_be_sent_waits_again(work, monkeypatch):
    real, late = Clerk.last_try, []

    def last_try(clerk):
        if len(late) < 3:
            late.append(clerk)
            return monotonic()
        return real(clerk)

    monkeypatch.setattr(Clerk, "last_try", last_try)
    job = await work.do(BanUser, users(1, 4))
    assert (job.status, job.counts) == (DONE, {"done": 4})
    ends = [entry["outcome"]["outcome"] for entry in await work.desk.journal.job_entries(job.id, 0, 10)]
    assert sorted(ends) == ["done"] * 4 + ["rate_limited"] * 3


async def test_who_is_so_already_after_a_wait_for_clerk_is_skipped(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    refused = []

    async def too_many(request, go_on):
        if request.method == "GET" or refused:
            return await go_on(request)
        refused.append(request)
        await work.ask("POST", f"/users/{user(3)}/ban")
        body = {"errors": [{"message": "slow down", "code": "rate_limited"}]}
        return httpx2.Response(429, json=body, headers={"retry-after": "0.2"})

    work.wire.trouble = too_many
    job = await work.do(BanUser, users(1, 4))
    assert job.counts == {"done": 3, "skipped": 1}


async def test_what_clerk_takes_only_so_often_in_an_hour_is_waited_for(opened, monkeypatch):
    monkeypatch.setitem(rate_budget.HOURLY, "POST /invitations", Cap(2, 0.3))
    times = []

    async def listen(request, go_on):
        if request.method == "POST":
            times.append(monotonic())
        return await go_on(request)

    async with opened(secret_key="sk_test_x") as work:
        work.wire.trouble = listen
        rows = [Row(number, {"email_address": f"i{number}@people.example"}) for number in range(1, 6)]
        job = await work.do(CreateInvitation, rows)
        assert (job.status, job.counts) == (DONE, {"done": 5})
    assert all(later - earlier > 0.25 for earlier, later in zip(times, times[2:], strict=False))


def losing(*those, done=True, answer=None):
    """A trouble that does a write, or does not, and loses its answer."""
    lost = []

    async def trouble(request, go_on):
        one = next((one for one in those if one in request.url.path), None)
        if request.method == "GET" or one is None or one in lost:
            return await go_on(request)
        lost.append(one)
        if done:
            await go_on(request)
        if answer:
            return httpx2.Response(answer, json={"errors": []})
        raise httpx2.ReadTimeout("gone")

    return trouble


async def test_a_lost_answer_is_settled_by_reading_and_not_sent_again(work):
    work.wire.trouble = losing(user(2), user(3))
    job = await work.do(BanUser, users(1, 4))
    assert (job.status, job.as_dict()["counts"]) == (DONE, {"done": 4})
    assert len(work.wire.writes) == 4
    entries = await work.desk.journal.job_entries(job.id, 0, 10)
    notes = [entry["outcome"]["note"] for entry in entries if entry["outcome"]["note"]]
    assert len(notes) == 2


async def test_a_lost_answer_of_a_creation_still_tells_what_was_made(work):
    work.wire.trouble = losing("/users")
    row = {"email_address": ["new@people.example"], "skip_password_requirement": True}
    job = await work.do(CreateUser, [Row(1, row)])
    (item,) = await work.items(job.id)
    assert item.status == "done"
    (made,) = await work.ask("GET", "/users?email_address=new@people.example")
    assert item.made == made["id"]


async def test_a_failure_of_clerks_own_after_which_nothing_happened_is_a_failure_that_can_be_retried(work):
    work.wire.trouble = losing(user(2), done=False, answer=500)
    job = await work.do(BanUser, users(1, 3))
    assert [item.status for item in await work.items(job.id)] == ["done", REFUSED, "done"]
    plan = await work.desk.jobs.propose_retry(job.id, ME)
    assert plan.job.count == 1
    await work.carry_out(await work.start(plan))
    assert await work.banned() == {1, 2, 3}


async def test_what_may_still_be_under_way_is_unknown_and_neither_sent_again_nor_retried(work):
    work.wire.trouble = losing(user(2), done=False)
    job = await work.do(BanUser, users(1, 3))
    assert [item.status for item in await work.items(job.id)] == ["done", UNKNOWN, "done"]
    assert len(work.wire.writes) == 3
    with pytest.raises(InvalidRequest, match="Of 1 it is not known how they ended"):
        await work.desk.jobs.propose_retry(job.id, ME)


@pytest.mark.usefixtures("quick")
async def test_a_run_that_broke_off_finds_out_by_reading_before_it_sends_anything_again(work):
    job = await work.start(await work.propose(BanUser, users(1, 6)))
    sent, arrived = asyncio.Event(), []

    async def killed(request, go_on):
        if request.method == "GET":
            return await go_on(request)
        # Of half of them the request has arrived when the process dies.
        if int(request.url.path.split("/")[3][5:]) % 2:
            await go_on(request)
        arrived.append(request.url.path)
        if len(arrived) == 6:
            sent.set()
        await asyncio.Event().wait()
        raise AssertionError

    work.wire.trouble = killed
    run = await work.run(job)
    part = asyncio.create_task(run.part(60))
    await sent.wait()
    # As a process that dies: what it was about to note is never noted.
    for task in asyncio.all_tasks():
        if "_send" in str(task.get_coro()) or task is part:
            task.cancel()
    await asyncio.gather(part, return_exceptions=True)
    assert {item.status for item in await work.items(job.id)} == {SENT}
    work.wire.trouble = None
    job = await work.carry_out(job, "run_2")
    assert (job.status, job.as_dict()["counts"]) == (DONE, {"done": 6})
    writes = [path for _, path in work.wire.writes]
    assert sorted(writes.count(f"/users/{one}/ban") for one in users(1, 6)) == [1, 1, 1, 2, 2, 2]


async def test_what_was_looked_at_too_soon_is_looked_at_again_by_the_same_process(opened, monkeypatch):
    async with opened(secret_key="sk_test_x") as work:
        job = await work.start(await work.propose(BanUser, users(1, 1)))
        sent = asyncio.Event()

        async def killed(request, go_on):
            if request.method == "GET":
                return await go_on(request)
            sent.set()
            await asyncio.Event().wait()
            raise AssertionError

        work.wire.trouble = killed
        run = await work.run(job)
        part = asyncio.create_task(run.part(60))
        await sent.wait()
        for task in asyncio.all_tasks():
            if "_send" in str(task.get_coro()) or task is part:
                task.cancel()
        await asyncio.gather(part, return_exceptions=True)
        work.wire.trouble = None
        run = await work.run(job, "run_2")
        assert {item.status for item in await work.items(job.id)} == {SENT}
        # As if a minute had passed: by then it is clear that it was not done.
        monkeypatch.setattr("deskclerk.desk.execution.settling.longest_under_way", lambda _: 0)
        assert await run.settle()
        assert {item.status for item in await work.items(job.id)} == {WAITING}


# Owned.


async def test_a_run_that_lost_its_job_sends_and_writes_nothing_any_more(work):
    job = await work.start(await work.propose(BanUser, users(1, 4)))
    old = await work.run(job)
    new = await work.run(job, "run_2")
    with pytest.raises(LostJobError):
        await old.part(60)
    assert work.wire.writes == []
    assert {item.status for item in await work.items(job.id)} == {WAITING}
    with pytest.raises(LostJobError):
        await work.store.ended(job.id, "run_1", DONE)
    assert (await work.store.load(job.id)).status == RUNNING
    assert (await work.finish(new)).counts == {"done": 4}


@pytest.mark.promise("a-job-survives")
async def test_a_run_that_loses_its_job_between_looking_and_noting_notes_no_intent(work, monkeypatch):
    job = await work.start(await work.propose(BanUser, users(1, 4)))
    monkeypatch.setattr(running, "_LOOK_SECONDS", 60)
    old = await work.run(job)

    async def taken(request, go_on):
        if request.method == "GET":
            await work.store.own(job.id, "run_2")
        return await go_on(request)

    work.wire.trouble = taken
    with pytest.raises(LostJobError):
        await old.part(60)
    assert work.wire.writes == []
    assert await work.desk.journal.job_entries(job.id, 0, 10) == []


async def test_a_part_ends_in_time_and_the_next_one_goes_on(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 2)

    async def slowly(request, go_on):
        if request.method != "GET":
            await asyncio.sleep(0.1)
        return await go_on(request)

    work.wire.trouble = slowly
    run = await work.run(await work.start(await work.propose(BanUser, users(1, 20))))
    assert await run.part(0.4) is None
    assert 0 < len(await work.banned()) < 20
    assert {item.status for item in await work.items(run.job.id)} == {"done", WAITING}
    run.stopping = True
    before = len(work.wire.writes)
    assert await run.part(60) is None
    assert len(work.wire.writes) == before
    run.stopping = False
    assert (await work.finish(run)).counts == {"done": 20}
    assert len(work.wire.writes) == 20


# Secrets and results.


async def test_secrets_of_items_reach_clerk_are_erased_when_it_is_over_and_stand_nowhere(work, tmp_path):
    rows = [
        Row(
            number,
            {
                "email_address": [f"new{number}@people.example"],
                "password": f"correct-horse-{number}-Zx",
                "skip_password_checks": True,
            },
        )
        for number in (1, 2, 3)
    ]
    bodies = []

    async def listen(request, go_on):
        bodies.append(request.content.decode())
        if "new2@" in bodies[-1] and request.method == "POST":
            body = {"errors": [{"message": "no", "long_message": "correct-horse-2-Zx is bad", "code": "x"}]}
            return httpx2.Response(422, json=body)
        return await go_on(request)

    work.wire.trouble = listen
    plan = await work.propose(CreateUser, rows)
    assert "correct-horse" not in json.dumps(plan.arguments) + plan.text()
    job = await work.start(plan)
    # Kept apart, as long as they are needed.
    assert [item.secrets["password"] for item in await work.items(job.id)] == [
        f"correct-horse-{number}-Zx" for number in (1, 2, 3)
    ]
    assert all(item.arguments["password"] == "[secret]" for item in await work.items(job.id))
    job = await work.carry_out(job)
    assert job.as_dict()["counts"] == {"done": 2, "refused": 1}
    assert any("correct-horse-1-Zx" in body for body in bodies)
    assert "correct-horse" not in await work.all_that_is_stored()
    file = tmp_path / "result.ndjson"
    await write_results(work.store, job.id, file)
    assert "correct-horse" not in file.read_text()


async def test_a_secret_by_reference_is_put_in_on_the_way_only(work):
    await work.desk.secrets.store("start", "correct-horse-9-Zx")
    bodies = []

    async def listen(request, go_on):
        bodies.append(request.content.decode())
        return await go_on(request)

    work.wire.trouble = listen
    values = {"password": "secret:start", "skip_password_checks": True}
    job = await work.do(UpdateUser, users(1, 2), values=values)
    assert job.status == DONE
    assert sum("correct-horse-9-Zx" in body for body in bodies) == 2
    assert "correct-horse" not in await work.all_that_is_stored()
    assert [item.arguments["password"] for item in await work.items(job.id)] == ["secret:start"] * 2


async def test_a_reference_to_nothing_is_refused_before_anybody_is_asked(work):
    with pytest.raises(InvalidRequest, match="no secret is called nothing"):
        await work.propose(UpdateUser, users(1, 2), values={"password": "secret:nothing"})
    assert await work.sql("select count(*) from jobs") == [(0,)]


async def test_the_result_is_a_line_an_item_for_its_owner_only(work, tmp_path):
    work.wire.trouble = refusing(422, user(2))
    job = await work.start(await work.propose(BanUser, [*users(1, 4), user(1)]))
    await work.ask("DELETE", f"/users/{user(3)}")
    job = await work.carry_out(job)
    file = tmp_path / "jobs" / "result.ndjson"
    assert await write_results(work.store, job.id, file) == 5
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["number"], line["outcome"]) for line in lines] == [
        (1, "done"),
        (2, "refused"),
        (3, "skipped"),
        (4, "done"),
        (5, "left_out"),
    ]
    assert lines[0]["name"] == "Person 1 p1@people.example (user_00001)"
    assert lines[0]["arguments"] == {"user_id": user(1)}
    entry = await work.desk.journal.entry(lines[0]["entry"])
    assert entry["intent"]["target"] == user(1)
    assert lines[1]["error"]
    assert lines[4]["error"] == "there twice"
    assert [path.name for path in file.parent.iterdir()] == ["result.ndjson"]


# Tried again.


async def test_a_retry_is_a_plan_of_the_failed_ones_only(work):
    work.wire.trouble = refusing(422, user(2), user(4))
    job = await work.do(BanUser, users(1, 5), stop=StopRules(7, 33))
    plan = await work.desk.jobs.propose_retry(job.id, ME)
    assert plan.lines()[0] == "Try again what failed: Ban 5 users on sandbox"
    assert plan.job.count == 2
    assert plan.words == ("ban 2 users on sandbox",)
    work.wire.trouble = None
    again = await work.carry_out(await work.start(plan))
    assert again.counts == {"done": 2}
    assert again.stop == StopRules(7, 33)
    assert again.as_dict()["retries"] == job.id
    assert await work.banned() == {1, 2, 3, 4, 5}
    assert [path for _, path in work.wire.writes].count(f"/users/{user(1)}/ban") == 1


async def test_what_failed_without_a_secret_that_is_not_kept_is_left_out_of_a_retry(work):
    work.wire.trouble = refusing(422)
    job = await work.do(UpdateUser, users(1, 2), values={"password": "correct-horse-9-Zx"})
    assert job.counts == {"refused": 2}
    with pytest.raises(InvalidRequest, match="2 without a secret that is not kept"):
        await work.desk.jobs.propose_retry(job.id, ME)
    assert len(work.wire.writes) == 2


async def test_a_retry_sends_nothing_without_the_secret_that_it_was_signed_with(work):
    work.wire.trouble = refusing(422)
    values = {"password": "correct-horse-9-Zx", "first_name": "Ada"}
    job = await work.do(UpdateUser, users(1, 2), values=values)
    assert job.counts == {"refused": 2}
    with pytest.raises(InvalidRequest, match="2 without a secret that is not kept"):
        await work.desk.jobs.propose_retry(job.id, ME)


async def test_who_is_gone_since_is_left_out_of_a_retry(work):
    work.wire.trouble = refusing(422, user(1), user(2))
    job = await work.do(BanUser, users(1, 3))
    work.wire.trouble = None
    await work.ask("DELETE", f"/users/{user(1)}")
    plan = await work.desk.jobs.propose_retry(job.id, ME)
    assert plan.job.count == 1
    assert "Left out: 1 not there any more" in plan.lines()


async def test_there_is_nothing_to_retry_where_nothing_failed(work):
    job = await work.do(BanUser, users(1, 2))
    with pytest.raises(InvalidRequest, match="Nothing failed in this job"):
        await work.desk.jobs.propose_retry(job.id, ME)


# Taken back.


async def test_an_undo_takes_back_what_was_done_and_can_be_undone(work):
    await work.ask("POST", f"/users/{user(9)}/ban")
    job = await work.do(BanUser, users(1, 9))
    assert job.counts == {"done": 8, "left_out": 1}
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.job.count == 8
    assert plan.lines()[0] == "Undo: Ban 8 users on sandbox"
    undo = await work.carry_out(await work.start(plan))
    assert undo.counts == {"done": 8}
    assert undo.as_dict()["undoes"] == job.id
    # Who was banned before stays banned: that was somebody else's decision.
    assert await work.banned() == {9}
    entries = await work.desk.journal.job_entries(job.id, 0, 100)
    undone = await work.desk.journal.job_entries(undo.id, 0, 100)
    assert {entry["intent"]["undoes"] for entry in undone} == {entry["intent"]["entry"] for entry in entries}
    with pytest.raises(InvalidRequest, match="8 taken back already"):
        await work.desk.jobs.propose_undo(job.id, ME)
    again = await work.carry_out(await work.start(await work.desk.jobs.propose_undo(undo.id, ME)))
    assert again.counts == {"done": 8}
    assert await work.banned() == set(range(1, 10))
    # And once more from the beginning: the undo was taken back.
    assert (await work.desk.jobs.propose_undo(job.id, ME)).job.count == 8


async def test_an_update_comes_back_to_the_values_from_before(work):
    rows = [Row(number, {"user_id": user(number), "first_name": f"New {number}"}) for number in (1, 2, 3)]
    job = await work.do(UpdateUser, rows)
    assert (await work.user(2))["first_name"] == "New 2"
    await work.carry_out(await work.start(await work.desk.jobs.propose_undo(job.id, ME)))
    assert [(await work.user(number))["first_name"] for number in (1, 2, 3)] == ["Person"] * 3


async def test_what_was_made_is_deleted_and_the_plan_is_as_destructive_as_that(work):
    rows = [
        Row(number, {"email_address": [f"new{number}@people.example"], "skip_password_requirement": True})
        for number in (1, 2)
    ]
    job = await work.do(CreateUser, rows)
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.effect == "destructive"
    assert plan.words == ("delete 2 users on sandbox",)
    undo = await work.carry_out(await work.start(plan))
    assert undo.counts == {"done": 2}
    assert await work.ask("GET", "/users?query=new") == []
    # A deletion is gone for good.
    with pytest.raises(InvalidRequest, match="2 cannot be taken back"):
        await work.desk.jobs.propose_undo(undo.id, ME)


async def test_an_undo_says_what_does_not_come_back_with_what_does(work):
    values = {"first_name": "Ada", "password": "correct-horse-9-Zx", "skip_password_checks": True}
    job = await work.do(UpdateUser, users(1, 2), values=values)
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.job.count == 2
    assert any("password" in line for line in plan.lines())


async def test_who_is_gone_since_is_left_out_of_an_undo(work):
    job = await work.do(BanUser, users(1, 3))
    await work.ask("DELETE", f"/users/{user(1)}")
    await work.ask("POST", f"/users/{user(2)}/unban")
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.job.count == 1
    await work.carry_out(await work.start(plan))
    assert await work.banned() == set()


async def test_an_open_job_is_not_taken_back(work):
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    with pytest.raises(InvalidRequest, match="The job is not over"):
        await work.desk.jobs.propose_undo(job.id, ME)


async def test_a_cancelled_job_is_taken_back_as_far_as_it_came(work, monkeypatch):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    work.wire.trouble = refusing(422, user(5))
    job = await work.start(await work.propose(BanUser, users(1, 12), stop=StopRules(1, 100)))
    job = await work.carry_out(job)
    assert job.status == PAUSED
    job = await work.desk.jobs.cancel(job.id, ME)
    assert job.status == CANCELLED
    work.wire.trouble = None
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.job.count == len(await work.banned())
    await work.carry_out(await work.start(plan))
    assert await work.banned() == set()


async def test_an_observer_is_told_of_every_item_once_its_end_is_on_disk(work, tmp_path):
    told = []

    class Watch(Observer):
        def item(self, became):
            told.append((became, len(on_disk(tmp_path / "home"))))

    work.desk.jobs.tools = replace(work.desk.jobs.tools, observer=Watch())
    work.wire.trouble = refusing(422, user(2))
    job = await work.do(BanUser, users(1, 3))
    assert sorted(became for became, _ in told) == ["done", "done", "refused"]
    assert {name: job.counts[name] for name in ("done", "refused")} == {"done": 2, "refused": 1}
    # Each told after its own transaction: an intent and an outcome an item are on disk by then.
    assert all(lines >= 2 * number for number, (_, lines) in enumerate(sorted(told, key=lambda it: it[1]), 1))
