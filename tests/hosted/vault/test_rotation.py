"""New keys in place of old ones while replicas read and write."""

import asyncio
import json
from itertools import count

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text, update

from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.job import WAITING, Item
from deskclerk.desk.jobs.store import JobStore
from deskclerk.desk.journal.heads import Head
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import StorageUnavailable
from deskclerk.faces.cli.main import main
from deskclerk.hosted.notifications.destinations import Destinations
from deskclerk.hosted.retention.checkpoints import Checkpoints
from deskclerk.hosted.vault.rotation import AT_ONCE, Rotation
from deskclerk.hosted.vault.sealed_columns import SEALED
from deskclerk.hosted.vault.sealing import SealBroken
from deskclerk.hosted.vault.tables import data_keys, sealed_secrets
from tests.hosted.vault.conftest import KEY, OTHER_KEY, text_of

pytestmark = pytest.mark.anyio
LIVE = "sk_live_made_up_canary"
HOOK, HOOK_SECRET = "address-canary", "c2VjcmV0IG9mIGEgd2ViaG9vayBjYW5hcnk="
HANDED = {"object": "oauth_application", "id": "oa_1", "client_secret": "handed-over-canary"}


async def fill(replica, workspace):
    """Something sealed in every column that holds sealed values; what reads it all again."""
    await replica.workspaces.add_instance(workspace, "prod", SecretStr(LIVE))
    await replica.secrets(workspace).write("ada", "named-canary")
    digest_key = await replica.secrets(workspace).digest_key()
    await replica.handovers(workspace).keep(HANDED)
    (handover,) = await replica.handovers(workspace).listed()
    checkpoints = Checkpoints(replica.database, replica.vault)
    key = await checkpoints.key(workspace)
    async with replica.database.whole.writing() as connection:
        await checkpoints.make(connection, workspace, Head(7, "a" * 64), key)
    places = Destinations(replica.database, replica.vault, lambda: None)
    address, secret = SecretStr(f"https://hooks.example.com/{HOOK}"), SecretStr(f"whsec_{HOOK_SECRET}")
    hook = await places.add(workspace, "ops", "webhook", address=address, secret=secret, by="per_1")
    store = job_store(replica, workspace)
    instance = Instance("test:1", "test", "test instance", "https://clerk.test")
    job = f"job_{workspace}"
    await store.begin(job, instance, Caller("mcp"), "bulk", title="x", options={}, owner=None)
    secrets = {"password": "item-canary"}
    await store.add_items(job, [Item(1, "clerk_user_update", {}, "x", WAITING, secrets=secrets)])

    async def read(by, *, take=False):
        (item,) = await job_store(by, workspace).items(job)
        handed = await by.handovers(workspace).take(handover.id) if take else None
        opened = await Destinations(by.database, by.vault, lambda: None).open(workspace, hook.id)
        return {
            "destination": (opened.address, opened.secret) == (address, secret),
            "instance": (await by.workspaces.key_of(workspace, "prod"))[1].get_secret_value() == LIVE,
            "named": await by.secrets(workspace).read("ada") == "named-canary",
            "digest": await by.secrets(workspace).digest_key() == digest_key,
            "item": item.secrets == secrets,
            "checkpoint": (await Checkpoints(by.database, by.vault).newest(workspace)).head.seq == 7,
            "handed": not take or handed.values == {"client_secret": "handed-over-canary"},
        }

    return read


def job_store(replica, workspace):
    return JobStore(Journal(replica.database.storage(workspace)), replica.items(workspace))


ALL_RIGHT = dict.fromkeys(
    ("destination", "instance", "named", "digest", "item", "checkpoint", "handed"), True
)


async def texts(replica):
    """Every text of every column of the database, by table and column."""
    async with replica.database.whole.reading() as connection:
        columns = await connection.execute(
            text("SELECT table_name, column_name FROM information_schema.columns "
                 "WHERE table_schema = 'public' AND data_type IN ('text', 'json', 'character varying')")
        )  # fmt: skip
        found = {}
        for table, column in columns.all():
            rows = await connection.execute(text(f'SELECT "{column}"::text FROM "{table}"'))
            found[table, column] = [value for (value,) in rows if value is not None]
    return found


@pytest.mark.promise("keys-change-while-it-runs")
async def test_every_sealed_value_is_sealed_anew_and_opens_on_a_replica_that_had_the_old_key(
    one, replica, acme, bolt
):
    read, others = await fill(one, acme), await fill(one, bolt)
    two = await replica()
    assert await read(two) == ALL_RIGHT
    rotation = one.rotation()
    assert await rotation.new_version(acme) == 2
    rotated = await rotation.seal_anew(acme)
    assert (rotated.version, rotated.sealed_anew, rotated.dropped, rotated.broken) == (2, 7, 0, ())
    # In the memory of the second one the first version is the newest; it opens both.
    assert await read(two) == ALL_RIGHT
    assert await read(one, take=True) == ALL_RIGHT
    left = [value for values in (await texts(one)).values() for value in values if "dk1.1." in value]
    assert len(left) == 7  # the other workspace's
    assert await others(one, take=True) == ALL_RIGHT


