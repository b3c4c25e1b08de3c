"""Requests and open connections are counted once for all replicas, and by each for itself without Redis."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from deskclerk.errors import LimitReached
from deskclerk.hosted import counting as counting_module
from deskclerk.hosted.counting import Counters
from deskclerk.hosted.limits import WorkspaceLimits
from tests.hosted.redis_server import running

pytestmark = pytest.mark.anyio

TEN = WorkspaceLimits(requests_per_minute=10, open_streams=3)


@pytest.fixture
async def replicas(redis_server):
    url = SecretStr(redis_server.url)
    async with Counters(url) as one, Counters(url) as other:
        yield one, other


async def admitted(counters, workspace="ws_1", limits=TEN, most=50):
    """How many requests are let through before one is refused, and the refusal."""
    for count in range(most):
        try:
            await counters.request(workspace, limits)
        except LimitReached as error:
            return count, error
    return most, None


async def counted(redis_server, connections):
    async with asyncio.timeout(5):
        while redis_server.ask("ZCARD", "deskclerk:ws_1:streams") != connections:  # noqa: ASYNC110 - tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.promise("a-workspace-has-limits")
async def test_replicas_count_the_requests_of_a_workspace_together_and_each_workspace_by_itself(replicas):
    one, other = replicas
    for _ in range(6):
        await one.request("ws_1", TEN)
    count, error = await admitted(other)
    assert count == 4
    assert (await admitted(one))[0] == 0
    assert (await admitted(one, "ws_2"))[0] == 10
    # One comes back every six seconds.
    assert error.as_dict() == {
        "error": "limit_reached",
        "message": "This workspace has reached its limit of 10 requests a minute. Nothing was done.",
        "next_step": "Ask again in 6 seconds. Whoever runs this desk can raise the limit.",
        "limit": "requests_per_minute",
        "most": 10,
        "retry_after": 6,
    }


async def test_what_was_refused_counts_not_and_requests_come_back_evenly(replicas):
    one, other = replicas
    fast = WorkspaceLimits(requests_per_minute=600)
    assert (await admitted(one, limits=fast, most=700))[0] >= 600
    for _ in range(20):
        # One or two come back meanwhile, and each try ends in a refusal.
        assert (await admitted(one, limits=fast))[1]
    # A tenth of a second each: had refusals counted, it would be many seconds from here.
    await asyncio.sleep(0.35)
    count, _ = await admitted(other, limits=fast)
    assert 3 <= count <= 5


async def test_simultaneous_requests_on_two_replicas_are_never_more_than_the_limit(replicas):
    async def ask(counters):
        try:
            await counters.request("ws_1", TEN)
        except LimitReached:
            return 0
        return 1

    assert sum(await asyncio.gather(*[ask(replicas[number % 2]) for number in range(60)])) == 10
    assert all(counters.shared for counters in replicas)


async def test_many_at_once_take_turns_and_do_not_seem_to_have_lost_redis(replicas, monkeypatch):
    # One that comes too late within this time would be told that there is no connection.
    monkeypatch.setattr(replicas[0]._redis.connection_pool, "timeout", 0.001)
    limits = WorkspaceLimits(requests_per_minute=100_000)

    async def ask():
        for _ in range(20):
            await replicas[0].request("ws_1", limits)

    await asyncio.gather(*[ask() for _ in range(100)])
    # Nothing was counted here, where it would have been if Redis had seemed to be lost.
    assert replicas[0]._bucket._full == {}


@pytest.mark.promise("a-workspace-has-limits")
async def test_open_connections_are_counted_together_and_given_back(replicas):
    one, other = replicas
    async with one.stream("ws_1", TEN), one.stream("ws_1", TEN):
        async with other.stream("ws_1", TEN), other.stream("ws_2", TEN):
            with pytest.raises(LimitReached, match="3 connections that stay open") as refused:
                async with one.stream("ws_1", TEN):
                    pass
            assert refused.value.retry_after is None
            assert "retry_after" not in refused.value.as_dict()
        await asyncio.wait(other._closing)
        async with one.stream("ws_1", TEN):
            pass


async def test_a_connection_that_is_cancelled_is_given_back(replicas, redis_server):
    one, _ = replicas

    async def follow():
        async with one.admitted("ws_1", TEN, stream=True):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(follow()) for _ in range(3)]
    await counted(redis_server, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await counted(redis_server, 0)


async def test_a_connection_that_is_cancelled_while_it_is_counted_is_given_back(
    replicas, redis_server, monkeypatch
):
    one, _ = replicas
    real, counting = one._try, asyncio.Event()

    async def slowly(script, key, arguments):
        answer = await real(script, key, arguments)
        if script is counting_module._OPEN:
            counting.set()
            await asyncio.sleep(0.2)
        return answer

    monkeypatch.setattr(one, "_try", slowly)
    async with asyncio.timeout(20):
        task = asyncio.create_task(one.stream("ws_1", TEN).__aenter__())
        await counting.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await counted(redis_server, 0)


async def test_connections_of_a_replica_that_was_killed_count_until_their_lease_ends(replicas, monkeypatch):
    monkeypatch.setattr(counting_module, "_LEASE_SECONDS", 1)
    one, other = replicas
    # Entered, and neither left nor renewed: as of a process that is no more.
    left = [one.stream("ws_1", TEN) for _ in range(2)]
    for connection in left:
        await connection.__aenter__()
    async with other.stream("ws_1", TEN):
        for _ in range(4):
            with pytest.raises(LimitReached):
                await other.stream("ws_1", TEN).__aenter__()
            await other.renew()
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.3)
        await other.renew()
        # Its own goes on counting, and those that nobody renewed do not.
        async with other.stream("ws_1", TEN), other.stream("ws_1", TEN):
            with pytest.raises(LimitReached):
                await other.stream("ws_1", TEN).__aenter__()


async def test_connections_that_are_renewed_go_on_counting_and_a_redis_started_anew_learns_of_them(
    replicas, redis_server, monkeypatch
):
    monkeypatch.setattr(counting_module, "_PAUSE_SECONDS", 0.0)
    one, other = replicas
    async with one.stream("ws_1", TEN), one.stream("ws_1", TEN), one.stream("ws_1", TEN):
        redis_server.kill()
        redis_server.start()
        assert redis_server.ask("DBSIZE") == 0
        for _ in range(3):
            # The first ones find the connections of before.
            await one.renew()
        assert redis_server.ask("ZCARD", "deskclerk:ws_1:streams") == 3
        for _ in range(3):
            with pytest.raises(LimitReached):
                await other.stream("ws_1", TEN).__aenter__()
            if other.shared:
                break
        else:
            pytest.fail("Redis was not asked again")


@pytest.mark.promise("a-workspace-has-limits")
async def test_without_redis_each_replica_counts_for_itself_and_with_it_they_count_together_again(
    replicas, redis_server, monkeypatch, caplog
):
    monkeypatch.setattr(counting_module, "_PAUSE_SECONDS", 0.05)
    caplog.set_level(logging.INFO)
    one, other = replicas
    assert (await admitted(one))[0] == 10
    redis_server.kill()
    for counters in replicas:
        count, error = await admitted(counters)
        assert (count, error.retry_after) == (10, 6)
        assert not counters.shared
    async with one.stream("ws_1", TEN), one.stream("ws_1", TEN), one.stream("ws_1", TEN):
        with pytest.raises(LimitReached):
            await one.stream("ws_1", TEN).__aenter__()
    redis_server.start()
    await asyncio.sleep(0.1)
    await one.request("ws_3", TEN)
    assert one.shared
    await other.request("ws_3", TEN)
    count, _ = await admitted(other, "ws_3")
    assert count == 8
    assert caplog.text.count("counted by this replica alone") == 2


async def test_a_silent_redis_holds_up_one_request_and_not_all(replicas, redis_server, monkeypatch):
    monkeypatch.setattr(counting_module, "_PAUSE_SECONDS", 60.0)
    one, _ = replicas
    await one.request("ws_1", TEN)
    redis_server.freeze()
    try:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await one.request("ws_1", TEN)
        assert not one.shared
        assert loop.time() - began < 3
        began = loop.time()
        for _ in range(9):
            await one.request("ws_1", TEN)
        assert loop.time() - began < 0.5
    finally:
        redis_server.thaw()


async def test_what_is_said_of_a_lost_redis_holds_no_password(caplog):
    with running("marked-password") as server:
        async with Counters(SecretStr(server.url)) as counters:
            await counters.request("ws_1", TEN)
            assert counters.shared
        async with Counters(SecretStr(server.url.replace("password", "wrong"))) as counters:
            await counters.request("ws_1", TEN)
            assert not counters.shared
    assert "counted by this replica alone" in caplog.text
    assert "marked" not in caplog.text


async def test_this_replica_forgets_workspaces_that_ask_no_more(monkeypatch):
    monkeypatch.setattr(counting_module, "_MOST_BUCKETS", 10)
    bucket = counting_module._Bucket()
    now = 1_000.0
    monkeypatch.setattr(counting_module, "monotonic", lambda: now)
    for number in range(10):
        assert bucket.wait(f"ws_{number}", 60) == 0
    now += 2
    bucket.wait("ws_new", 60)
    assert list(bucket._full) == ["ws_new"]
