"""Sealing and opening by several replicas, and what each keeps of keys in memory."""

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.vault.data_keys import Kept
from deskclerk.hosted.vault.key_wrapping import LocalKeys
from deskclerk.hosted.vault.sealing import SealBroken
from deskclerk.hosted.vault.tables import data_keys
from deskclerk.hosted.vault.vault import CHECKED_SECONDS
from deskclerk.hosted.workspaces.tables import instances
from tests.hosted.vault.conftest import KEY, OTHER_KEY

pytestmark = pytest.mark.anyio
TEXT = "sk_live_of_acme"


class Counting:
    """A wrapper that counts what it is asked, and can be made to fail or to wait."""

    name = "local"

    def __init__(self, *keys):
        self.keys, self.unwrapped, self.fails = LocalKeys(keys or (KEY,)), 0, False
        self.asked, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def wrap(self, key, bound):
        return await self.keys.wrap(key, bound)

    async def unwrap(self, wrapped, bound):
        self.unwrapped += 1
        self.asked.set()
        await self.gate.wait()
        if self.fails:
            raise StorageUnavailable.of("The vault", "it is away")
        return await self.keys.unwrap(wrapped, bound)


async def test_what_one_replica_seals_another_opens(one, replica, acme):
    sealed = await one.vault.seal(acme, "prod", "secret_key", TEXT)
    two = await replica()
    assert await two.vault.open(acme, "prod", "secret_key", sealed) == TEXT


@pytest.mark.promise("sealed-in-its-place")
async def test_a_value_that_was_moved_opens_for_no_other_workspace_instance_or_purpose(one, acme, bolt):
    sealed = await one.vault.seal(acme, "prod", "secret_key", TEXT)
    await one.vault.seal(bolt, "prod", "secret_key", "so that it has a key of this version too")
    elsewhere = [(bolt, "prod", "secret_key"), (acme, "dev", "secret_key"), (acme, "prod", "secret:ada")]
    for place in elsewhere:
        with pytest.raises(SealBroken):
            await one.vault.open(*place, sealed)


@pytest.mark.promise("sealed-in-its-place")
async def test_a_data_key_that_was_moved_to_another_workspace_does_not_unwrap(one, replica, acme, bolt):
    await one.vault.seal(acme, "prod", "secret_key", TEXT)
    sealed = await one.vault.seal(bolt, "prod", "secret_key", TEXT)
    async with one.database.of(acme).reading() as connection:
        wrapped = (await connection.execute(select(data_keys.c.wrapped))).scalar()
    async with one.database.of(bolt).writing() as connection:
        await connection.execute(update(data_keys).values(wrapped=wrapped))
    with pytest.raises(StorageUnavailable, match="another workspace's"):
        await (await replica()).vault.open(bolt, "prod", "secret_key", sealed)


@pytest.mark.promise("vault-key")
async def test_another_vault_key_opens_nothing_and_says_which_one_would(one, replica, acme):
    sealed = await one.vault.seal(acme, "prod", "secret_key", TEXT)
    stranger = await replica(OTHER_KEY)
    with pytest.raises(StorageUnavailable, match="was wrapped with the key"):
        await stranger.vault.open(acme, "prod", "secret_key", sealed)
    with pytest.raises(StorageUnavailable, match="was wrapped with the key"):
        await stranger.vault.seal(acme, "prod", "secret_key", TEXT)
    assert await one.vault.open(acme, "prod", "secret_key", sealed) == TEXT


@pytest.mark.promise("sealed-in-its-place")
async def test_an_instances_key_does_not_open_for_another_address_or_name(one, acme):
    await one.workspaces.add_instance(acme, "prod", SecretStr(TEXT))
    for change in ({"api_url": "https://elsewhere.example"}, {"api_url": None, "name": "dev"}):
        async with one.database.of(acme).writing() as connection:
            await connection.execute(update(instances).values(change))
        with pytest.raises(SealBroken):
            await one.workspaces.key_of(acme, change.get("name", "prod"))


async def test_replicas_that_need_the_first_key_at_once_make_one(replica, acme):
    replicas = [await replica() for _ in range(4)]
    sealed = await asyncio.gather(*(item.vault.seal(acme, "", "x", TEXT) for item in replicas * 3))
    assert list(await replicas[0].vault.keys.versions(acme)) == [1]
    fresh = await replica()
    assert {await fresh.vault.open(acme, "", "x", item) for item in sealed} == {TEXT}