async def test_every_column_with_sealed_values_is_one_that_rotation_knows(one, acme):
    await fill(one, acme)
    holding = {
        place for place, values in (await texts(one)).items() if any("dk1." in item for item in values)
    }
    assert holding == {(item.column.table.name, item.column.name) for item in SEALED}


@pytest.mark.promise("keys-change-while-it-runs")
async def test_no_value_is_lost_while_writers_write_and_readers_read(one, replica, acme):
    replicas = [await replica(newest_seconds=0.05) for _ in range(3)]
    for number in range(AT_ONCE + 20):
        await one.secrets(acme).write(f"old-{number}", f"value of old-{number}")
    stop, written, read = asyncio.Event(), {}, 0

    async def write(by, name):
        for number in count():
            if stop.is_set():
                return
            await by.secrets(acme).write(name, f"{name} {number}")
            written[name] = f"{name} {number}"

    async def read_old(by):
        nonlocal read
        for number in count():
            if stop.is_set():
                return
            name = f"old-{number % (AT_ONCE + 20)}"
            assert await by.secrets(acme).read(name) == f"value of {name}"
            read += 1

    async with asyncio.TaskGroup() as tasks:
        for place, by in enumerate(replicas):
            tasks.create_task(write(by, f"new-{place}"))
            tasks.create_task(read_old(by))
        rotation = one.rotation()
        for _ in range(3):
            await rotation.new_version(acme)
            await rotation.seal_anew(acme)
        stop.set()
    assert read
    assert len(written) == 3
    await asyncio.sleep(0.06)
    rotated = await rotation.seal_anew(acme)
    assert rotated.broken == ()
    fresh = await replica()
    for name, value in written.items():
        assert await fresh.secrets(acme).read(name) == value
    async with one.database.of(acme).reading() as connection:
        values = [row.sealed for row in await connection.execute(select(sealed_secrets.c.sealed))]
    assert len(values) == AT_ONCE + 20 + 3
    assert {value[:6] for value in values} == {"dk1.4."}


async def test_what_a_replica_seals_with_the_version_before_is_sealed_anew_after_it_has_noticed(
    one, replica, acme
):
    late = await replica()
    await late.secrets(acme).write("before", "x")
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    rotation = one.rotation(sleep=sleep)
    await rotation.new_version(acme)
    await rotation.seal_anew(acme)
    await late.secrets(acme).write("after", "y")
    await rotation.wait_for_replicas()
    assert waited[0] > late.vault.keys.newest_seconds
    assert (await rotation.seal_anew(acme)).sealed_anew == 1
    assert await late.secrets(acme).read("after") == "y"


async def test_a_replica_notices_a_new_version_in_time_and_the_one_that_made_it_at_once(one, replica, acme):
    two = await replica(newest_seconds=0)
    for by, name in ((one, "here"), (two, "there")):
        await by.secrets(acme).write(name, "x")
    await one.rotation().new_version(acme)
    for by, name in ((one, "here"), (two, "there")):
        await by.secrets(acme).write(name, "y")
    async with one.database.of(acme).reading() as connection:
        values = list((await connection.execute(select(sealed_secrets.c.sealed))).scalars())
    assert [value[:6] for value in values] == ["dk1.2.", "dk1.2."]


async def test_a_value_that_does_not_open_is_told_left_alone_and_stops_nothing(one, acme):
    for number in range(AT_ONCE + 5):
        await one.secrets(acme).write(f"name-{number:03}", "x")
    async with one.database.of(acme).writing() as connection:
        moved = update(sealed_secrets).where(sealed_secrets.c.name.in_(["name-000", "name-101"]))
        await connection.execute(moved.values(instance="dev"))
    rotation = one.rotation()
    await rotation.new_version(acme)
    rotated = await rotation.seal_anew(acme)
    assert sorted(rotated.broken) == [
        "sealed_secrets.sealed (secret:name-000)",
        "sealed_secrets.sealed (secret:name-101)",
    ]
    assert rotated.sealed_anew == AT_ONCE + 3
    with pytest.raises(SealBroken):
        await one.secrets(acme, "dev").read("name-000")


async def test_a_version_goes_when_it_seals_nothing_for_an_hour_and_holds_nothing(one, replica, acme):
    await one.secrets(acme).write("ada", "x")
    rotation = one.rotation()
    await rotation.new_version(acme)
    assert (await rotation.seal_anew(acme)).dropped == 0
    async with one.database.of(acme).writing() as connection:
        long_ago = update(data_keys).where(data_keys.c.version == 2).values(created_at=now() - 4_000_000)
        await connection.execute(long_ago)
    assert (await rotation.seal_anew(acme)).dropped == 1
    assert list(await one.vault.keys.versions(acme)) == [2]
    assert await (await replica()).secrets(acme).read("ada") == "x"


