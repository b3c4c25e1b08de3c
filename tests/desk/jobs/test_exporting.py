"""Exports: every item once, whatever dies, is made or is deleted meanwhile."""

import csv
import json
import random
import re
import stat
import tracemalloc
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx2
import pytest
from sqlalchemy import delete, select
from tests.sandbox.conftest import NOON, ManualClock

from deskclerk.catalogue import ListSessions, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Desk
from deskclerk.desk.jobs import exporting
from deskclerk.desk.jobs.exporting import EVERYTHING, EXPORTS, Export, check_export, discard
from deskclerk.desk.jobs.job import CANCELLED, DONE, EXPORT, PAUSED, QUEUED
from deskclerk.desk.jobs.store import JobStore, LostJobError
from deskclerk.desk.journal.process_locks import take_lock
from deskclerk.desk.waking import JOBS
from deskclerk.errors import ClerkUnavailable, InvalidRequest, NotFound, RateLimited
from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.controls.arguments import iso
from deskclerk.sandbox.controls.seeding import Seed, seed
from deskclerk.sandbox.store import tables
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio

ROWS = {
    "users": tables.users,
    "organizations": tables.organizations,
    "memberships": tables.memberships,
    "invitations": tables.invitations,
    "org-invitations": tables.organization_invitations,
    "sessions": tables.sessions,
    "allowlist": tables.allowlist_identifiers,
    "blocklist": tables.blocklist_identifiers,
}


class KilledError(Exception):
    """What `kill -9` is to a test: nothing after it happens."""


class DyingStore(JobStore):
    """The jobs' store; `after` is called with how often progress was kept, `deaths` are fatal times."""

    def __init__(self, journal):
        super().__init__(journal)
        self.kept, self.deaths, self.after, self.largest = 0, set(), None, 0

    async def progress(self, job_id, owner, progress):
        self.kept += 1
        if self.kept in self.deaths:
            # The world goes on before the next run begins.
            if self.after:
                await self.after(self.kept)
            raise KilledError(self.kept)
        self.largest = max(self.largest, len(json.dumps(progress)))
        await super().progress(job_id, owner, progress)
        if self.after:
            await self.after(self.kept)


class Work:
    """Export jobs of a desk, before any Clerk."""

    def __init__(self, desk, clerk, folder):
        self.desk, self.folder = desk, folder
        self.store = DyingStore(desk.journal)
        self.clerk = clerk
        self.tools = SimpleNamespace(journal=desk.journal, store=self.store, clerk=self._clerk)

    async def _clerk(self):
        return self.clerk

    async def begin(self, what, job_id="job_1", file_format="ndjson", **options):
        file = self.folder / (what if what == EVERYTHING else f"{what}.{file_format}")
        given = {"what": what, "where": {}, "format": file_format, "fields": None, "file": str(file)}
        await self.store.begin(
            job_id,
            self.desk.instance,
            Caller("cli"),
            EXPORT,
            title="",
            options=given | options,
            owner=None,
            status=QUEUED,
        )
        return file

    async def now(self, what, job):
        """What a person wants, in a transaction as the desk does it."""
        async with self.desk.journal.writing(JOBS) as connection:
            return await getattr(self.store, what)(connection, job)

    async def run(self, owner="run_1", job_id="job_1"):
        return Export(await self.store.own(job_id, owner), owner, self.tools)

    async def to_the_end(self, job_id="job_1"):
        """Part after part, a new run after each death."""
        for number in range(10_000):
            run = await self.run(f"run_{number}", job_id)
            try:
                while (ended := await run.part(60)) is None:
                    pass
            except KilledError:
                continue
            return ended
        raise AssertionError("it never ends")

    async def whole(self, what, **options):
        file = await self.begin(what, **options)
        assert await self.to_the_end() == (DONE, None)
        assert not file.with_name(f"{file.name}.part").exists()
        return file


