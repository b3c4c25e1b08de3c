"""The rate budget's account in the desk's database: what several processes share of one instance."""

import asyncio
import logging
import sqlite3
from bisect import bisect_left
from contextlib import closing

import pytest
from sqlalchemy import text

from deskclerk.catalogue import Request, Verb
from deskclerk.clerk import rate_budget as budgets
from deskclerk.database import open_database
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.storage import OwnStorage
from deskclerk.desk.rates import account as accounts
from deskclerk.desk.rates.account import rate_budget
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio

READ = Request(Verb.GET, "/users/user_1")


@pytest.fixture
async def process(place, tmp_path):
    """Opens what one process has of the desk's database: its journal and its budget."""
    journals = []

    def opened(key="sk_test_x"):
        url = {"database": place} if "://" in str(place) else {}
        settings = Settings(home=tmp_path / "home", secret_key=key, **url)
        journals.append(Journal(OwnStorage(settings.data / "desk.db", settings.database)))
        return rate_budget(Instance.of(settings), journals[-1])

    yield opened
    for journal in journals:
        await journal.close()


async def sent_at_once(budget):
    """How many requests a budget lets through without waiting for the window."""
    count = 0
    while count < 2_000:
        try:
            async with asyncio.timeout(0.5):
                await budget.spend(READ)
        except TimeoutError:
            return count
        count += 1
    return count


@pytest.mark.promise("rate-limits-are-kept")
async def test_processes_share_the_budget_of_one_instance(process):
    first, second = process(), process()
    for _ in range(40):
        await first.spend(READ)
    assert 50 <= await sent_at_once(second) <= 60
    # What the first had left of its share is all that is left.
    assert await sent_at_once(first) <= 10


async def test_each_instance_has_a_budget_of_its_own(process):
    other = process("sk_test_y")
    for _ in range(90):
        await other.spend(READ)
    assert await sent_at_once(process()) == 100


async def test_a_live_instance_is_asked_ten_times_as_much(process):
    first = process("sk_live_x")
    for _ in range(300):
        await first.spend(READ)
    await first.close()
    assert await sent_at_once(process("sk_live_x")) == 700


def test_a_sandbox_has_no_budget(tmp_path):
    settings = Settings(home=tmp_path / "home")
    assert rate_budget(Instance.of(settings), Journal(OwnStorage(settings.data / "desk.db"))) is None


async def test_what_was_sent_outlives_the_process_that_sent_it(process):
    budget = process()
    for _ in range(95):
        await budget.spend(READ)
    await budget.close()
    assert await sent_at_once(process()) == 5


async def test_no_ten_seconds_of_three_processes_hold_more_than_clerk_takes(tmp_path, monkeypatch):
    now, times = 5_000.0, []

    def clock():
        return now

    async def sleep(seconds):
        nonlocal now
        now += seconds

    monkeypatch.setattr(budgets, "monotonic", clock)
    monkeypatch.setattr(accounts, "monotonic", clock)
    settings = Settings(home=tmp_path / "home", secret_key="sk_test_x")
    journals = [Journal(OwnStorage(settings.data / "desk.db")) for _ in range(3)]
    processes = [rate_budget(Instance.of(settings), journal) for journal in journals]
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", sleep)
        for step in range(320):
            await processes[step * step % 3].spend(READ)
            times.append(now)
            now += 0.003
    for journal in journals:
        await journal.close()
    assert max(bisect_left(times, start + 10) - index for index, start in enumerate(times)) == 100
    assert times[-1] - times[0] < 40


async def test_a_share_waits_for_no_disk_and_a_write_does(tmp_path):
    database = open_database(tmp_path / "some.db", durable=True)
    levels = []
    async with database.writing(synced=False) as connection:
        levels.append((await connection.execute(text("PRAGMA synchronous"))).scalar())
    async with database.writing() as connection:
        levels.append((await connection.execute(text("PRAGMA synchronous"))).scalar())
    await database.dispose()
    assert levels == [1, 2]


async def test_a_database_that_another_process_holds_keeps_nobody_from_reading(tmp_path, monkeypatch, caplog):
    settings = Settings(home=tmp_path / "home", secret_key="sk_test_x")
    journal = Journal(OwnStorage(settings.data / "desk.db"))
    await journal.database()
    budget = rate_budget(Instance.of(settings), journal)
    monkeypatch.setattr(accounts, "_PATIENCE", 0.05)
    with (
        closing(sqlite3.connect(tmp_path / "home" / "desk.db", isolation_level=None)) as other,
        caplog.at_level(logging.WARNING),
    ):
        other.execute("BEGIN IMMEDIATE")
        await budget.spend(READ)
        other.execute("ROLLBACK")
    await journal.close()
    assert "not shared with other processes: Another process holds" in caplog.text
