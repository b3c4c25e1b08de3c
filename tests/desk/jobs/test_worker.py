"""The worker: takes the jobs of its instances, and goes on with what others left."""

import asyncio
import heapq
import itertools
import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import apprise
import pytest
from apprise.decorators import notify as service
from tests.desk.jobs.conftest import ME, refusing, user, users

from deskclerk.catalogue import BanUser, Request, UpdateUser, Verb
from deskclerk.clerk import rate_budget
from deskclerk.clerk.rate_budget import MemoryAccount, RateBudget
from deskclerk.desk.jobs import running
from deskclerk.desk.jobs import worker as work_module
from deskclerk.desk.jobs.job import DONE, PAUSED, QUEUED, RUNNING
from deskclerk.desk.jobs.requests import Change
from deskclerk.desk.jobs.running import Run
from deskclerk.desk.jobs.store import JobStore
from deskclerk.desk.jobs.worker import OwnWorkplace, Worker, results_file, start_worker, worker_lock
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.process_locks import claim, take_lock
from deskclerk.errors import StorageUnavailable

pytestmark = pytest.mark.anyio


class FakeEngine:
    """What DBOS does for a worker, in memory: a run that is asked for twice is one."""

    def __init__(self):
        self.name, self.part = "", None
        self.runs, self.asked, self.ended, self.recovered, self.tasks = {}, [], {}, [], []
        self.instances, self.lost, self.closed, self.taking = [], 0, False, True
        self.drops = []

    def __call__(self, place, name):
        self.place, self.name = place, name
        return self

    async def launch(self, instances, part):
        self.instances, self.part = list(instances), part

    async def enqueue(self, instance, job_id, number):
        key = (job_id, number)
        self.asked.append((instance, *key))
        if key in self.runs or key in self.ended:
            return
        if self.lost:
            self.lost -= 1
            self.ended[key] = "lost"
            return
        self._begin(key)

    def _begin(self, key):
        self.runs[key] = self.name
        self.tasks.append(asyncio.create_task(self._run(key)))

    async def _run(self, key):
        while (ended := await self.part(*key)) is None:
            if self.drops:
                # As where its own database is away: it ends, and that is noted nowhere.
                self.drops.pop()()
                return
        del self.runs[key]
        self.ended[key] = ended

    async def open_runs(self):
        return dict(self.runs)

    async def recover(self, job_id, number):
        self.recovered.append((job_id, number))
        self._begin((job_id, number))

    def take_no_more(self):
        self.taking = False

    def close(self):
        self.closed = True


@pytest.fixture
def engine(monkeypatch):
    engine = FakeEngine()
    monkeypatch.setitem(sys.modules, "deskclerk.desk.jobs.engine", SimpleNamespace(Engine=engine))
    monkeypatch.setattr(work_module, "_POLL_SECONDS", 0.01)
    yield engine
    for task in engine.tasks:
        task.cancel()


def worker(work, **options):
    return Worker(OwnWorkplace(work.desk.settings, [work.desk.jobs.tools]), **options)


async def until_idle(work):
    one = worker(work, until_idle=True)
    await one.work()
    one.close()
    return one


def taken(work):
    """Whether a worker shows that it is there."""
    with claim(work.desk.journal.locks(), worker_lock(work.desk.instance.id)) as gone:
        return not gone


# Takes jobs, and ends.


async def test_a_worker_carries_out_what_is_signed_and_ends_when_nothing_is_left(work, engine):
    first = await work.start(await work.propose(BanUser, users(1, 3)))
    second = await work.start(await work.propose(BanUser, users(4, 6)))
    waits = await work.propose(BanUser, users(7, 8))
    await until_idle(work)
    for job in (first, second):
        done = await work.store.load(job.id)
        assert (done.status, done.counts, done.owner) == (DONE, {"done": 3}, None)
        file = results_file(work.desk.settings, job.id)
        assert work.desk.jobs.results(job.id) == file
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
        assert [json.loads(line)["outcome"] for line in file.read_text().splitlines()] == ["done"] * 3
    assert await work.banned() == set(range(1, 7))
    assert (await work.store.load(waits.job.id)).status == "planned"
    assert engine.instances == [work.desk.instance.id]
    assert engine.closed
    assert not taken(work)