def ids(file):
    return [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").split("\n")[:-1]]


@pytest.fixture
async def desk(tmp_path, desk_at_home):
    async with Desk.open(Settings(home=tmp_path / "home", secret_key="sk_test_x")) as desk:
        yield desk


@pytest.fixture
def sandboxed(tmp_path, desk):
    """A sandbox, and the work before it."""

    @asynccontextmanager
    async def opened(*, company=False, **data):
        async with open_sandbox(tmp_path / "sandbox.db", seed=company, clock=ManualClock()) as sandbox:
            transport = httpx2.ASGITransport(app=sandbox.app)
            async with Clerk("http://sandbox.localhost", KEY, transport=transport) as clerk:
                if data:
                    await seed(sandbox.store, Seed(data=data))
                work = Work(desk, clerk, tmp_path / "out")
                work.sandbox = sandbox
                yield work

    return opened


async def rows(work, what, *conditions):
    table = ROWS[what]
    async with work.sandbox.store.transaction(reads=True) as connection:
        return list((await connection.execute(select(table.c.id).where(*conditions))).scalars())


async def gone(work, what, those):
    async with work.sandbox.store.transaction(reads=False) as connection:
        for one in those:
            await connection.execute(delete(ROWS[what]).where(ROWS[what].c.id == one))


def people(count, at=lambda number: NOON - 1_000_000 + number, start=0):
    return [
        {
            "id": f"user_{number:05}",
            "username": f"u{number:05}",
            "created_at": iso(at(number)),
            "skip_password_requirement": True,
        }
        for number in range(start, start + count)
    ]


class Shelf:
    """A Clerk of lists that a test changes as it likes; ties are by id, which is of no order."""

    def __init__(self, **lists):
        self.lists = {"parents": [], "children": {}} | lists
        self.asked = []
        self.trouble = []

    async def perform(self, action):
        self.asked.append(action)
        if self.trouble and (trouble := self.trouble.pop(0)):
            raise trouble
        parent = getattr(action, "user_id", None) if isinstance(action, ListSessions) else None
        parent = parent or getattr(action, "organization_id", None)
        if isinstance(parent, str):
            if parent not in {item["id"] for item in self.lists["parents"]}:
                raise NotFound("Gone.", status=404)
            items = self.lists["children"].get(parent, [])
        else:
            items = self.lists["parents"]
        after = getattr(action, "created_at_after", None)
        items = [item for item in items if after is None or item["created_at"] > after]
        ascending = getattr(action, "order_by", None) == "created_at"
        items.sort(key=lambda item: (item["created_at"], item["id"]), reverse=not ascending)
        return items[action.offset or 0 :][: action.limit]

    async def send(self, request, name=""):
        return {"object": "total_count", "total_count": len(self.lists["parents"])}


# All that is there.


@pytest.mark.parametrize("what", EXPORTS)
async def test_an_export_has_all_that_there_is(sandboxed, monkeypatch, what):
    monkeypatch.setattr(exporting, "_PAGE", 7)
    async with sandboxed(company=True) as work:
        file = await work.whole(what)
        revoked = [tables.invitations.c.status != "revoked"] if what == "invitations" else []
        found, there = ids(file), await rows(work, what, *revoked)
    assert there
    assert sorted(found) == sorted(there)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_everything_is_a_file_each_and_goes_on_after_any_death(sandboxed, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 7)
    async with sandboxed(company=True) as work:
        work.store.deaths = set(range(2, 1_000, 5))
        folder = await work.begin(EVERYTHING)
        assert await work.to_the_end() == (DONE, None)
        assert {path.name for path in folder.iterdir()} == {f"{name}.ndjson" for name in EXPORTS}
        for what in EXPORTS:
            found = ids(folder / f"{what}.ndjson")
            assert len(found) == len(set(found))
            missing = set(await rows(work, what)) - set(found)
            assert not missing or what == "invitations"
        progress = (await work.store.load("job_1")).progress
        assert progress["written"] == sum(len(ids(path)) for path in folder.iterdir())
        # What is done stays done, however often it is asked for.
        assert await (await work.run("run_again")).part(1) == (DONE, None)


@pytest.mark.parametrize(("what", "every"), [("users", 2), ("organizations", 2), ("sessions", 3)])
async def test_a_death_after_any_page_loses_and_doubles_nothing(sandboxed, monkeypatch, what, every):
    monkeypatch.setattr(exporting, "_PAGE", 7)
    async with sandboxed(company=True) as work:
        # The file is written each time, and the progress is not.
        work.store.deaths = set(range(1, 1_000, every))
        found = ids(await work.whole(what))
        assert sorted(found) == sorted(await rows(work, what))


async def test_what_was_written_and_not_noted_is_cut_off(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 2)
    shelf = Shelf(parents=[{"id": f"user_{number}", "created_at": number} for number in range(1, 4)])
    work = Work(desk, shelf, tmp_path)
    # Three are in the file when it dies, two of them noted; the third is gone when it goes on.
    work.store.deaths = {3}
    file = await work.begin("users")
    with pytest.raises(KilledError):
        await (await work.run()).part(60)
    del shelf.lists["parents"][2:]
    assert await work.to_the_end() == (DONE, None)
    assert ids(file) == ["user_1", "user_2"]


async def test_killed_between_the_last_page_and_its_name_and_between_the_name_and_the_note(desk, tmp_path):
    shelf = Shelf(parents=[{"id": "user_1", "created_at": 5}])
    work = Work(desk, shelf, tmp_path)
    # 1 begun, 2 written, 3 named.
    work.store.deaths = {3}
    file = await work.begin("users")
    run = await work.run()
    with pytest.raises(KilledError):
        await run.part(60)
    assert file.exists()
    assert await work.to_the_end() == (DONE, None)
    assert ids(file) == ["user_1"]


# While others come and go.


async def test_users_made_and_deleted_between_pages(sandboxed, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 10)
    async with sandboxed(users=people(60)) as work:
        deleted = set()

        async def meanwhile(kept):
            if 1 < kept < 6:
                written = ids(work.folder / "users.ndjson.part")
                # The very one that the next page is asked from, one long given, one still to come.
                those = {written[-1], written[0], f"user_{len(written) + 15:05}"}
                deleted.update(those)
                await gone(work, "users", those)
                fresh = people(2, lambda number: NOON - number % 3, start=100 + 2 * kept)
                await seed(work.sandbox.store, Seed(data={"users": fresh}))

        work.store.after = meanwhile
        found = ids(await work.whole("users"))
    throughout = {one["id"] for one in people(60)} - deleted
    assert len(found) == len(set(found))
    assert throughout <= set(found)


async def test_twelve_hundred_users_of_one_moment(sandboxed):
    async with sandboxed(users=people(1_203, lambda number: NOON if number < 1_200 else NOON + 1)) as work:
        file = await work.begin("users")

        async def meanwhile(kept):
            # 30 of the given ones, more than are read again.
            if kept == 2:
                await gone(work, "users", ids(file.with_name("users.ndjson.part"))[-30:])

        work.store.after = meanwhile
        work.store.deaths = {4}
        assert await work.to_the_end() == (DONE, None)
        found = ids(file)
    assert len(found) == len(set(found)) == 1_203


async def test_a_hundred_organizations_before_the_cursor_go(sandboxed, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 50)
    made = [
        {"id": f"org_{number:05}", "name": f"O {number}", "created_at": iso(NOON - 9_000_000 + number // 3)}
        for number in range(300)
    ]
    async with sandboxed(organizations=made) as work:

        async def meanwhile(kept):
            if kept == 4:
                await gone(work, "organizations", [one["id"] for one in made[5:105]])

        work.store.after = meanwhile
        found = ids(await work.whole("organizations"))
    assert found == [one["id"] for one in made]


@pytest.mark.parametrize("chance", range(4))
@pytest.mark.parametrize("what", ["users", "organizations", "memberships", "org-invitations", "sessions"])
async def test_whatever_is_there_throughout_is_given_once(desk, tmp_path, monkeypatch, what, chance):
    """Lists that change at random between any two pages, and a run that dies at random."""
    monkeypatch.setattr(exporting, "_PAGE", 8)
    draw = random.Random(f"{what} {chance}")
    moments = draw.choice([5, 100, 100_000])

    def item(prefix, at=None):
        moment = draw.randrange(moments) + 1_000 if at is None else at
        return {"id": f"{prefix}_{draw.randrange(10**12)}", "created_at": moment}

    by_parents = bool(EXPORTS[what].parents)
    parents = [item("p") for _ in range(60 if by_parents else 200)]
    children = {one["id"]: [item("c") for _ in range(draw.choice([0, 1, 9, 40]))] for one in parents}
    shelf = Shelf(parents=parents, children=children if by_parents else {})

    def lists():
        return list(shelf.lists["children"].values()) if by_parents else [shelf.lists["parents"]]

    def all_there():
        alive = {one["id"] for one in shelf.lists["parents"]}
        if by_parents:
            return {c["id"] for p, those in shelf.lists["children"].items() if p in alive for c in those}
        return alive

    throughout, ever = all_there(), all_there()
    clock = 1_000 + moments

    async def meanwhile(kept):
        nonlocal throughout, clock
        ever.update(all_there())
        changing = [draw.choice(lists()), shelf.lists["parents"]] if kept < 150 else []
        for one in changing:
            for _ in range(draw.choice([0, 1, 2, min(25, len(one) // 3)])):
                if one:
                    one.pop(draw.randrange(len(one)))
            clock += draw.choice([0, 1])
            one.extend(item("new", clock) for _ in range(draw.choice([0, 0, 1, 3])))
        throughout &= all_there()

    work = Work(desk, shelf, tmp_path / "out")
    work.store.after = meanwhile
    work.store.deaths = {number for number in range(2_000) if draw.random() < 0.2}
    found = ids(await work.whole(what))
    assert len(found) == len(set(found))
    assert throughout <= set(found) <= ever | all_there()


async def test_a_parent_that_is_gone_when_its_turn_comes_is_passed_over(desk, tmp_path):
    parents = [{"id": f"org_{number}", "created_at": number} for number in range(1, 4)]
    children = {one["id"]: [{"id": f"of_{one['id']}", "created_at": 1}] for one in parents}
    shelf = Shelf(parents=parents, children=children)
    work = Work(desk, shelf, tmp_path)

    async def meanwhile(kept):
        if kept == 2:
            parents.pop(1)

    work.store.after = meanwhile
    assert ids(await work.whole("memberships")) == ["of_org_1", "of_org_3"]


async def test_a_list_in_another_order_is_no_export_with_holes(desk, tmp_path):
    shelf = Shelf()

    async def perform(action):
        return {"data": [{"id": f"org_{at}", "created_at": at} for at in (3, 1)], "total_count": 2}

    shelf.perform = perform
    work = Work(desk, shelf, tmp_path)
    await work.begin("organizations")
    status, reason = await work.to_the_end()
    assert status == PAUSED
    assert "another order" in reason


# Filters, and what the lines look like.


async def test_filters_narrow_an_export_and_a_later_moment_of_the_callers_counts(sandboxed, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 4)
    async with sandboxed(users=people(30)) as work:
        after = NOON - 1_000_000 + 9
        file = await work.whole("users", where={"created_at_after": after, "user_id": ["-user_00015"]})
        assert ids(file) == [f"user_{number:05}" for number in range(10, 30) if number != 15]
        assert (await work.store.load("job_1")).progress["total"] == 19


async def test_a_named_parent_spares_the_way_through_all(desk, tmp_path):
    shelf = Shelf(
        parents=[{"id": "user_1", "created_at": 1}], children={"user_1": [{"id": "sess_1", "created_at": 1}]}
    )
    work = Work(desk, shelf, tmp_path)
    assert ids(await work.whole("sessions", where={"user_id": "user_1"})) == ["sess_1"]
    assert not any(isinstance(action, ListUsers) for action in shelf.asked)


ODD = {
    "id": "user_1",
    "created_at": 5,
    "first_name": '=HYPERLINK("x")',
    "last_name": "O, né\rx",
    "banned": False,
    "balance": -5,
    "username": None,
    "password": "hidden",
    "public_metadata": {"token": "theirs", "plan": ["a"]},
    "email_addresses": [{"email_address": "a@b.example"}, {"email_address": "c@d.example"}],
    "phone_numbers": [{"phone_number": "+41790000000"}, {"phone_number": "+41790000001"}],
}


async def test_csv(desk, tmp_path):
    paths = ["id", "first_name", "last_name", "banned", "balance", "username", "public_metadata"]
    paths += ["public_metadata.plan", "email_addresses.email_address", "phone_numbers.phone_number", "@odd"]
    work = Work(desk, Shelf(parents=[ODD]), tmp_path)
    file = await work.whole("users", file_format="csv", fields=paths)
    text = file.read_bytes().decode()
    head, row = csv.reader(text.split("\n")[:-1])
    assert head == [*paths[:-1], "'@odd"]
    assert row == [
        "user_1",
        '\'=HYPERLINK("x")',
        "O, né\rx",
        "false",
        "-5",
        "",
        '{"token":"theirs","plan":["a"]}',
        '["a"]',
        "a@b.example|c@d.example",
        "'+41790000000|+41790000001",
        "",
    ]
    assert "\r\n" not in text


async def test_csv_without_fields_has_the_brief_ones_and_an_empty_list_its_header(desk, tmp_path):
    file = await Work(desk, Shelf(), tmp_path).whole("users", file_format="csv")
    assert file.read_text() == ",".join(ListUsers.spec.resource.brief) + "\n"


async def test_json_lines_are_clerks_own_without_secrets(desk, tmp_path):
    half = {"id": "user_2", "created_at": 6, "first_name": "\ud800"}
    work = Work(desk, Shelf(parents=[ODD, half]), tmp_path)
    lines = (await work.whole("users")).read_bytes().split(b"\n")
    assert json.loads(lines[0]) == {key: value for key, value in ODD.items() if key != "password"}
    assert "né".encode() in lines[0]
    assert json.loads(lines[1]) == half
    await work.begin("users", "job_2", fields=["id", "password"], file=str(tmp_path / "few"))
    await work.to_the_end("job_2")
    assert (tmp_path / "few").read_text() == '{"id":"user_1"}\n{"id":"user_2"}\n'


# What stops it.


async def test_a_file_that_is_there_is_not_written_over(desk, tmp_path):
    work = Work(desk, Shelf(parents=[ODD]), tmp_path)
    file = await work.begin("users")
    file.write_text("mine")
    status, reason = await work.to_the_end()
    assert status == PAUSED
    assert f"{file} exists already" in reason
    assert file.read_text() == "mine"
    # Moved away and resumed: `resume` leaves something of its own in the progress.
    await work.store.ended("job_1", "run_0", PAUSED, reason)
    file.unlink()
    assert await work.now("resume", await work.store.load("job_1"))
    assert await work.to_the_end() == (DONE, None)
    assert ids(file) == ["user_1"]


async def test_a_file_that_comes_meanwhile_is_not_written_over_either(desk, tmp_path):
    work = Work(desk, Shelf(parents=[ODD]), tmp_path)
    file = await work.begin("users")

    async def meanwhile(kept):
        if kept == 2:
            file.write_text("mine")

    work.store.after = meanwhile
    status, reason = await work.to_the_end()
    assert status == PAUSED
    assert "exists already" in reason
    assert file.read_text() == "mine"
    file.unlink()
    assert await work.to_the_end() == (DONE, None)
    assert ids(file) == ["user_1"]


async def test_what_another_export_has_begun_is_left_to_it(desk, tmp_path):
    work = Work(desk, Shelf(parents=[ODD]), tmp_path)
    file = await work.begin("users")
    file.with_name("users.ndjson.part").write_text("theirs")
    status, reason = await work.to_the_end()
    assert status == PAUSED
    assert "another export" in reason
    assert file.with_name("users.ndjson.part").read_text() == "theirs"


@pytest.mark.parametrize("left", [None, 10])
async def test_a_part_that_is_gone_or_cut_is_told(desk, tmp_path, monkeypatch, left):
    monkeypatch.setattr(exporting, "_PAGE", 2)
    shelf = Shelf(parents=[{"id": f"user_{number}", "created_at": number} for number in range(1, 8)])
    work = Work(desk, shelf, tmp_path)
    work.store.deaths = {4}
    file = await work.begin("users")
    with pytest.raises(KilledError):
        await (await work.run()).part(60)
    part = file.with_name("users.ndjson.part")
    whole = part.read_bytes()
    part.unlink()
    if left:
        part.write_bytes(whole[:left])
    status, reason = await work.to_the_end()
    assert status == PAUSED
    assert f"{part} {'has 10 bytes' if left else 'is gone'}" in reason
    assert "cancel the job" in reason
    part.write_bytes(whole)
    assert await work.to_the_end() == (DONE, None)
    assert ids(file) == [f"user_{number}" for number in range(1, 8)]


@pytest.fixture
def long_work(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 2)
    shelf = Shelf(parents=[{"id": f"user_{number}", "created_at": number} for number in range(1, 20)])
    return Work(desk, shelf, tmp_path)


async def test_a_person_pauses_it_and_lets_it_go_on(long_work):
    async def meanwhile(kept):
        if kept == 3:
            await long_work.now("pause", "job_1")

    long_work.store.after = meanwhile
    file = await long_work.begin("users")
    run = await long_work.run()
    assert await run.part(60) == (PAUSED, "by a person")
    assert long_work.store.kept == 3
    await long_work.store.ended("job_1", "run_1", PAUSED, "by a person")
    await long_work.now("resume", await long_work.store.load("job_1"))
    assert await long_work.to_the_end() == (DONE, None)
    assert len(set(ids(file))) == len(ids(file)) == 19


async def test_cancelled_it_leaves_nothing(long_work, tmp_path):
    async def meanwhile(kept):
        if kept == 3:
            await long_work.now("cancel", "job_1")

    long_work.store.after = meanwhile
    await long_work.begin("users")
    assert await (await long_work.run()).part(60) == (CANCELLED, None)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("users")] == []


async def test_what_is_left_of_a_cancelled_job_can_be_discarded(long_work):
    file = await long_work.begin("users")
    part = file.with_name("users.ndjson.part")
    discard(await long_work.store.load("job_1"))
    long_work.store.deaths = {4}
    with pytest.raises(KilledError):
        await (await long_work.run()).part(60)
    assert part.exists()
    discard(await long_work.store.load("job_1"))
    assert not part.exists()


async def test_a_job_that_another_run_has_is_left_alone(long_work):
    file = await long_work.begin("users")
    old = await long_work.run("old")

    async def meanwhile(kept):
        if kept == 3:
            long_work.store.after = None
            new = await long_work.run("new")
            # The file is the old run's until it has seen that it is the old one.
            assert await new.part(0.01) is None
            long_work.new = new

    long_work.store.after = meanwhile
    with pytest.raises(LostJobError):
        await old.part(60)

    async def stop(kept):
        long_work.new.stopping = kept >= 7

    long_work.store.after = stop
    assert await long_work.new.part(60) is None
    # What the old run would cut off by now is the new one's.
    with pytest.raises(LostJobError):
        await old.part(60)
    long_work.store.after, long_work.new.stopping = None, False
    assert await long_work.new.part(60) == (DONE, None)
    assert len(set(ids(file))) == len(ids(file)) == 19


async def test_a_run_waits_for_a_lock_that_is_held(long_work):
    await long_work.begin("users")
    lock = take_lock(long_work.desk.journal.locks(), "export-job_1")
    try:
        assert await (await long_work.run()).part(0.01) is None
        assert long_work.store.kept == 0
    finally:
        lock.end()


async def test_parts_end_in_time_and_when_it_is_to_stop(long_work):
    await long_work.begin("users")
    run = await long_work.run()
    run.stopping = True
    assert await run.part(60) is None
    assert run.idle.is_set()
    assert long_work.store.kept == 0
    run.stopping = False
    assert await run.part(0) is None
    assert await run.part(60) == (DONE, None)
    # One of the two of a page is the last that was given; nothing is read a third time.
    assert len(long_work.clerk.asked) <= 20


async def test_clerk_not_answering_pauses_it_and_a_limit_is_waited_for(long_work):
    file = await long_work.begin("users")
    long_work.clerk.trouble = [None, None, ClerkUnavailable("No connection.")]
    run = await long_work.run()
    assert await run.part(60) == (PAUSED, "Clerk could not be read: No connection.")
    long_work.clerk.trouble = [RateLimited("Slowly.", retry_after=0.3)]
    assert await run.part(0.1) is None
    assert await run.part(60) == (DONE, None)
    assert len(set(ids(file))) == len(ids(file)) == 19


async def test_a_folder_that_cannot_be_written_pauses_it(desk, tmp_path):
    (tmp_path / "out").write_text("no folder")
    work = Work(desk, Shelf(parents=[ODD]), tmp_path / "out")
    await work.begin("users")
    status, reason = await work.to_the_end()
    assert status == PAUSED
    assert "cannot be written" in reason


async def test_memory_is_flat_and_so_is_the_cursor(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "_PAGE", 50)
    shelf = Shelf()

    async def perform(action):
        # Made when asked for: the test itself holds none of them.
        first = max(action.created_at_after or 0, 0) + 1 + (action.offset or 0)
        return [
            {"id": f"user_{at}", "created_at": at, "bio": f"{at} " * 500}
            for at in range(first, min(first + action.limit, 5_001))
        ]

    shelf.perform = perform
    work = Work(desk, shelf, tmp_path)
    file = await work.begin("users")
    assert await (await work.run()).part(0.0) is None
    tracemalloc.start()
    assert await work.to_the_end() == (DONE, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ids(file)) == 5_000
    assert file.stat().st_size > 10_000_000
    assert peak < 2_000_000
    assert work.store.largest < 1_000


# What is refused before it begins.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("user",), "did you mean users?"),
        (("org_invitations",), "did you mean org-invitations"),
        (("zebra",), "accepted: users, organizations"),
        (("users", {}, "xml"), "accepted: ndjson, csv"),
        (("users", {"colour": "red"}), "unknown argument"),
        (("users", {"limit": 5}), "an order of their own"),
        (("memberships", {"role": 5}), "role"),
        (("users", {}, "csv", ["a..b"]), "paths"),
        (("users", {}, "csv", []), "paths"),
        ((EVERYTHING, {"query": "x"}), "goes with one list"),
        ((EVERYTHING, None, "csv", ["id"]), "goes with one list"),
    ],
)
def test_what_cannot_be_exported_is_refused(arguments, told):
    with pytest.raises(InvalidRequest, match=re.escape(told)):
        check_export(*arguments)


@pytest.mark.parametrize("what", [*EXPORTS, EVERYTHING])
def test_everything_else_is_not_refused(what):
    check_export(what)
    check_export(what, {}, "csv")
