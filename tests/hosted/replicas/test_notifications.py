"""The workers of replicas tell what waits, and go on with what one of them left."""

import socket

import anyio
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from deskclerk.desk.notifications.messages import PLAN_WAITS
from deskclerk.desk.time_and_ids import now
from deskclerk.hosted.notifications.destinations import notice
from deskclerk.hosted.notifications.tables import notices
from tests.hosted.replicas.agent import agent, told
from tests.hosted.replicas.platform import platform

pytestmark = pytest.mark.anyio
SECRET = "whsec_" + "bm90IGEgcmVhbCBzZWNyZXQsIGJ1dCBsb25nIGVub3VnaA=="


async def ended(parts, workspace, number):
    """What became of so many messages, once they are over."""
    query = select(notices.c.subject, notices.c.outcome, notices.c.why, notices.c.tries)
    query = query.where(notices.c.ended_at.is_not(None))
    with anyio.fail_after(60):
        while True:
            async with parts.database.of(workspace).reading() as connection:
                found = [tuple(row) for row in await connection.execute(query)]
            if len(found) >= number:
                return found
            await anyio.sleep(0.1)


@pytest.fixture(scope="module")
def telling(tmp_path_factory):
    """A platform with two replicas that have workers, and one that has none."""
    with platform(tmp_path_factory.mktemp("platform")) as found:
        found.first, found.second = found.replica(), found.replica()
        found.without = found.replica(worker=False)
        yield found


async def test_what_one_replica_puts_there_the_workers_of_all_take_and_none_twice(telling, monkeypatch):
    here = telling
    async with here.parts() as parts:
        acme = await here.workspace(parts, "acme-told")
        address = SecretStr("https://hooks.example.com/x")
        hook = await parts.destinations.add(
            acme.id, "ops", "webhook", address=address, secret=SecretStr(SECRET), by=acme.person.id
        )

        async def put(plan):
            # Of a plan that is nowhere: it is over without anything that leaves this machine.
            row = notice(hook.id, plan, PLAN_WAITS, now(), now() + 600_000)
            async with parts.database.of(acme.id).writing() as connection:
                await connection.execute(insert(notices), row)

        for number in range(10):
            await put(f"plan_{number}")
        gone = ("not needed", "the plan is gone", 1)
        assert sorted(await ended(parts, acme.id, 10)) == [(f"plan_{number}", *gone) for number in range(10)]
        here.first.kill()
        await put("plan_x")
        assert ("plan_x", *gone) in await ended(parts, acme.id, 11)
        # With nobody left to send it a call puts it there all the same, and answers.
        here.second.end()
        async with agent(f"{here.without.url}/mcp/{acme.slug}", acme.token) as client:
            users = told(await client.call_tool("clerk_users_list", {"limit": 1}))["items"]
            waits = told(await client.call_tool("clerk_user_ban", {"user_id": users[0]["id"]}))
        async with parts.database.of(acme.id).reading() as connection:
            waiting = select(notices.c.subject).where(notices.c.ended_at.is_(None))
            assert (await connection.execute(waiting)).scalars().all() == [waits["plan_id"]]
        # What sends it, as every worker has it, where the name means a machine within.
        by_the_system = socket.getaddrinfo

        def to_loopback(host, port, **more):
            return by_the_system("127.0.0.1" if host == "hooks.example.com" else host, port, **more)

        monkeypatch.setattr(socket, "getaddrinfo", to_loopback)
        delivery = parts.delivery()
        await delivery.look()
        await delivery.settled()
        told_of = (waits["plan_id"], "failed", "its host is not on the public network", 1)
        assert told_of in await ended(parts, acme.id, 12)
    assert SECRET not in here.logs()
    assert "hooks.example.com" not in here.logs()