async def test_a_worker_leaves_the_jobs_of_other_instances_alone(work, opened, engine):
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    async with opened(secret_key="sk_test_other") as other:
        await until_idle(other)
    assert engine.asked == []
    assert (await work.store.load(job.id)).status == QUEUED


async def test_a_run_that_the_engine_dropped_without_noting_it_is_taken_up_again(
    work, engine, monkeypatch, caplog
):
    monkeypatch.setattr(work_module, "_DROPPED_SECONDS", 0.1)
    monkeypatch.setattr(work_module, "_PART_SECONDS", 0)
    engine.drops = [lambda: monkeypatch.setattr(work_module, "_PART_SECONDS", 5)]
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    async with asyncio.timeout(20):
        await until_idle(work)
    done = await work.store.load(job.id)
    assert (done.status, done.counts) == (DONE, {"done": 3})
    assert engine.recovered == [(job.id, job.run)]
    assert f"{job.id} had nobody any more who carries it out" in caplog.text


async def test_a_job_that_is_signed_while_it_works_is_taken_too(work, engine):
    one = worker(work)
    working = asyncio.create_task(one.work())
    while not taken(work):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    assert (await work.desk.jobs.wait(job.id, seconds=10)).status == DONE
    one.stop()
    await working
    assert not taken(work)


async def test_a_process_is_started_only_where_no_worker_is(work, engine, monkeypatch):
    started = []

    def popen(command, **options):
        started.append((command, options["env"].get("DESKCLERK_HOME"), options["start_new_session"]))

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr("deskclerk.desk.jobs.worker._started", [])
    of = (work.desk.settings, work.desk.journal, work.desk.instance)
    one = worker(work)
    working = asyncio.create_task(one.work())
    while not taken(work):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    assert start_worker(*of) is False
    assert started == []
    one.stop()
    await working
    assert start_worker(*of) is True
    command = [sys.executable, "-m", "deskclerk", "jobs", "work", "--until-idle"]
    assert started == [(command, str(work.desk.settings.home), True)]
    log = work.desk.settings.data / "jobs" / "worker.log"
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_paused_job_has_its_result_so_far_and_goes_on_when_it_is_resumed(work, engine):
    work.wire.trouble = refusing(422)
    job = await work.start(await work.propose(BanUser, users(1, 12)))
    await until_idle(work)
    job = await work.store.load(job.id)
    assert job.status == PAUSED
    outcomes = [
        json.loads(line)["outcome"] for line in work.desk.jobs.results(job.id).read_text().splitlines()
    ]
    assert len(outcomes) == 12
    assert set(outcomes) <= {"refused", "waiting"}
    work.wire.trouble = None
    await work.ask("POST", f"/users/{user(20)}/ban")
    await work.desk.jobs.resume(job.id, ME)
    await until_idle(work)
    job = await work.store.load(job.id)
    assert (job.status, job.run) == (DONE, 2)
    assert set(engine.ended.values()) == {PAUSED, DONE}


# Goes on with what others left.


async def test_a_worker_that_is_told_to_stop_ends_what_is_under_way_and_another_goes_on(
    work, engine, monkeypatch
):
    monkeypatch.setattr("deskclerk.desk.jobs.running._SIDE_BY_SIDE", 2)

    async def slowly(request, go_on):
        if request.method != "GET":
            await asyncio.sleep(0.02)
        return await go_on(request)

    work.wire.trouble = slowly
    job = await work.start(await work.propose(BanUser, users(1, 30)))
    one = worker(work)
    working = asyncio.create_task(one.work())
    while len(work.wire.writes) < 6:  # noqa: ASYNC110 - it happens at the sandbox
        await asyncio.sleep(0.01)
    one.stop()
    await working
    sent = len(work.wire.writes)
    assert sent < 30
    left = await work.store.load(job.id)
    assert left.status == RUNNING
    assert left.counts == {"done": sent, "waiting": 30 - sent}
    # The process is gone; its run is still there, and is given to the next one.
    (task,) = engine.tasks
    task.cancel()
    engine.runs[job.id, 1] = "own_of_a_dead_process"
    await until_idle(work)
    assert engine.recovered == [(job.id, 1)]
    assert (await work.store.load(job.id)).counts == {"done": 30}
    assert len(work.wire.writes) == 30


