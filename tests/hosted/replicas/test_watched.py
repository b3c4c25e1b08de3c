"""Replicas are watched from outside: what they say of themselves, and that no workspace's secret is in it."""

import anyio
import httpx2
import pytest

from tests.hosted.replicas.agent import agent, told
from tests.hosted.replicas.platform import platform

pytestmark = pytest.mark.anyio
METRICS_TOKEN = "a-token-of-prometheus"
WATCHED = {"DESKCLERK_LOG_FORMAT": "json", "DESKCLERK_METRICS_TOKEN": METRICS_TOKEN}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A platform with a replica whose logs and metrics are read."""
    with pytest.MonkeyPatch.context() as patch, platform(tmp_path_factory.mktemp("platform")) as found:
        plain = type(found).environment.fget
        patch.setattr(type(found), "environment", property(lambda self: plain(self) | WATCHED))
        found.first = found.replica()
        yield found


async def test_a_replica_is_ready_and_counts_what_its_workspaces_ask_without_naming_them(watched):
    here = watched
    async with here.parts() as parts:
        acme = await here.workspace(parts, "acme-watched")
    async with agent(f"{here.first.url}/mcp/{acme.slug}", acme.token) as client:
        users = told(await client.call_tool("clerk_users_list", {"limit": 1}))["items"]
        waits = told(await client.call_tool("clerk_user_ban", {"user_id": users[0]["id"]}))
        assert waits["error"] == "approval_needed"
    async with here.signed_in(acme.user, here.first.url) as browser:
        assert (await browser.get(f"/w/{acme.slug}/i/prod/plans/{waits['plan_id']}")).status_code == 200
    async with httpx2.AsyncClient(base_url=here.first.url) as outside:
        ready = (await outside.get("/readyz")).json()
        assert ready["status"] == "ready", ready
        assert ready["checks"].keys() == {"database", "migrations", "redis"}
        assert all(check["ok"] for check in ready["checks"].values()), ready
        assert (await outside.get("/metrics")).status_code == 401
        shown = {"authorization": f"Bearer {METRICS_TOKEN}"}
        metrics = (await outside.get("/metrics", headers=shown)).text
    assert 'deskclerk_calls_total{action="clerk_users_list",outcome="done"} 1.0' in metrics
    assert 'deskclerk_calls_total{action="clerk_user_ban",outcome="approval_needed"} 1.0' in metrics
    assert "deskclerk_plans_waiting 1.0" in metrics
    assert "deskclerk_redis_unheard_seconds 0.0" in metrics
    logs = here.logs()
    assert '"route": "/w/{slug}/i/{instance}/plans/{plan_id}"' in logs
    for hidden in (acme.slug, acme.id, acme.token, users[0]["id"], waits["plan_id"], here.vault_key):
        assert hidden not in metrics
        assert hidden not in logs


async def test_a_page_that_follows_along_does_not_keep_a_replica_from_ending(watched):
    here = watched
    async with here.parts() as parts:
        acme = await here.workspace(parts, "acme-follows")
    ending = here.replica(worker=False)
    async with (
        here.signed_in(acme.user, ending.url) as browser,
        browser.stream("GET", f"/w/{acme.slug}/i/prod/events") as events,
    ):
        assert events.status_code == 200
        ending.process.terminate()
        # Less than connections get, which is half a minute.
        await anyio.to_thread.run_sync(ending.process.wait, 25)
    ending.end()
