"""The desk's database, in a SQLite file or on PostgreSQL: one journal, one chain, signatures used once."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.desk.conftest import Person

from deskclerk.catalogue import BanUser, GetUser
from deskclerk.database import open_database
from deskclerk.desk import Caller
from deskclerk.desk.journal import queries
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.plans.store import PlanStore
from deskclerk.errors import ApprovalRefused, StorageUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def kept(place, tmp_path):
    """The settings for a desk's database, and where it is."""
    on_server = "://" in str(place)
    return ({"database": place}, place) if on_server else ({}, tmp_path / "home" / "desk.db")


async def test_what_was_done_is_chained_and_found(open_desk, kept):
    settings, _ = kept
    async with open_desk(approver=Person(), **settings) as desk:
        await desk.perform(BanUser(user_id="user_1"), caller=Caller("cli", "Terminal 50%"))
        await desk.perform(GetUser(user_id="user_1"), caller=Caller("mcp", "Agent"))
    async with open_desk(**settings) as desk:
        assert (await desk.journal.verify()).fault is None
        journal = desk.journal
        for choice, actions in (
            (EntryFilter(), ["clerk_user_ban", "clerk_user_get"]),
            (EntryFilter(caller="terminal 50%"), ["clerk_user_ban"]),
            (EntryFilter(caller="terminal 5_%"), []),
            (EntryFilter(target="user_1", action="clerk_*_get"), ["clerk_user_get"]),
        ):
            assert [entry["action"] for entry in await journal.entries(choice)] == actions


@pytest.mark.parametrize("change", ["UPDATE events SET note = 'x'", "DELETE FROM events"])
async def test_the_database_itself_keeps_the_journal_append_only(open_desk, kept, change):
    settings, place = kept
    async with open_desk(**settings) as desk:
        await desk.perform(GetUser(user_id="user_1"), caller=Caller("cli"))
    database = open_database(place)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.writing() as connection:
            await connection.execute(text(change))
    await database.dispose()


@pytest.mark.promise("several-desks")
async def test_desks_that_write_at_once_keep_one_chain(open_desk, kept):
    settings, _ = kept
    async with open_desk(**settings) as first, open_desk(**settings) as second:
        await asyncio.gather(
            *(
                (first, second)[n % 2].perform(GetUser(user_id="user_1"), caller=Caller("cli"))
                for n in range(20)
            )
        )
    async with open_desk(**settings) as desk:
        found = await desk.journal.verify()
    assert (found.fault, found.head.seq) == (None, 20)


async def test_reads_are_noted_once_where_the_answer_to_a_commit_was_lost(open_desk, kept, monkeypatch):
    settings, _ = kept
    real = queries.append

    async def lost(*arguments):
        await real(*arguments)
        raise StorageUnavailable("the server closed the connection")

    async def refused(*_arguments):
        raise StorageUnavailable("the server is not there")

    async with open_desk(**settings) as desk:
        for failing in (lost, refused, lost):
            await desk.perform(GetUser(user_id="user_1"), caller=Caller("cli"))
            with monkeypatch.context() as patched:
                patched.setattr(queries, "append", failing)
                with pytest.raises(StorageUnavailable):
                    await desk.journal.flush()
        await desk.perform(GetUser(user_id="user_1"), caller=Caller("cli"))
        noted = [line["entry"] for line in await desk.journal.recent()]
        assert len(noted) == len(set(noted)) == 4
        assert (await desk.journal.verify()).fault is None
        assert not desk.journal._tried


async def test_how_a_write_ended_is_noted_once_when_that_can_be_again(
    open_desk, kept, monkeypatch, upstream, caplog
):
    settings, _ = kept
    real, failing = queries.append, ["lost", "refused", "lost"]
    monkeypatch.setattr("deskclerk.desk.journal.journal._BATCH_SECONDS", 0.01)

    async def away(database, rows, *more):
        rows = list(rows)
        if any(row["kind"] == "outcome" for row in rows) and failing:
            if failing.pop(0) == "lost":
                await real(database, rows, *more)
            raise StorageUnavailable("the server is not there")
        return await real(database, rows, *more)

    async with open_desk(approver=Person(), **settings) as desk:
        monkeypatch.setattr(queries, "append", away)
        answer = await desk.perform(BanUser(user_id="user_1"), caller=Caller("cli"))
        assert "could not be noted in the journal yet" in " ".join(answer.notes)
        # Nobody asks for anything more, and it is noted all the same.
        async with asyncio.timeout(20):
            while failing or desk.journal._batch:  # noqa: ASYNC110 - the journal tells nobody of it
                await asyncio.sleep(0.02)
        rows = await desk.journal.recent()
        assert [(row["kind"], row["outcome"]) for row in rows] == [("intent", None), ("outcome", "done")]
        assert (await desk.journal.verify()).fault is None
        assert not desk.journal._tried
    assert len(upstream.writes) == 1
    assert "Lines that wait to be noted in the journal: 1." in caplog.text