async def test_a_run_that_died_when_its_job_was_over_is_given_on_and_found_over(work, engine):
    over = await work.start(await work.propose(BanUser, users(1, 3)))
    await until_idle(work)
    del engine.ended[over.id, 1]
    # Its process died when the job was done, and before the engine had noted it: that would take up room.
    engine.runs[over.id, 1] = "own_of_a_dead_process"
    await until_idle(work)
    assert engine.recovered == [(over.id, 1)]
    assert engine.runs == {}
    assert engine.ended[over.id, 1] == "over already"
    assert len(work.wire.writes) == 3


async def test_a_worker_that_ends_waits_until_the_end_of_a_job_is_noted(work, engine, monkeypatch):
    ended, reached = JobStore.ended, asyncio.Event()

    async def slowly(store, *given):
        reached.set()
        await asyncio.sleep(0.1)
        await ended(store, *given)

    monkeypatch.setattr(JobStore, "ended", slowly)
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    one = worker(work)
    working = asyncio.create_task(one.work())
    await reached.wait()
    one.stop()
    await working
    assert (await work.store.load(job.id)).status == DONE
    assert engine.ended == {(job.id, 1): DONE}


async def test_a_worker_that_is_told_to_end_begins_nothing_more(work, engine):
    one = worker(work)
    working = asyncio.create_task(one.work())
    while not taken(work):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    one.stop()
    assert not engine.taking
    await working
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    # The engine may have taken it a moment before it was told.
    engine._begin((job.id, 1))
    await asyncio.sleep(0.1)
    assert (await work.store.load(job.id)).status == QUEUED
    assert engine.runs == {(job.id, 1): engine.name}
    assert work.wire.writes == []


async def test_a_run_that_comes_back_to_the_process_that_has_it_is_not_carried_out_twice_at_once(
    work, engine, monkeypatch
):
    real, at_once, most = Run.part, 0, 0

    async def counted(run, seconds):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            await asyncio.sleep(0.05)
            return await real(run, seconds)
        finally:
            at_once -= 1

    monkeypatch.setattr(Run, "part", counted)
    job = await work.start(await work.propose(BanUser, users(1, 20)))
    one = worker(work, until_idle=True)
    working = asyncio.create_task(one.work())
    while not engine.runs:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    # Others took this process for gone, and gave the run on: it is this one that got it.
    engine.tasks.append(asyncio.create_task(engine.part(job.id, 1)))
    await working
    one.close()
    assert most == 1
    assert (await work.store.load(job.id)).counts == {"done": 20}
    assert len(work.wire.writes) == 20


async def test_a_run_of_a_process_that_lives_is_left_to_it(work, engine):
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    other = take_lock(work.desk.journal.locks(), "own_of_another_process")
    try:
        engine.runs[job.id, 1] = other.name
        one = worker(work)
        working = asyncio.create_task(one.work())
        await asyncio.sleep(0.1)
        assert (engine.recovered, engine.asked) == ([], [])
        assert (await work.store.load(job.id)).status == QUEUED
        one.stop()
        await working
    finally:
        other.end()


async def test_a_run_that_ended_without_ending_its_job_is_followed_by_another(work, engine):
    engine.lost = 1
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    await until_idle(work)
    done = await work.store.load(job.id)
    assert (done.status, done.run, done.counts) == (DONE, 2, {"done": 3})


async def test_a_run_that_is_late_is_told_that_it_is_over(work, engine):
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    await until_idle(work)
    # As DBOS may ask once more for what a dead process had.
    assert await engine.part(job.id, 1) == "over already"
    assert len(work.wire.writes) == 3


async def test_a_run_whose_job_another_one_has_gives_it_up(work, engine, monkeypatch):
    begun, part = asyncio.Event(), Run.part

    async def taken_over(run, seconds):
        if run.owner != "run_elsewhere":
            await work.store.own(run.job.id, "run_elsewhere")
            begun.set()
        return await part(run, seconds)

    monkeypatch.setattr(Run, "part", taken_over)
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    one = worker(work)
    working = asyncio.create_task(one.work())
    await begun.wait()
    while (job.id, 1) not in engine.ended:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert engine.ended[job.id, 1] == "taken over"
    assert work.wire.writes == []
    one.stop()
    await working