async def test_a_key_is_unwrapped_once_for_all_who_ask_and_anew_when_its_time_is_over(one, replica, acme):
    sealed = await one.vault.seal(acme, "", "x", TEXT)
    counting = Counting()
    keeps = await replica(wrapper=counting)
    await asyncio.gather(*(keeps.vault.open(acme, "", "x", sealed) for _ in range(20)))
    assert counting.unwrapped == 1
    forgets = await replica(wrapper=counting, key_seconds=0)
    for _ in range(3):
        await forgets.vault.open(acme, "", "x", sealed)
    assert counting.unwrapped == 1 + 3


async def test_a_vault_that_was_away_is_asked_again(one, replica, acme):
    sealed = await one.vault.seal(acme, "", "x", TEXT)
    counting = Counting()
    counting.fails = True
    two = await replica(wrapper=counting)
    with pytest.raises(StorageUnavailable, match="away"):
        await two.vault.open(acme, "", "x", sealed)
    counting.fails = False
    assert await two.vault.open(acme, "", "x", sealed) == TEXT


async def test_one_who_goes_away_takes_the_answer_from_nobody(one, replica, acme):
    sealed = await one.vault.seal(acme, "", "x", TEXT)
    counting = Counting()
    counting.gate.clear()
    two = await replica(wrapper=counting)
    first, second = (asyncio.create_task(two.vault.open(acme, "", "x", sealed)) for _ in range(2))
    await counting.asked.wait()
    first.cancel()
    counting.gate.set()
    assert await second == TEXT
    assert counting.unwrapped == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_whether_the_vault_opens_what_is_stored_is_asked_of_it_and_not_at_every_look(
    one, replica, acme, bolt, monkeypatch
):
    moment = 100.0
    monkeypatch.setattr("deskclerk.hosted.vault.data_keys.time.monotonic", lambda: moment)
    counting = Counting()
    two = await replica(wrapper=counting)
    # A desk that has no workspace yet: a key of its own is wrapped and unwrapped.
    await two.vault.check(two.database.whole)
    assert counting.unwrapped == 1
    for workspace in (acme, bolt):
        await one.vault.seal(workspace, "", "x", TEXT)
    for _ in range(3):
        await two.vault.check(two.database.whole)
    assert counting.unwrapped == 1
    moment += CHECKED_SECONDS
    await two.vault.check(two.database.whole)
    assert counting.unwrapped == 2
    # What is in memory does not answer for a vault that has gone away.
    moment += CHECKED_SECONDS
    counting.fails = True
    with pytest.raises(StorageUnavailable, match="it is away"):
        await two.vault.check(two.database.whole)
    counting.fails = False
    await two.vault.check(two.database.whole)


async def test_a_vault_key_that_is_another_than_before_is_found_and_one_bad_row_is_its_workspaces_alone(
    one, replica, acme, bolt
):
    for workspace in (acme, bolt):
        await one.vault.seal(workspace, "", "x", TEXT)
    stranger = await replica(OTHER_KEY)
    with pytest.raises(StorageUnavailable, match="it was wrapped with the key"):
        await stranger.vault.check(stranger.database.whole)
    async with one.database.whole.writing() as connection:
        damaged = update(data_keys).where(data_keys.c.workspace == acme)
        await connection.execute(damaged.values(wrapped="local:0000:AAAA"))
    await one.vault.check(one.database.whole)


async def test_what_is_kept_is_bounded_in_number_and_in_time(monkeypatch):
    moment = 100.0
    monkeypatch.setattr("deskclerk.hosted.vault.data_keys.time.monotonic", lambda: moment)
    kept, asked = Kept(10.0, most=3), []

    async def ask(name):
        async def answer():
            asked.append(name)
            return name

        return await kept.get(name, answer)

    for name in (1, 2, 3, 1, 4, 4):
        assert await ask(name) == name
    assert (asked, len(kept)) == ([1, 2, 3, 4], 3)
    await ask(1)
    assert asked == [1, 2, 3, 4, 1]
    moment += 10.0
    assert len(kept) == 0
    await ask(1)
    assert asked == [1, 2, 3, 4, 1, 1]
