"""A job that was signed goes on whichever replica dies: any worker takes it, and no item is done twice."""

import asyncio
import collections

import pytest

from tests.hosted.replicas.agent import agent, told
from tests.hosted.replicas.platform import platform
from tests.hosted.replicas.test_kills import Referee
from tests.hosted.replicas.test_two_replicas import hidden

pytestmark = pytest.mark.anyio
USERS = 120


async def test_a_job_is_carried_out_to_its_end_though_its_replica_and_worker_are_killed(tmp_path):
    with platform(tmp_path) as here:
        here.clerk.seed({"users": [{"username": f"spam-{number}"} for number in range(USERS)]})
        async with Referee(int(here.clerk.url.rpartition(":")[2])) as referee:
            here.api_urls = (f"http://127.0.0.1:{referee.port}",)
            first = here.replica(port=here.public_port)
            async with here.parts() as parts:
                acme = await here.workspace(parts, "acme", api_url=here.api_urls[0])
            call = {"action": "clerk_user_ban", "where": '{"query": "spam-"}'}
            async with agent(f"{first.url}/mcp/acme", acme.token) as client:
                refused = told(await client.call_tool("clerk_bulk_propose", call))
            assert refused["error"] == "approval_needed", refused
            page = f"/w/acme/i/prod/plans/{refused['plan_id']}"
            async with here.signed_in(acme.user) as browser:
                shown = await browser.get(page)
                answer = await browser.post(page, data={**hidden(shown.text), "decision": "sign"})
                assert answer.status_code == 303, answer.text
            job = answer.headers["location"].rpartition("/")[2]
            for _ in range(600):
                if sum(referee.bans.values()) >= USERS // 10:
                    break
                await asyncio.sleep(0.05)
            await asyncio.to_thread(first.kill)
            second = await asyncio.to_thread(here.replica)
            async with agent(f"{second.url}/mcp/acme", acme.token) as client:
                found = {"status": ""}
                # What was under way may be so for some minutes, before any of it is sent again.
                for _ in range(1200):
                    found = told(await client.call_tool("clerk_job_get", {"job_id": job}))
                    if found["status"] == "done":
                        break
                    await asyncio.sleep(0.2)
            assert found["status"] == "done", found
            users = here.api("GET", "/users?query=spam-&limit=500")
            assert len(users) == USERS
            assert all(user["banned"] for user in users)
            assert referee.bans == collections.Counter(user["id"] for user in users)
