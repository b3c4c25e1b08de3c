"""Replicas wake each other through a Redis server that dies, comes back and falls silent."""

import asyncio
import logging
import sys
import time
from contextlib import asynccontextmanager

import httpx2
import pytest
from pydantic import SecretStr

from deskclerk.catalogue import BanUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.desk.waking import JOBS, PLANS
from deskclerk.hosted import wakes as wakes_module
from deskclerk.hosted.wakes import RedisWakes
from deskclerk.settings import Settings
from tests.desk.conftest import TinyClerk
from tests.desk_database import desk_at_home, empty_desk
from tests.hosted.other_replica import workspace_of
from tests.hosted.redis_server import running

__all__ = ["desk_at_home", "empty_desk"]

pytestmark = pytest.mark.anyio

BAN = BanUser(user_id="user_1")
LONG = 30.0
"""Seconds that no test waits: whoever was not woken makes it fail."""


@pytest.fixture(autouse=True)
def no_looks(monkeypatch):
    """While wakes are heard nobody looks by themselves before the test has failed."""
    monkeypatch.setattr(wakes_module, "_HEARD_SECONDS", LONG)


@asynccontextmanager
async def replica(url):
    async with RedisWakes(SecretStr(url)) as wakes:
        await until(lambda: wakes.heard)
        yield wakes


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


@pytest.mark.promise("replicas-wake-each-other")
async def test_what_one_replica_tells_another_hears_in_its_workspace_and_topic_alone(redis_server):
    async with replica(redis_server.url) as one, replica(redis_server.url) as other:
        with (
            other.of("ws_1").listening(PLANS) as bell,
            other.of("ws_2").listening(PLANS) as elsewhere,
            other.of("ws_1").listening(JOBS) as another_topic,
        ):
            one.of("ws_1").tell(PLANS)
            async with asyncio.timeout(5):
                assert await bell.rings(LONG)
            assert not await elsewhere.rings(LONG, 0.05)
            assert not await another_topic.rings(LONG, 0.05)


async def test_a_message_says_nothing_but_that_something_changed(redis_server):
    from redis.asyncio import Redis  # noqa: PLC0415 - beside the replica's own

    async with (
        replica(redis_server.url) as one,
        Redis.from_url(redis_server.url) as client,
        client.pubsub() as subscription,
    ):
        await subscription.psubscribe("*")
        await subscription.get_message(timeout=5)
        one.of("ws_1").tell(PLANS)
        message = await subscription.get_message(timeout=5)
    assert (message["channel"], message["data"]) == (b"deskclerk:ws_1:plans", b"")


async def test_what_is_told_many_times_while_a_message_is_on_its_way_is_one_message(redis_server):
    async with replica(redis_server.url) as one:
        for _ in range(1_000):
            one.of("ws_1").tell(PLANS)
        await until(lambda: not one._pending)
        await asyncio.sleep(0.05)
    calls = redis_server.ask("INFO", "commandstats")["cmdstat_publish"]["calls"]
    assert calls <= 2


@pytest.mark.promise("replicas-wake-each-other")
async def test_who_waits_hears_again_when_redis_was_killed_and_started_anew(redis_server):
    async with replica(redis_server.url) as one, replica(redis_server.url) as other:
        with other.of("ws_1").listening(PLANS) as bell:
            waiting = asyncio.create_task(bell.rings(LONG))
            await asyncio.sleep(0.01)
            redis_server.kill()
            async with asyncio.timeout(5):
                # Who waited for a wake is let go, so as to look at its own pace from here on.
                assert await waiting
            await until(lambda: not other.heard and not one.heard)
            assert other.unheard_seconds > 0
            began = time.monotonic()
            assert not await bell.rings(0.05)
            assert time.monotonic() - began < 1
            # Told while nobody can hear it: it is made up for.
            one.of("ws_1").tell(PLANS)
            redis_server.start()
            await until(lambda: other.heard and one.heard)
            async with asyncio.timeout(5):
                assert await bell.rings(LONG)
                await until(lambda: not one._pending)
            await bell.rings(LONG, 0.2)
            one.of("ws_1").tell(PLANS)
            async with asyncio.timeout(5):
                assert await bell.rings(LONG)
        assert other.unheard_seconds == 0


async def test_a_wake_reaches_who_is_on_the_same_replica_without_redis():
    with running() as server:
        url = server.url
    async with RedisWakes(SecretStr(url)) as wakes:
        with wakes.of("ws_1").listening(PLANS) as bell:
            wakes.of("ws_1").tell(PLANS)
            async with asyncio.timeout(1):
                assert await bell.rings(LONG)
            assert not await bell.rings(0.02)
        assert not wakes.heard


async def test_a_redis_that_is_silent_is_noticed(redis_server, monkeypatch):
    monkeypatch.setattr(wakes_module, "_QUIET_SECONDS", 0.1)
    monkeypatch.setattr(wakes_module, "_ANSWER_SECONDS", 0.3)
    async with replica(redis_server.url) as wakes:
        # Asked again and again it answers, and is heard all the time.
        changes, hear = [], wakes._hear
        monkeypatch.setattr(wakes, "_hear", lambda *, heard: (changes.append(heard), hear(heard=heard)))
        await asyncio.sleep(0.8)
        assert changes == []
        redis_server.freeze()
        try:
            await until(lambda: not wakes.heard)
        finally:
            redis_server.thaw()
        await until(lambda: wakes.heard)


