"""What a call costs on a hosted desk: ways to PostgreSQL and back, transactions, commands of Redis."""

import contextlib

import httpx2
import psycopg
import pytest
from redis.asyncio import Redis

from deskclerk.clerk import client as clerk
from deskclerk.desk.instances import instance
from deskclerk.desk.journal import journal
from deskclerk.faces.hosted.server import hosted_app
from tests.hosted.load.sessions import MODERN, Order, Outcome, Session

pytestmark = pytest.mark.anyio


class InProcess(Session):
    """A session with an application in this process."""

    http = None

    async def post(self, message, headers):
        more = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {self.token}"}
        answer = await self.http.post(f"/mcp/{self.slug}", json=message, headers={**headers, **more})
        assert answer.status_code == 200, answer.text
        return answer.text.partition("data: ")[2] or answer.text


@contextlib.contextmanager
def counting(monkeypatch):
    """What is said to PostgreSQL and to Redis; each answer of PostgreSQL's that is waited for is one.

    Of a pipeline that is its end alone, and a commit where no transaction is open any more asks nothing.
    """
    said = []
    wait, execute, commit = (
        psycopg.AsyncConnection.wait,
        Redis.execute_command,
        psycopg.AsyncConnection.commit,
    )

    async def waited(self, generator, *arguments, **named):
        idle = self.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        ends = generator.__name__ in ("_commit_gen", "_rollback_gen")
        queued = self._pipeline is not None and generator.__name__ != "_exit_gen"
        if not queued and not (idle and ends) and generator.__name__ != "_enter_gen":
            said.append("way")
        return await wait(self, generator, *arguments, **named)

    async def committed(self):
        said.append("commit")
        return await commit(self)

    async def executed(self, *arguments, **named):
        said.append("redis")
        return await execute(self, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.AsyncConnection, "wait", waited)
        patched.setattr(psycopg.AsyncConnection, "commit", committed)
        patched.setattr(Redis, "execute_command", executed)
        yield said


async def test_a_read_is_one_way_to_postgresql_and_a_signed_write_is_a_bounded_number(here, monkeypatch):
    # Reads that nothing takes along are noted later: on a busy machine, in the middle of a write.
    monkeypatch.setattr(journal, "_BATCH_SECONDS", 60)
    outcome = Outcome()
    async with hosted_app(here.settings) as replica:
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=here.public_url) as http:
            order = Order([1], here.public_url, here.agents[:1], 0, 0, eras=(MODERN,))
            session = InProcess(order, 0, outcome)
            session.http = http
            # What the first ones open stays, and the write takes the journal's lines of the reads along.
            for kind in ("get", "ban", "get", "ban"):
                await session.turn(kind, 1)
            costs = {}
            for kind in ("get", "tools", "ban"):
                with counting(monkeypatch) as said:
                    await session.turn(kind, 2)
                costs[kind] = {name: said.count(name) for name in ("way", "commit", "redis")}
    assert outcome.errors == []
    # Whose token it is, and for which instance: one question. The journal takes reads together later.
    assert costs["get"] == costs["tools"] == {"way": 1, "commit": 0, "redis": 1}
    # Two requests: the plan, and the write with its signature; three ways are a share of the rate budget.
    assert costs["ban"]["redis"] == 2
    assert costs["ban"]["commit"] <= 4
    assert costs["ban"]["way"] <= 21


async def test_the_desks_of_a_replica_share_their_connections_to_clerk(here, monkeypatch):
    opened, outcome = [], Outcome()
    real = clerk.open_connections

    def counted(*arguments, **named):
        opened.append(arguments)
        return real(*arguments, **named)

    monkeypatch.setattr(clerk, "open_connections", counted)
    monkeypatch.setattr(instance, "open_connections", counted)
    async with hosted_app(here.settings) as replica:
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=here.public_url) as http:
            order = Order([1], here.public_url, here.agents[:4], 0, 0, eras=(MODERN,))
            for number in range(4):
                session = InProcess(order, number, outcome)
                session.http = http
                await session.turn("get", number)
    assert outcome.errors == []
    assert sorted(outcome.millis) == ["get"]
    assert len(outcome.millis["get"]) == 4
    assert len(opened) == 1
