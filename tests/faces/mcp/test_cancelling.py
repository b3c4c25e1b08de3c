import asyncio

import anyio
import anyio.lowlevel
import httpx2
import pytest

from deskclerk.desk.journal.journal import Journal
from tests.faces.mcp.conftest import Dialogue

pytestmark = pytest.mark.anyio
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})


async def test_a_write_that_the_client_cancels_is_still_ended_and_written_down(connect, upstream, events):
    upstream.gate = asyncio.Event()
    async with connect(Dialogue()) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, *BAN)
            await upstream.arrived.wait()
            group.cancel_scope.cancel()
        assert events()[-1] == ("intent", "clerk_user_ban", None)
        upstream.gate.set()
    assert [(kind, outcome) for kind, _, outcome in events()] == [("intent", None), ("outcome", "done")]


async def test_a_write_whose_answer_is_lost_after_the_client_left_is_unknown(connect, upstream, events):
    upstream.gate, upstream.trouble = asyncio.Event(), httpx2.ReadError("gone")
    async with connect(Dialogue()) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, *BAN)
            await upstream.arrived.wait()
            group.cancel_scope.cancel()
        upstream.gate.set()
    assert events()[-1] == ("outcome", "clerk_user_ban", "unknown")


async def test_a_question_that_is_cancelled_signs_nothing(connect, upstream):
    shown = anyio.Event()

    class Thinking(Dialogue):
        async def __call__(self, ctx, params):
            shown.set()
            await anyio.sleep_forever()

    async with connect(Thinking()) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, *BAN)
        await shown.wait()
        group.cancel_scope.cancel()
    assert upstream.writes == []


async def test_a_cancelled_read_does_not_take_the_noted_reads_with_it(connect, events, monkeypatch):
    appending = anyio.Event()
    append = Journal._append

    async def slowly(self, rows, first):
        appending.set()
        await anyio.lowlevel.checkpoint()
        return await append(self, rows, first)

    monkeypatch.setattr(Journal, "_append", slowly)
    monkeypatch.setattr("deskclerk.desk.journal.journal._BATCH", 3)
    # By their number alone: on a slow machine the first two would be written before the third is there.
    monkeypatch.setattr("deskclerk.desk.journal.journal._BATCH_SECONDS", 60)
    async with connect() as client:
        for _ in range(2):
            await client.call_tool("clerk_users_list", {})
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "clerk_users_list", {})
            await appending.wait()
            group.cancel_scope.cancel()
    assert len(events()) == 3
