"""The lock by which others see a process alive: looked after, taken again, asked for in bounded time."""

import asyncio
import hashlib
import socket
import time

import psycopg
import pytest

from deskclerk.desk.journal import process_locks
from deskclerk.desk.journal.process_locks import claim, claimed, take_lock, unbroken
from deskclerk.errors import StorageUnavailable

pytestmark = pytest.mark.anyio
ENDED = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND classid = %s AND objid = %s AND granted
"""


def cut(url, name):
    """End the session that holds a lock, as a server that begins anew does."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    with psycopg.connect(url, autocommit=True) as server:
        assert server.execute(ENDED, (key >> 32, key & 0xFFFF_FFFF)).fetchall() == [(True,)]


def until(what):
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def lock(url):
    found = take_lock(url, "own_1")
    yield found
    found.end()


def test_a_lock_whose_session_ends_is_known_as_lost_at_once_and_taken_again(url, lock):
    before = unbroken("own_1")
    assert before()
    began = time.monotonic()
    cut(url, "own_1")
    until(lambda: not before())
    assert time.monotonic() - began < process_locks._LOOK_SECONDS / 2
    until(lambda: lock.held)
    # Whoever began before it was lost does not go on: others may have taken over meanwhile.
    assert not before()
    assert unbroken("own_1")()
    with pytest.raises(OSError, match="is locked"):
        take_lock(url, "own_1")


def test_a_lost_lock_that_somebody_else_has_is_waited_for(url, lock, monkeypatch):
    taking = process_locks._session_with
    other = None

    def other_first(*given):
        nonlocal other
        if other is None:
            other = taking(*given)
        return taking(*given)

    monkeypatch.setattr(process_locks, "_session_with", other_first)
    cut(url, "own_1")
    until(lambda: other)
    time.sleep(0.2)
    assert not lock.held
    other.close()
    until(lambda: lock.held)


def test_a_lock_that_was_not_looked_at_for_long_is_not_held_for_certain(lock, monkeypatch):
    # As after a machine was asleep: what the server did meanwhile is not known.
    assert unbroken("own_1")()
    monkeypatch.setattr(process_locks, "_SURE_SECONDS", 0.0)
    assert not unbroken("own_1")()


async def test_who_has_just_lost_the_own_lock_takes_nobody_for_gone(url, lock, monkeypatch):
    async with claimed(url, "own_of_another") as gone:
        assert gone
    cut(url, "own_1")
    await asyncio.to_thread(until, lambda: lock._losses and lock.held)
    async with claimed(url, "own_of_another") as gone:
        assert not gone
    with claim(url, "own_of_another") as gone:
        assert not gone
    monkeypatch.setattr(process_locks, "_STEADY_SECONDS", 0.0)
    async with claimed(url, "own_of_another") as gone:
        assert gone


async def test_a_server_that_does_not_answer_tells_nothing_and_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr(process_locks, "_CLAIM_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://desk@127.0.0.1:{silent.getsockname()[1]}/desk"
        turns = 0

        async def turn():
            nonlocal turns
            while True:
                await asyncio.sleep(0.01)
                turns += 1

        turning = asyncio.create_task(turn())
        began = time.monotonic()
        async with claimed(url, "own_1") as gone:
            assert not gone
        assert time.monotonic() - began < 5
        turning.cancel()
    assert turns > 3


def test_a_server_that_is_not_there_is_an_error_of_ours():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"postgresql://desk:secret@127.0.0.1:{port}/desk"
    with pytest.raises(StorageUnavailable) as refused:
        take_lock(url, "own_1")
    assert "secret" not in str(refused.value)
    with claim(url, "own_1") as gone:
        assert not gone
