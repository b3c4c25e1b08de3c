import asyncio
import sqlite3
import sys
from contextlib import closing

import httpx2
import pytest

from deskclerk.catalogue import BanUser, GetUser, ListUsers, UpdateUser
from deskclerk.database import open_database
from deskclerk.desk import Caller
from deskclerk.desk.journal.queries import append, last
from deskclerk.desk.journal.records import EntryFilter, printable
from deskclerk.errors import DeskclerkError, InvalidRequest, NotFound

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")


@pytest.fixture
def tamper(tmp_path):
    """Change the file behind the desk's back, as somebody with access to it can."""

    def run(*statements, triggers=False):
        with closing(sqlite3.connect(tmp_path / "home" / "desk.db", isolation_level=None)) as database:
            if not triggers:
                database.execute("drop trigger events_no_update")
                database.execute("drop trigger events_no_delete")
            for statement in statements:
                database.execute(statement)

    return run


@pytest.fixture
async def ten_lines(open_desk):
    async with open_desk() as desk:
        for _ in range(10):
            await desk.perform(ListUsers())


async def fault(open_desk, noted=None):
    async with open_desk() as desk:
        found = await desk.journal.verify(noted)
    return found.fault and (found.fault.seq, found.fault.problem.partition(":")[0])


async def test_a_good_answers_status_and_trace_id_are_kept_and_a_refusals_code_too(open_desk, upstream):
    async with open_desk(confirm="never") as desk:
        await desk.perform(BAN)
        await desk.perform(ListUsers())
        with pytest.raises(NotFound):
            await desk.perform(GetUser(user_id="user_2"))
        said = [
            (line["status"], line["code"], line["trace_id"])
            for line in await desk.journal.entries(EntryFilter())
        ]
    assert said == [(200, None, "trace-1"), (200, None, None), (404, "resource_not_found", None)]


async def test_an_untouched_journal_is_whole(open_desk, ten_lines):
    async with open_desk() as desk:
        found = await desk.journal.verify()
    assert (found.fault, found.head.seq) == (None, 10)


@pytest.mark.promise("the-journal")
@pytest.mark.parametrize("verb", ["update events set outcome = 'x'", "delete from events where seq = 3"])
async def test_the_database_itself_refuses_to_change_the_journal(ten_lines, tamper, verb):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        tamper(verb, triggers=True)


@pytest.mark.promise("the-journal")
@pytest.mark.parametrize(
    "column",
    ["at", "entry", "kind", "instance", "face", "client", "action", "target", "arguments", "outcome", "note"],
)
async def test_an_altered_line_is_found(open_desk, ten_lines, tamper, column):
    tamper(f"update events set \"{column}\" = '7' where seq = 4")
    assert await fault(open_desk) == (4, "altered")


@pytest.mark.promise("the-journal")
async def test_a_removed_line_is_found(open_desk, ten_lines, tamper):
    tamper("delete from events where seq = 4")
    assert await fault(open_desk) == (4, "removed")


async def test_a_removed_beginning_is_found(open_desk, ten_lines, tamper):
    tamper("delete from events where seq < 4")
    assert await fault(open_desk) == (1, "removed")


async def test_a_removed_end_is_found(open_desk, ten_lines, tamper):
    tamper("delete from events where seq > 8")
    assert await fault(open_desk) == (9, "removed")


async def test_lines_that_changed_places_are_found(open_desk, ten_lines, tamper):
    tamper(
        "update events set seq = 99 where seq = 4",
        "update events set seq = 4 where seq = 5",
        "update events set seq = 5 where seq = 99",
    )
    assert await fault(open_desk) == (4, "altered")


async def test_a_forged_end_is_found_by_a_head_noted_before(open_desk, ten_lines, tamper):
    async with open_desk() as desk:
        noted = str((await desk.journal.verify()).head)
    tamper(
        "delete from events where seq > 8",
        "update heads set seq = 8, hash = (select hash from events where seq = 8)",
    )
    assert await fault(open_desk) is None
    assert await fault(open_desk, noted) == (9, "removed")


async def test_a_head_that_is_none_is_told(open_desk):
    with pytest.raises(InvalidRequest, match="head"):
        await fault(open_desk, "7:abc")


WRITER = """
import asyncio, sys
from pathlib import Path
from deskclerk.catalogue import ListUsers
from deskclerk.database import open_database
from deskclerk.desk import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.storage import OwnStorage

async def main():
    journal = Journal(OwnStorage(Path(sys.argv[1])))
    instance = Instance("test:1", "test", "test", "x")
    for _ in range(40):
        await journal.read(instance, Caller("cli"), ListUsers(), "done")
        await journal.flush()
    await journal.close()
asyncio.run(main())
"""


async def test_processes_that_write_at_once_keep_one_chain(open_desk, tmp_path, ten_lines):
    path = tmp_path / "home" / "desk.db"
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path)) for _ in range(3)
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    async with open_desk() as desk:
        found = await desk.journal.verify()
    assert (found.fault, found.head.seq) == (None, 130)