async def test_a_fault_of_ours_pauses_the_job_and_stands_in_the_log(work, engine, monkeypatch, caplog):
    async def broken(_run, _seconds):
        raise RuntimeError("broken")

    job = await work.start(await work.propose(BanUser, users(1, 3)))
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, "deskclerk.jobs"):
        patched.setattr(Run, "part", broken)
        await until_idle(work)
    paused = await work.store.load(job.id)
    assert (paused.status, paused.reason) == (
        PAUSED,
        "it failed inside deskclerk; the worker's log says where",
    )
    assert any(record.exc_info for record in caplog.records)
    await work.desk.jobs.resume(job.id, ME)
    await until_idle(work)
    assert (await work.store.load(job.id)).counts == {"done": 3}


class Faulty(OwnWorkplace):
    """The own workplace, at which something is wrong with the tools of one job."""

    def __init__(self, work, job, error):
        super().__init__(work.desk.settings, [work.desk.jobs.tools])
        self.job, self.error, self.asked = job.id, error, 0

    async def tools(self, job_id):
        if job_id == self.job and self.error:
            self.asked += 1
            raise self.error
        return await super().tools(job_id)


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_job_that_cannot_be_looked_after_keeps_no_other_waiting_and_is_looked_at_again(
    work, engine, monkeypatch, lost
):
    monkeypatch.setattr(work_module, "_AGAIN_SECONDS", 0.3)
    first, second = [await work.start(await work.propose(BanUser, users(n, n))) for n in (1, 2)]
    # Its run ended without its end, and to ask for another takes its tools; or they are missing in the run.
    engine.lost = lost
    faulty = Faulty(work, first, KeyError("broken"))
    one = Worker(faulty, until_idle=True)
    working = asyncio.create_task(one.work())
    while (await work.store.load(second.id)).status != DONE:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    before = faulty.asked
    await asyncio.sleep(0.7)
    # Not with every look, a hundred in a second.
    assert before < faulty.asked <= before + 6
    assert not working.done()
    faulty.error = None
    await working
    one.close()
    assert (await work.store.load(first.id)).counts == {"done": 1}


@pytest.mark.usefixtures("quick")
async def test_a_database_that_cannot_be_used_for_a_while_is_waited_for(work, engine, monkeypatch):
    part, failures = Run.part, [StorageUnavailable("the disk is full")]

    async def full(run, seconds):
        if failures:
            raise failures.pop()
        return await part(run, seconds)

    monkeypatch.setattr(Run, "part", full)
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    await until_idle(work)
    done = await work.store.load(job.id)
    assert (done.status, done.run, done.counts) == (DONE, 1, {"done": 3})


@pytest.mark.usefixtures("quick")
async def test_what_was_sent_while_the_disk_was_full_is_found_out_and_not_sent_again(
    work, engine, monkeypatch
):
    add_all, failures = Journal.add_all, [StorageUnavailable("the disk is full")]

    async def full(journal, events, first=None):
        if failures and any(event["kind"] == "outcome" for event in events):
            raise failures.pop()
        return await add_all(journal, events, first)

    monkeypatch.setattr(Journal, "add_all", full)
    job = await work.start(await work.propose(BanUser, users(1, 6)))
    await until_idle(work)
    done = await work.store.load(job.id)
    assert (done.status, done.counts) == (DONE, {"done": 6})
    assert len(work.wire.writes) == 6
    entries = await work.desk.journal.job_entries(job.id, 0, 10)
    assert [entry["outcome"]["outcome"] for entry in entries] == ["done"] * 6


async def test_a_worker_sweeps_away_what_was_never_planned_to_the_end(work, engine):
    begun = {"title": "", "options": {}, "owner": "own_of_a_dead_process"}
    await work.store.begin("job_gone", work.desk.instance, ME, "bulk", **begun)
    await until_idle(work)
    assert await work.sql("select count(*) from jobs") == [(0,)]