@pytest.mark.parametrize("committed", [True, False])
async def test_a_write_that_was_not_sent_as_its_intent_had_no_answer_is_not_left_open(
    open_desk, kept, monkeypatch, upstream, committed
):
    settings, _ = kept
    real, failing = queries.append, ["once"]
    monkeypatch.setattr("deskclerk.desk.journal.journal._BATCH_SECONDS", 0.01)

    async def away(database, rows, *more):
        rows = list(rows)
        if any(row["kind"] == "intent" for row in rows) and failing:
            failing.pop()
            if committed:
                await real(database, rows, *more)
            raise StorageUnavailable("the server is not there")
        return await real(database, rows, *more)

    async with open_desk(approver=Person(), **settings) as desk:
        monkeypatch.setattr(queries, "append", away)
        with pytest.raises(StorageUnavailable):
            await desk.perform(BanUser(user_id="user_1"), caller=Caller("cli"))
        assert upstream.writes == []
        async with asyncio.timeout(20):
            while desk.journal._batch or desk.journal._appending:  # noqa: ASYNC110 - the journal tells nobody
                await asyncio.sleep(0.02)
        rows = await desk.journal.recent()
        # What became of it stands there; of what is not there nothing is said.
        ends = [("intent", None), ("outcome", "not_done")] if committed else []
        assert [(row["kind"], row["outcome"]) for row in rows] == ends
        assert not desk.journal._tried
        # It can be asked for again.
        await desk.perform(BanUser(user_id="user_1"), caller=Caller("cli"))
        assert (await desk.journal.verify()).fault is None
    assert len(upstream.writes) == 1


async def test_a_desk_that_ends_before_it_can_note_how_a_write_ended_ends_well(open_desk, kept, monkeypatch):
    settings, _ = kept
    real = queries.append

    async def away(database, rows, *more):
        rows = list(rows)
        if any(row["kind"] == "outcome" for row in rows):
            raise StorageUnavailable("the server is not there")
        return await real(database, rows, *more)

    with monkeypatch.context() as patched:
        patched.setattr(queries, "append", away)
        async with open_desk(approver=Person(), **settings) as desk:
            await desk.perform(BanUser(user_id="user_1"), caller=Caller("cli"))
    async with open_desk(**settings) as desk:
        (entry,) = await desk.journal.recent()
        assert entry["outcome"] is None


@pytest.mark.promise("used-once", "several-desks")
async def test_of_two_desks_one_uses_a_signature_up(open_desk, kept, upstream):
    settings, _ = kept
    async with open_desk(approver=Person(), **settings) as first, open_desk(**settings) as second:
        await first.perform(BanUser(user_id="user_1"), caller=Caller("cli"))
        (line,) = await first.journal.entries(EntryFilter())
        for journal in (first.journal, second.journal):
            store = PlanStore(journal)
            stored = await store.load(line["plan"])
            with pytest.raises(ApprovalRefused, match="used already"):
                async with (await journal.database()).writing() as connection:
                    await store.use(connection, stored.plan, "again")
    assert len(upstream.writes) == 1


async def test_a_desk_that_lives_is_not_taken_for_gone_from_another_machine(open_desk, kept, tmp_path):
    settings, _ = kept
    if not settings:
        pytest.skip("a file is one machine's")
    async with open_desk(**settings) as first, open_desk(home=tmp_path / "elsewhere", **settings) as second:
        owner = first.journal.process_name()
        async with second.journal.gone(owner) as gone:
            assert not gone
        await first.journal.close()
        async with second.journal.gone(owner) as gone:
            assert gone
