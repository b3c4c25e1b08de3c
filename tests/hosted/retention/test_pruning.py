"""A journal that was cut off: what is left is still chained, and nobody else can cut it."""

import asyncio

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.heads import Head
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.tables import events
from deskclerk.errors import InvalidRequest, StorageUnavailable
from deskclerk.hosted.retention import pruning as pruning_module
from deskclerk.hosted.retention.checkpoints import Checkpoints
from deskclerk.hosted.retention.pruning import Pruning
from deskclerk.hosted.retention.tables import checkpoints as checkpoint_rows
from tests.hosted.conftest import PlainSealer

pytestmark = pytest.mark.anyio
HERE = Instance("test:abc", "test", "test instance", "https://api.clerk.com")
MODEL = Caller("mcp")
DAY = 86_400_000


@pytest.fixture
def checkpoints(hosted):
    return Checkpoints(hosted, PlainSealer())


@pytest.fixture
def pruning(hosted, checkpoints):
    return Pruning(hosted, checkpoints)


@pytest.fixture
async def acme(workspaces):
    return (await workspaces.create("acme", "Acme")).id


@pytest.fixture
async def journal(hosted, checkpoints, acme):
    found = Journal(hosted.storage(acme, checkpoints.beginning))
    yield found
    await found.close()


def days_ago(monkeypatch, number):
    from deskclerk.desk.journal import records  # noqa: PLC0415
    from deskclerk.desk.time_and_ids import now  # noqa: PLC0415

    monkeypatch.setattr(records, "now", lambda: now() - number * DAY)


async def reads(journal, number):
    for _ in range(number):
        await journal.read(HERE, MODEL, ListUsers.parse({}), "done")
    await journal.flush()


async def lines(hosted, workspace):
    async with hosted.of(workspace).reading() as connection:
        return (await connection.execute(select(func.count()).select_from(events))).scalar()


async def test_what_is_old_goes_and_the_rest_is_still_a_chain(hosted, journal, pruning, acme, monkeypatch):
    days_ago(monkeypatch, 40)
    await reads(journal, 7)
    days_ago(monkeypatch, 1)
    await reads(journal, 3)
    found = await pruning.prune(acme, 30)
    assert (found.lines, found.behind.seq) == (7, 7)
    check = await journal.verify()
    assert (check.fault, check.head.seq) == (None, 10)
    await reads(journal, 2)
    assert (await journal.verify()).head.seq == 12
    assert (await pruning.prune(acme, 30)).lines == 0


async def test_it_goes_in_batches_each_behind_a_checkpoint(hosted, journal, pruning, acme, monkeypatch):
    monkeypatch.setattr(pruning_module, "_AT_ONCE", 3)
    days_ago(monkeypatch, 40)
    await reads(journal, 8)
    assert (await pruning.prune(acme, 30)).lines == 7  # the last line of all stays
    async with hosted.of(acme).reading() as connection:
        made = (await connection.execute(select(checkpoint_rows.c.seq))).scalars().all()
    assert sorted(made) == [3, 6, 7]
    assert (await journal.verify()).fault is None


async def test_a_write_of_which_no_end_is_known_keeps_everything_behind_it(
    journal, pruning, acme, monkeypatch
):
    days_ago(monkeypatch, 40)
    await reads(journal, 2)
    ban = BanUser.parse({"user_id": "user_2abcdefghijklmnopqrstuvwxyz"})
    intent = await journal.intent(HERE, MODEL, ban, plan_id=None, how="x", seen=[], undoes=None)
    await reads(journal, 2)
    assert (await pruning.prune(acme, 30)).lines == 2
    await journal.outcome(intent, "done")
    assert (await pruning.prune(acme, 30)).lines == 3


async def test_what_is_missing_behind_the_checkpoint_is_a_fault(hosted, journal, pruning, acme, monkeypatch):
    days_ago(monkeypatch, 40)
    await reads(journal, 4)
    days_ago(monkeypatch, 1)
    await reads(journal, 4)
    await pruning.prune(acme, 30)
    async with hosted.whole.writing() as connection:
        await connection.execute(text("ALTER TABLE events DISABLE TRIGGER events_append_only"))
        await connection.execute(delete(events).where(events.c.seq == 5))
        await connection.execute(text("ALTER TABLE events ENABLE TRIGGER events_append_only"))
    fault = (await journal.verify()).fault
    assert (fault.seq, fault.problem) == (5, "removed: line 5 is missing")


async def test_a_checkpoint_that_somebody_moved_is_found_out(hosted, journal, pruning, acme, monkeypatch):
    days_ago(monkeypatch, 40)
    await reads(journal, 4)
    days_ago(monkeypatch, 1)
    await reads(journal, 4)
    await pruning.prune(acme, 30)
    async with hosted.whole.writing() as connection:
        row = (await connection.execute(select(events.c.seq, events.c.hash).where(events.c.seq == 6))).one()
        await connection.execute(update(checkpoint_rows).values(seq=row.seq, hash=row.hash))
    with pytest.raises(StorageUnavailable, match="not signed by this workspace"):
        await journal.verify()


async def test_another_workspaces_checkpoint_is_none_here(hosted, workspaces, checkpoints, acme):
    bolt = (await workspaces.create("bolt", "Bolt")).id
    key = await checkpoints.key(acme)
    async with hosted.whole.writing() as connection:
        await checkpoints.make(connection, acme, Head(5, "a" * 64), key)
    async with hosted.whole.writing() as connection:
        await connection.execute(update(checkpoint_rows).values(workspace=bolt))
    with pytest.raises(StorageUnavailable, match="not signed"):
        await checkpoints.newest(bolt)


async def test_a_line_that_was_noted_and_is_cut_off_is_told(journal, pruning, acme, monkeypatch):
    days_ago(monkeypatch, 40)
    await reads(journal, 3)
    noted = str((await journal.verify()).head)
    await reads(journal, 3)
    await pruning.prune(acme, 30)
    with pytest.raises(InvalidRequest, match="Line 3 was cut off"):
        await journal.verify(noted)


async def test_the_role_of_workspaces_cannot_cut_even_with_the_setting(hosted, journal, acme):
    await reads(journal, 2)
    async with hosted.of(acme).writing() as connection:
        await connection.of.execute(text("SET LOCAL deskclerk.pruning = 'on'"))
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(delete(events))


async def test_who_checks_while_it_is_cut_off_finds_no_fault(journal, pruning, acme, monkeypatch):
    monkeypatch.setattr(pruning_module, "_AT_ONCE", 2)
    days_ago(monkeypatch, 40)
    await reads(journal, 60)

    async def check():
        for _ in range(20):
            assert (await journal.verify()).fault is None

    await asyncio.gather(check(), pruning.prune(acme, 30))
    assert (await journal.verify()).head.seq == 60