async def test_a_job_that_was_to_pause_when_its_worker_died_pauses_with_the_next_one(work, engine):
    job = await work.start(await work.propose(BanUser, users(1, 3)))
    await work.store.own(job.id, "run_of_a_dead_process")
    assert (await work.desk.jobs.pause(job.id, ME)).state == "pausing"
    engine.runs[job.id, 1] = "own_of_a_dead_process"
    await until_idle(work)
    job = await work.store.load(job.id)
    assert (job.status, job.reason, job.wanted) == (PAUSED, "by a person", "run")
    assert work.wire.writes == []


async def test_a_result_holds_no_secrets(work, engine):
    values = {"password": "correct-horse-9-Zx", "skip_password_checks": True}
    job = await work.start(await work.propose(UpdateUser, users(1, 2), values=values))
    await until_idle(work)
    assert (await work.store.load(job.id)).counts == {"done": 2}
    assert "correct-horse" not in work.desk.jobs.results(job.id).read_text()
    assert "correct-horse" not in await work.all_that_is_stored()


# Lets others go first.


class Clock:
    """Time that passes only when everybody waits."""

    def __init__(self, monkeypatch):
        self.now, self.sleepers, self.numbers = 5_000.0, [], itertools.count()
        self.pass_on = asyncio.sleep
        monkeypatch.setattr(rate_budget, "monotonic", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds):
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self.sleepers, (self.now + seconds, next(self.numbers), woken))
        await woken

    async def run(self, *tasks):
        while not all(task.done() for task in tasks):
            for _ in range(10):
                await self.pass_on(0)
            if self.sleepers:
                at, _, woken = heapq.heappop(self.sleepers)
                self.now = max(self.now, at)
                if not woken.done():
                    woken.set_result(None)


READ = Request(Verb.GET, "/users/user_1")


async def spend(budget, count, name, order, pause=0.0):
    for _ in range(count):
        await budget.spend(READ)
        order.append(name)
        if pause:
            await asyncio.sleep(pause)


def pair(monkeypatch, *, yields):
    """A clock, a job's budget and a person's, which share an account."""
    clock, account = Clock(monkeypatch), MemoryAccount()
    return clock, RateBudget(100, account, "job", yields=yields), RateBudget(100, account, "person")


async def jobs_before(clock, job, person, order):
    """How many requests of a job leave before a person's, both of whom ask as fast as they can."""
    before = len(order)
    jobs = asyncio.create_task(spend(job, 200, "job", order))
    for _ in range(20):
        await clock.pass_on(0)
    # The job has asked already, and waits; the person comes behind it.
    await clock.run(asyncio.create_task(spend(person, 5, "person", order)), jobs)
    return order[before:].index("person")


async def test_whoever_waits_for_an_answer_goes_before_a_job_when_the_budget_is_used_up(monkeypatch):
    waited = {}
    for yields in (True, False):
        with monkeypatch.context() as patched:
            clock, job, person = pair(patched, yields=yields)
            order = []
            await clock.run(asyncio.create_task(spend(job, 100, "job", order, pause=0.1)))
            waited[yields] = await jobs_before(clock, job, person, order)
    assert waited[True] <= 1
    assert waited[False] > waited[True]


async def test_whoever_waits_long_for_an_answer_goes_before_a_job_too(monkeypatch):
    clock, job, person = pair(monkeypatch, yields=True)
    order = []
    # All in a moment: the next one is free in ten seconds.
    await clock.run(asyncio.create_task(spend(job, 100, "job", order)))
    assert await jobs_before(clock, job, person, order) <= 1


async def test_a_job_has_the_whole_budget_while_nobody_else_asks(monkeypatch):
    clock, account, order = Clock(monkeypatch), MemoryAccount(), []
    job = RateBudget(100, account, "job", yields=True)
    began = clock.now
    await clock.run(asyncio.create_task(spend(job, 301, "job", order)))
    assert 30 <= clock.now - began < 31.5


