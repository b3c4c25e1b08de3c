"""What a signed write costs: requests, statements, transactions, commits that wait for the disk."""

import functools

import httpx2
import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.database.sqlite import SqliteDatabase
from deskclerk.desk import Desk
from deskclerk.desk.journal import queries
from deskclerk.errors import StorageUnavailable
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio

BAN = BanUser(user_id="user_1")
STEPS = ("BEGIN", "COMMIT", "ROLLBACK", "HTTP", "--", "PRAGMA")


@pytest.fixture
def said(monkeypatch):
    """What the desk's database is told, and what leaves for Clerk."""
    lines, connect = [], SqliteDatabase._connect

    async def watched(self):
        connection = await connect(self)
        if self._durable:
            connection.driver.set_trace_callback(lines.append)
        return connection

    monkeypatch.setattr(SqliteDatabase, "_connect", watched)
    return lines


@pytest.mark.promise("a-write-costs-little")
async def test_a_signed_ban_with_its_preview_costs_five_requests_and_four_transactions(
    tmp_path, said, monkeypatch
):
    send = httpx2.ASGITransport.handle_async_request

    async def noted(self, request):
        said.append(f"HTTP {request.method}")
        return await send(self, request)

    monkeypatch.setattr(httpx2.ASGITransport, "handle_async_request", noted)
    async with Desk.open(Settings(home=tmp_path / "home"), approver=Person()) as desk:
        first, second = (await desk.perform(ListUsers(limit=2))).value["items"]
        await desk.perform(BanUser(user_id=first["id"]))
        said.clear()
        await desk.perform(BanUser(user_id=second["id"]))
    sent = said.index("HTTP POST")
    assert sum(line.startswith("HTTP") for line in said) <= 5
    # Less than the twelve and four that are allowed: the rest is the rate budget's, which a sandbox has not.
    assert sum(not line.startswith(STEPS) for line in said) <= 9
    assert sum(line.startswith("BEGIN") for line in said) <= 3
    assert sum(line.startswith("COMMIT") for line in said[:sent]) <= 2
    assert sum(line.startswith("COMMIT") for line in said[sent:]) == 1


@pytest.mark.promise("a-write-costs-little")
async def test_the_shared_rate_budget_is_within_what_a_ban_costs(
    tmp_path, desk_at_home, said, upstream, monkeypatch
):
    async def answer(request):
        said.append(f"HTTP {request.method}")
        lists = request.url.path.endswith(("/sessions", "/organizations"))
        return httpx2.Response(200, json=[]) if lists else await upstream(request)

    to_us = functools.partial(Clerk, transport=httpx2.MockTransport(answer))
    monkeypatch.setattr("deskclerk.desk.instances.instance.Clerk", to_us)
    upstream.users["user_2"] = upstream.users["user_1"] | {"id": "user_2"}
    async with Desk.open(Settings(home=tmp_path / "home", secret_key="sk_test_x"), approver=Person()) as desk:
        await desk.perform(BAN)
        # As after some seconds: the next request needs a new share.
        desk._budget._left = 0
        said.clear()
        await desk.perform(BanUser(user_id="user_2"))
        sent = said.index("HTTP POST")
        assert sum("rate_usage" in line for line in said) == 2
        assert sum(line.startswith("HTTP") for line in said) == 5
        assert sum(not line.startswith(STEPS) for line in said) <= 12
        assert sum(line.startswith("BEGIN") for line in said) <= 4
        # One of these does not wait for the disk.
        assert sum(line.startswith("COMMIT") for line in said[:sent]) <= 3
        assert said.count("PRAGMA synchronous = NORMAL") == 1
        said.clear()
    # What it did not send is given back at the end.
    assert sum("rate_usage" in line for line in said) == 2


async def test_a_signature_whose_intent_could_not_be_noted_is_not_used_up(open_desk, upstream, monkeypatch):
    async with open_desk(approver=Person()) as desk:
        plan = await desk.propose(BAN)
        with monkeypatch.context() as broken:

            async def full(*_arguments):
                raise StorageUnavailable.of("desk.db", "database or disk is full", "Free some space.")

            broken.setattr(queries, "append_to", full)
            with pytest.raises(StorageUnavailable):
                await desk.perform(BAN, plan_id=plan.id)
        assert upstream.writes == []
        await desk.perform(BAN, plan_id=plan.id)
    assert len(upstream.writes) == 1


async def test_reads_that_could_not_be_noted_are_noted_when_the_desk_closes(open_desk, monkeypatch):
    real, tries = queries.append_to, []

    async def full_at_first(*arguments):
        tries.append(arguments)
        if len(tries) == 1:
            raise StorageUnavailable.of("desk.db", "database or disk is full", "Free some space.")
        return await real(*arguments)

    async with open_desk() as desk:
        await desk.perform(ListUsers())
        monkeypatch.setattr(queries, "append_to", full_at_first)
        desk.journal._flushing.cancel()
        with pytest.raises(StorageUnavailable):
            await desk.journal.flush()
    async with open_desk() as desk:
        assert len(await desk.journal.recent()) == 1


async def test_reads_that_wait_for_a_disk_are_bounded(open_desk, monkeypatch):
    monkeypatch.setattr("deskclerk.desk.journal.journal._BATCH", 2)
    monkeypatch.setattr("deskclerk.desk.journal.journal._MOST_WAITING", 3)

    async def full(*_arguments):
        raise StorageUnavailable.of("desk.db", "database or disk is full", "Free some space.")

    with monkeypatch.context() as broken:
        broken.setattr(queries, "append_to", full)
        async with open_desk() as desk:
            for _ in range(8):
                try:
                    await desk.perform(ListUsers())
                except StorageUnavailable:
                    continue
            assert len(desk.journal._batch) == 3
            broken.undo()
