"""The engine with DBOS itself, beside a file: what it takes from a queue, leaves there, and gives on."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from deskclerk.desk.jobs.engine import Engine

pytestmark = pytest.mark.anyio
SEVERAL_POLLS = 1.0
"""Seconds in which a queue is looked at five times."""


@asynccontextmanager
async def engine(place, name, part):
    """One that has begun to take runs; it ends as that of a process does that is killed."""
    one = Engine(place, name)
    await one.launch(["one"], part)
    try:
        yield one
    finally:
        one.close()


async def until(look, seconds=20):
    deadline = time.monotonic() + seconds
    while not await look():
        assert time.monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.05)


async def test_a_run_goes_on_in_parts_until_it_has_ended_and_is_one_however_often_it_is_asked_for(tmp_path):
    parts = []

    async def part(job, number):
        parts.append((job, number))
        return "done" if len(parts) == 3 else None

    async with engine(tmp_path / "jobs.db", "first", part) as one:
        for _ in range(2):
            await one.enqueue("one", "job_a", 1)
        await until(lambda: asyncio.sleep(0, len(parts) == 3))

        async def none():
            return await one.open_runs() == {}

        await until(none)
        await one.enqueue("one", "job_a", 1)
        await asyncio.sleep(SEVERAL_POLLS)
    assert parts == [("job_a", 1)] * 3


async def test_what_is_told_to_take_no_more_leaves_the_rest_to_others_and_ends_what_it_has(tmp_path):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(job, _number):
        assert job == "job_a"
        begun.set()
        await go_on.wait()
        return "done"

    taken = []

    async def at_once(job, _number):
        taken.append(job)
        return "done"

    async with engine(tmp_path / "jobs.db", "first", slowly) as one:
        await one.enqueue("one", "job_a", 1)
        await begun.wait()
        one.take_no_more()
        await asyncio.sleep(SEVERAL_POLLS)
        for number in range(5):
            await one.enqueue("one", f"job_{number}", 1)
        await asyncio.sleep(SEVERAL_POLLS)
        # None of the places that runs have is taken up by what nobody carries out.
        assert await one.open_runs() == {("job_a", 1): "first"} | {
            (f"job_{number}", 1): None for number in range(5)
        }
        go_on.set()

        async def noted():
            return ("job_a", 1) not in await one.open_runs()

        await until(noted)
    async with engine(tmp_path / "jobs.db", "second", at_once):
        await until(lambda: asyncio.sleep(0, len(taken) == 5))


async def test_the_run_of_a_process_that_died_is_given_to_one_that_lives(tmp_path):
    begun = asyncio.Event()

    async def never(_job, _number):
        begun.set()
        await asyncio.Event().wait()

    taken = []

    async def at_once(job, number):
        taken.append((job, number))
        return "done"

    async with engine(tmp_path / "jobs.db", "first", never) as one:
        await one.enqueue("one", "job_a", 2)
        await begun.wait()
        one.take_no_more()
    async with engine(tmp_path / "jobs.db", "second", at_once) as other:
        assert await other.open_runs() == {("job_a", 2): "first"}
        await asyncio.sleep(SEVERAL_POLLS)
        assert taken == []
        await other.recover("job_a", 2)
        await until(lambda: asyncio.sleep(0, taken == [("job_a", 2)]))
        await other.recover("job_of_nobody", 1)
