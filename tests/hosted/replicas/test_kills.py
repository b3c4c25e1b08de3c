"""Replicas are killed at random moments: nothing told is lost, nothing happens twice, all is told."""

import asyncio
import collections
import os
import random
import re

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from deskclerk.desk.journal.records import EntryFilter
from deskclerk.hosted.workspaces.desks import Desks, Place
from tests.hosted.replicas.agent import agent, told
from tests.hosted.replicas.platform import platform
from tests.hosted.replicas.proxy import RoundRobin
from tests.hosted.replicas.test_two_replicas import hidden

pytestmark = pytest.mark.anyio
KILLS = int(os.environ.get("KILLS", "20"))
WORKSPACES = 3
BAN = re.compile(rb"POST /v1/users/(user_\w+)/ban ")
KNOWN = ("waiting", "signed", "used", "dismissed", "expired")
GONE = (OSError, MCPError, httpx2.HTTPError, ExceptionGroup, TimeoutError)


class Referee(RoundRobin):
    """Stands before Clerk and counts what arrives there."""

    def __init__(self, port):
        super().__init__([port])
        self.bans = collections.Counter()

    def saw(self, line):
        if found := BAN.match(line):
            self.bans[found[1].decode()] += 1


class Work:
    """One workspace's agent and its person, who have users banned, one after another, whatever happens."""

    def __init__(self, here, workspace):
        self.here, self.workspace = here, workspace
        self.promised = []
        self.banned = []
        self.stopping = False
        self.last = collections.deque(maxlen=6)

    @property
    def mcp(self):
        return f"{self.here.public_url}/mcp/{self.workspace.slug}"

    async def run(self):
        number = 0
        while not self.stopping:
            number += 1
            name = f"{self.workspace.slug}-{number}"
            made = await asyncio.to_thread(
                self.here.api, "POST", "/users", {"username": name, "skip_password_requirement": True}
            )
            await self.ban(made["id"])
            self.banned.append(made["id"])

    async def ban(self, user):
        while True:
            value = await self.call("clerk_user_ban", {"user_id": user})
            if value is None:
                # Nobody knows how that ended; what is so is read before anything is asked for again.
                read = await self.surely("clerk_user_get", {"user_id": user})
                if read.get("banned"):
                    return
            elif value.get("banned"):
                return
            elif value.get("error") == "approval_needed":
                self.promised.append(value["plan_id"])
                await self.sign(value["plan_id"])
            elif value.get("error") not in ("outcome_unknown", "approval_refused", "clerk_unavailable"):
                raise AssertionError(value)

    async def surely(self, name, arguments):
        while True:
            value = await self.call(name, arguments)
            if value is not None and "error" not in value:
                return value

    async def call(self, name, arguments):
        """What the tool told; None if no answer came."""
        try:
            async with asyncio.timeout(30), agent(self.mcp, self.workspace.token) as client:
                value = told(await client.call_tool(name, arguments))
                self.last.append((name, value))
                return value
        except GONE as error:
            self.last.append((name, repr(error)))
            await asyncio.sleep(0.2)
            return None

    async def sign(self, plan):
        page = f"/w/{self.workspace.slug}/i/prod/plans/{plan}"
        while True:
            try:
                async with asyncio.timeout(30), self.here.signed_in(self.workspace.user) as browser:
                    shown = await browser.get(page)
                    self.last.append((page, shown.status_code))
                    if 'value="sign"' not in shown.text:
                        if shown.status_code == 200:
                            return  # signed already, though no answer came back
                        await asyncio.sleep(0.2)
                        continue
                    answer = await browser.post(page, data={**hidden(shown.text), "decision": "sign"})
                    self.last.append((page, answer.status_code))
                    if answer.status_code == 303:
                        return
            except (*GONE, AssertionError, KeyError) as error:
                self.last.append((page, repr(error)))
                await asyncio.sleep(0.2)


@pytest.mark.promise("any-replica")
async def test_replicas_killed_at_random_moments_lose_and_double_nothing(tmp_path):
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    with platform(tmp_path) as here:
        async with Referee(int(here.clerk.url.rpartition(":")[2])) as referee:
            here.api_urls = (f"http://127.0.0.1:{referee.port}",)
            replicas = [here.replica(), here.replica()]
            ports = [replica.port for replica in replicas]
            async with RoundRobin(ports, here.public_port), here.parts() as parts:
                spaces = [
                    await here.workspace(parts, f"acme-{number}", api_url=here.api_urls[0])
                    for number in range(WORKSPACES)
                ]
                works = [Work(here, space) for space in spaces]
                tasks = [asyncio.create_task(work.run()) for work in works]
                for _ in range(KILLS):
                    await asyncio.sleep(chance.uniform(0.2, 3.0))
                    assert not any(task.done() for task in tasks), [
                        task.exception() for task in tasks if task.done()
                    ]
                    place = chance.randrange(len(replicas))
                    await asyncio.to_thread(replicas[place].kill)
                    replicas[place] = await asyncio.to_thread(here.replica, port=ports[place])
                for work in works:
                    work.stopping = True
                done, under_way = await asyncio.wait(tasks, timeout=120)
                for task in under_way:
                    task.cancel()
                assert not under_way, [list(work.last) for work in works]
                assert not [task.exception() for task in done if task.exception()]
                await check(here, parts, works, referee)


async def check(here, parts, works, referee):
    users = [user for work in works for user in work.banned]
    assert len(users) >= len(works)
    # Once each, and nobody else.
    assert referee.bans == collections.Counter(users)
    for user in users:
        assert here.api("GET", f"/users/{user}")["banned"] is True
    desks = Desks.alone(parts.workspaces, parts.doors, parts.agents.rules)
    for work in works:
        place = Place.of(await parts.workspaces.load(work.workspace.id), "prod")
        async with desks.use(place) as desk:
            # What a killed replica left open is found out by the workers of the others, now and then.
            await desk.settling.orphans()
            verified = await desk.journal.verify()
            assert verified.fault is None, verified.fault
            entries = await desk.journal.entries(EntryFilter(action="clerk_user_ban"))
            writes = [entry for entry in entries if entry["kind"] == "write"]
            ended = collections.Counter(entry["outcome"] for entry in writes)
            assert set(ended) <= {"done", "not_done", "unknown"}, ended
            # Of a write that was torn off and done anew, nobody can say which of the two did it.
            unsure = [entry for entry in writes if entry["outcome"] == "unknown"]
            again = collections.Counter(entry["target"] for entry in writes)
            assert all(again[entry["target"]] > 1 and entry["note"] for entry in unsure), unsure
            done = [entry["target"] for entry in writes if entry["outcome"] == "done"]
            assert sorted(done) == sorted(work.banned)
            for plan in set(work.promised):
                assert (await desk.plans.load(plan)).status in (
                    "waiting",
                    "signed",
                    "used",
                    "dismissed",
                    "expired",
                )
    await desks.close()


def test_the_referee_counts():
    referee = Referee(1)
    for line in (b"POST /v1/users/user_1/ban HTTP/1.1", b"GET /v1/users/user_1 HTTP/1.1"):
        referee.saw(line)
    assert referee.bans == {"user_1": 1}