async def test_ten_thousand_lines_are_checked_to_the_last(open_desk, tmp_path, ten_lines, tamper):
    database = open_database(tmp_path / "home" / "desk.db")
    line = {key: value for key, value in (await last(database, 1))[0].items() if key not in ("seq", "hash")}
    await append(database, [line] * 10_000)
    await database.dispose()
    assert await fault(open_desk) is None
    tamper("update events set client = 'x' where seq = 10009")
    assert await fault(open_desk) == (10_009, "altered")


@pytest.mark.promise("the-journal")
async def test_an_entry_tells_who_asked_what_was_decided_and_what_changed(open_desk):
    async with open_desk(confirm="never") as desk:
        await desk.perform(BAN, caller=Caller("mcp", "client 1.0", "ci"))
        (line,) = await desk.journal.entries(EntryFilter())
        found = await desk.journal.entry(line["entry"])
    assert (line["face"], line["client"], line["token"]) == ("mcp", "client 1.0", "ci")
    assert (line["action"], line["target"], line["outcome"]) == ("clerk_user_ban", "user_1", "done")
    assert line["signed"] == "confirm = never"
    assert found["intent"]["before"][0]["banned"] is False
    assert found["outcome"]["after"]["banned"] is True


async def test_what_clerk_refused_is_kept_with_its_code_and_trace(open_desk, upstream):
    async def refuse(_):
        body = {"errors": [{"message": "no", "code": "form_param_invalid"}], "clerk_trace_id": "trace_1"}
        return httpx2.Response(422, json=body)

    upstream.trouble = refuse
    async with open_desk(confirm="never") as desk:
        with pytest.raises(DeskclerkError):
            await desk.perform(BAN)
        (line,) = await desk.journal.entries(EntryFilter())
    assert (line["outcome"], line["status"], line["code"], line["trace_id"]) == (
        "unprocessable",
        422,
        "form_param_invalid",
        "trace_1",
    )


async def test_a_write_that_ends_before_it_is_sent_leaves_one_refusal(open_desk, upstream):
    async with open_desk(confirm="never") as desk:
        with pytest.raises(NotFound):
            await desk.perform(BanUser(user_id="user_2"))
        found = await desk.journal.entries(EntryFilter())
    assert [(line["kind"], line["outcome"], line["target"]) for line in found] == [
        ("refused", "not_found", "user_2")
    ]
    assert upstream.writes == []


async def test_secrets_given_are_marked(open_desk):
    async with open_desk(confirm="never") as desk:
        await desk.perform(UpdateUser(user_id="user_1", password="hunter22"))
        (line,) = await desk.journal.entries(EntryFilter())
    assert line["arguments"]["password"] == "[secret]"


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ({}, 3),
        ({"action": "clerk_user_*"}, 2),
        ({"action": "clerk_user_ban"}, 1),
        ({"action": "clerk%"}, 0),
        ({"target": "user_1"}, 2),
        ({"caller": "MCP"}, 1),
        ({"caller": "%"}, 0),
        ({"outcome": "done"}, 3),
        ({"outcome": "open"}, 0),
        ({"since": 10**13}, 0),
        ({"until": 10**13}, 3),
        ({"instance": "live"}, 0),
    ],
)
async def test_entries_are_chosen(open_desk, choice, count):
    async with open_desk(confirm="never") as desk:
        await desk.perform(ListUsers())
        await desk.perform(GetUser(user_id="user_1"), caller=Caller("mcp"))
        await desk.perform(BAN)
        assert len(await desk.journal.entries(EntryFilter(**choice))) == count


async def test_the_last_entries_are_shown_and_then_what_is_new(open_desk):
    async with open_desk() as desk:
        for _ in range(3):
            await desk.perform(ListUsers())
        found = await desk.journal.entries(EntryFilter(), limit=2)
        assert [line["seq"] for line in found] == [2, 3]
        await desk.perform(GetUser(user_id="user_1"))
        (new,) = await desk.journal.entries(EntryFilter(), after=3)
    assert new["action"] == "clerk_user_get"


async def test_a_client_name_that_is_no_text_does_not_stop_the_journal(open_desk):
    async with open_desk() as desk:
        await desk.perform(ListUsers(), caller=Caller("mcp", "bad \ud800 name"))
        (line,) = await desk.journal.entries(EntryFilter())
    assert line["client"] == printable("bad \ud800 name")
    assert await fault(open_desk) is None


async def test_what_was_noted_last_is_on_disk_when_the_desk_closes(tmp_path, open_desk):
    async with open_desk() as desk:
        await asyncio.gather(*(desk.perform(ListUsers()) for _ in range(80)))
    async with open_desk() as desk:
        assert (await desk.journal.verify()).head.seq == 80