async def test_a_version_that_still_holds_something_stays_however_old(one, acme):
    await one.secrets(acme).write("ada", "x")
    async with one.database.of(acme).writing() as connection:
        await connection.execute(update(sealed_secrets).values(instance="dev"))
    rotation = one.rotation()
    await rotation.new_version(acme)
    async with one.database.of(acme).writing() as connection:
        await connection.execute(update(data_keys).values(created_at=1))
    assert (await rotation.seal_anew(acme)).dropped == 0
    assert list(await one.vault.keys.versions(acme)) == [1, 2]


@pytest.mark.promise("keys-change-while-it-runs")
async def test_data_keys_wrapped_anew_open_with_the_new_vault_key_alone(one, replica, acme):
    read = await fill(one, acme)
    before = await texts(one)
    both = await replica(OTHER_KEY, KEY)
    assert await both.rotation().wrap_data_keys_anew(acme) == 1
    assert await read(await replica(OTHER_KEY), take=False) == ALL_RIGHT
    with pytest.raises(StorageUnavailable, match="was wrapped with the key"):
        await read(await replica(KEY))
    # What has the old key in memory goes on meanwhile, and no sealed value has changed.
    assert await read(one) == ALL_RIGHT
    after = await texts(one)
    assert {place for place in after if after[place] != before[place]} == {("data_keys", "wrapped")}


async def test_keys_can_be_wrapped_anew_by_two_at_once(replica, acme, one):
    await fill(one, acme)
    several = [await replica(OTHER_KEY, KEY) for _ in range(3)]
    await asyncio.gather(*(item.rotation().wrap_data_keys_anew(acme) for item in several))
    assert await (await replica(OTHER_KEY)).secrets(acme).read("ada") == "named-canary"


async def test_a_workspace_without_keys_has_nothing_to_change(one, acme):
    assert await one.rotation().wrap_data_keys_anew(acme) == 0
    assert (await one.rotation().seal_anew(acme)).version == 0


# On the command line.


@pytest.fixture
def operator(url, monkeypatch, capsys):
    """Runs a command with the settings of the hosted desk: its exit code, lines and errors."""
    monkeypatch.setenv("DESKCLERK_DATABASE", url)
    monkeypatch.setenv("DESKCLERK_VAULT_KEY", text_of(OTHER_KEY, KEY))

    async def no_wait(self):
        del self

    monkeypatch.setattr(Rotation, "wait_for_replicas", no_wait)

    async def run(*words):
        code = await asyncio.to_thread(main, ["hosted", *words])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


async def test_the_command_changes_both_keys_of_every_workspace(one, replica, acme, bolt, operator):
    read, others = await fill(one, acme), await fill(one, bolt)
    code, lines, _ = await operator("rotate-keys", "--vault-key", "--data-keys")
    assert code == 0
    assert lines == [
        {"workspace": slug, "wrapped_anew": 1, "version": 2, "sealed_anew": 7, "dropped": 0}
        for slug in ("acme", "bolt")
    ]
    fresh = await replica(OTHER_KEY)
    assert (await read(fresh, take=True), await others(fresh, take=True)) == (ALL_RIGHT, ALL_RIGHT)


async def test_the_command_keeps_to_one_workspace_and_says_what_did_not_open(one, acme, bolt, operator):
    for workspace in (acme, bolt):
        await one.secrets(workspace).write("ada", "x")
        async with one.database.of(workspace).writing() as connection:
            await connection.execute(update(sealed_secrets).values(instance="dev"))
    code, lines, _ = await operator("rotate-keys", "--data-keys", "--workspace", "acme")
    assert (code, len(lines)) == (1, 1)
    assert lines[0]["broken"] == ["sealed_secrets.sealed (secret:ada)"]
    assert [list(await one.vault.keys.versions(item)) for item in (acme, bolt)] == [[1, 2], [1]]


async def test_a_command_that_does_not_say_enough_does_nothing_and_says_what_is_missing(
    one, acme, operator, monkeypatch
):
    code, _, said = await operator("rotate-keys")
    assert (code, "--vault-key, --data-keys, or both" in said) == (2, True)
    code, _, said = await operator("rotate-keys", "--data-keys", "--workspace", "nobody")
    assert (code, "no workspace nobody" in said) == (2, True)
    monkeypatch.delenv("DESKCLERK_VAULT_KEY")
    code, _, said = await operator("rotate-keys", "--vault-key")
    assert (code, "openssl rand -base64 32" in said) == (2, True)
    monkeypatch.delenv("DESKCLERK_DATABASE")
    code, _, said = await operator("rotate-keys", "--vault-key")
    assert (code, "DESKCLERK_DATABASE" in said) == (2, True)