async def test_a_job_waits_two_seconds_and_no_longer_for_somebody_who_has_gone_away(monkeypatch):
    clock, account, order = Clock(monkeypatch), MemoryAccount(), []
    job = RateBudget(100, account, "job", yields=True)
    person = RateBudget(100, account, "person")
    await clock.run(asyncio.create_task(spend(person, 100, "person", order)))
    waiting = asyncio.create_task(person.spend(READ))
    for _ in range(10):
        await clock.pass_on(0)
    waiting.cancel()
    await clock.run(asyncio.create_task(clock.pass_on(0)))
    began = clock.now
    await clock.run(asyncio.create_task(spend(job, 1, "job", order)))
    assert clock.now - began < 12.5
    assert order[-1] == "job"


# Tells people where they are.


@pytest.fixture
def chat():
    """`jobchat://` is a service of Apprise's that takes everything; what it was told."""
    told = []

    @service(on="jobchat")
    def tell(body, title, *_, **__):
        told.append((title, body))

    yield told
    apprise.NotificationManager().remove("jobchat")


@pytest.mark.promise("told-where-they-are")
async def test_a_job_that_pauses_by_itself_tells_people_what_it_asks_once_for_each_pause(
    opened, engine, chat, monkeypatch
):
    monkeypatch.setattr(running, "_SIDE_BY_SIDE", 1)
    async with opened(notify=["jobchat://x"]) as work:
        work.wire.trouble = refusing(422)
        job = await work.start(await work.propose(BanUser, users(1, 40)))
        await until_idle(work)
        await work.desk.notifications.close()
        ((title, body),) = chat
        assert title == f"Paused and asks: {job.title}"
        assert " failures in a row" in body
        assert f"deskclerk jobs resume {job.id}" in body
        await work.desk.jobs.resume(job.id, ME)
        await until_idle(work)
        await work.desk.notifications.close()
    assert len(chat) == 2


async def test_of_a_pause_that_a_person_wanted_and_of_a_job_that_is_done_nobody_is_told(opened, engine, chat):
    async with opened(notify=["jobchat://x"]) as work:
        asked = []

        async def then_pause(request, go_on):
            # Once: who pauses a job that is paused already is refused, and the item would fail of that.
            if request.method != "GET" and not asked:
                asked.append(request)
                await work.desk.jobs.pause(paused.id, ME)
            return await go_on(request)

        await work.start(await work.propose(BanUser, users(1, 2)))
        await until_idle(work)
        paused = await work.start(await work.propose(BanUser, users(3, 40)))
        work.wire.trouble = then_pause
        await until_idle(work)
        assert (await work.store.load(paused.id)).status == PAUSED
        await work.desk.notifications.close()
    assert chat == []


async def test_people_are_told_of_a_fault_that_pauses_a_job(opened, engine, chat, monkeypatch):
    async def broken(*_):
        raise RuntimeError("at fault")

    monkeypatch.setattr(Run, "part", broken)
    async with opened(notify=["jobchat://x"]) as work:
        await work.start(await work.propose(BanUser, users(1, 3)))
        await until_idle(work)
        await work.desk.notifications.close()
    ((_, body),) = chat
    assert "It paused: it failed inside deskclerk" in body


async def test_what_clerk_said_of_a_step_is_not_told(opened, engine, chat):
    async with opened(notify=["jobchat://x"]) as work:
        work.wire.trouble = refusing(422, code="said_by_clerk")
        steps = [Change(BanUser, {"user_id": user(1)}), Change(BanUser, {"user_id": user(2)})]
        await work.start(await work.desk.jobs.propose_changes(steps, ME))
        await until_idle(work)
        await work.desk.notifications.close()
    ((_, body),) = chat
    assert "It paused: step 1 was not done\n" in body


def test_a_database_that_is_not_there_is_told_as_such_and_is_no_fault_of_the_engines(tmp_path):
    # In a process of its own: DBOS is one in each.
    program = (
        "import asyncio, sys\n"
        "from deskclerk.desk.jobs.engine import Engine\n"
        "from deskclerk.errors import StorageUnavailable\n"
        "engine = Engine(f'postgresql://desk:marked@/jobs?host={sys.argv[1]}', 'own_1')\n"
        "try:\n"
        "    asyncio.run(engine.launch(['q'], None))\n"
        "except StorageUnavailable as error:\n"
        "    print(f'told: {error}')\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert "told: " in ended.stdout, ended.stderr
    assert "cannot be used" in ended.stdout
    assert "marked" not in ended.stdout