async def test_a_message_that_could_not_be_sent_is_sent_again(redis_server):
    async with replica(redis_server.url) as one, replica(redis_server.url) as other:
        with other.of("ws_1").listening(PLANS) as bell:
            one.of("ws_1").tell(PLANS)
            await bell.rings(LONG, 5)
            # The connections that send, and not those that listen: the other replica notices nothing.
            redis_server.ask("CLIENT", "KILL", "TYPE", "normal")
            one.of("ws_1").tell(PLANS)
            async with asyncio.timeout(5):
                assert await bell.rings(LONG)
        assert other.heard


async def test_a_replica_ends_at_any_moment(redis_server):
    for moment in range(60):
        async with asyncio.timeout(5), RedisWakes(SecretStr(redis_server.url)):
            await asyncio.sleep(moment * 0.0002)


async def test_a_change_wakes_nobody_later_than_its_replica_ends(redis_server):
    async with replica(redis_server.url) as other:
        with other.of("ws_1").listening(PLANS) as bell:
            async with RedisWakes(SecretStr(redis_server.url)) as one:
                one.of("ws_1").tell(PLANS)
            async with asyncio.timeout(5):
                assert await bell.rings(LONG)


async def test_what_is_said_of_a_lost_redis_holds_no_password(caplog):
    caplog.set_level(logging.INFO)
    with running("marked-password") as server:
        async with replica(server.url) as wakes:
            server.kill()
            await until(lambda: not wakes.heard)
            wakes.of("ws_1").tell(PLANS)
            await asyncio.sleep(0.1)
            server.start()
            await until(lambda: wakes.heard)
        wrong = server.url.replace("marked-password", "marked-wrong")
        async with RedisWakes(SecretStr(wrong)) as wakes:
            await until(lambda: "AuthenticationError" in caplog.text)
            assert not wakes.heard
    assert f"redis://127.0.0.1:{server.port}/0" in caplog.text
    assert "marked" not in caplog.text


async def test_that_redis_is_lost_is_told_once_and_so_is_that_it_is_back(caplog, redis_server):
    caplog.set_level(logging.WARNING)

    def told():
        return [record.getMessage().partition(":")[0].partition(" at ")[0] for record in caplog.records]

    redis_server.kill()
    async with RedisWakes(SecretStr(redis_server.url)) as wakes:
        for _ in range(2):
            await until(lambda: told()[-1:] == ["Other replicas are not heard"])
            await asyncio.sleep(0.5)
            redis_server.start()
            await until(lambda: wakes.heard)
            redis_server.kill()
            await until(lambda: not wakes.heard)
    assert told()[:4] == ["Other replicas are not heard", "Other replicas are heard again"] * 2


async def test_a_first_try_that_comes_too_soon_is_not_told(caplog, redis_server, monkeypatch):
    caplog.set_level(logging.WARNING)
    follow, tries = RedisWakes._follow, []

    async def busy(self, subscription):
        tries.append(1)
        if len(tries) == 1:
            raise TimeoutError
        await follow(self, subscription)

    monkeypatch.setattr(RedisWakes, "_follow", busy)
    async with replica(redis_server.url):
        assert len(tries) == 2
    assert not caplog.records


@pytest.mark.promise("replicas-wake-each-other")
@pytest.mark.parametrize("lost", [False, True], ids=["heard", "redis killed while it waits"])
async def test_a_signature_in_another_process_ends_the_wait_here(redis_server, tmp_path, lost, monkeypatch):
    if lost:
        monkeypatch.setattr("deskclerk.desk.approvals.signing._POLL_SECONDS", 0.05)
    else:
        monkeypatch.setattr("deskclerk.desk.approvals.signing._POLL_SECONDS", LONG)
    home = tmp_path / "home"
    settings = Settings(home=home, secret_key="sk_test_x", approval_wait=25)
    transport = httpx2.MockTransport(TinyClerk())
    async with (
        replica(redis_server.url) as wakes,
        Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk,
        Desk(settings, clerk=clerk, workspace=workspace_of(settings, wakes)) as desk,
    ):
        call, ended = asyncio.create_task(desk.perform(BAN)), []
        call.add_done_callback(lambda _: ended.append(time.time()))
        while not await desk.plans.waiting():  # noqa: ASYNC110 - the call is about to make it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        if lost:
            redis_server.kill()
        signed_at = await in_another_process(redis_server.url, home, "sign")
        async with asyncio.timeout(5):
            await call
        assert ended[0] - signed_at < 2
        if lost:
            redis_server.start()


async def test_a_signature_is_for_its_workspace_alone_and_wakes_nobody_else(redis_server):
    async with replica(redis_server.url) as wakes:
        with wakes.of("ws_1").listening(PLANS) as bell, wakes.of("ws_2").listening(PLANS) as other:
            await in_another_process(redis_server.url, "", "tell", "ws_1", PLANS)
            async with asyncio.timeout(5):
                assert await bell.rings(LONG)
            assert not await other.rings(LONG, 0.05)


async def in_another_process(url, home, *words):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.hosted.other_replica",
        url,
        str(home),
        *words,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return float(told)
