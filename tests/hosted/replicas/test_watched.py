"""Replicas are watched from outside: what they say of themselves, and that no workspace's secret is in it."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import subprocess
import sys

import anyio
import httpx2
import pytest

from deskclerk.faces.cli.main import main
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.workspaces.store import read_policy
from tests.hosted.replicas.agent import agent, told
from tests.hosted.replicas.platform import free_port, platform
from tests.hosted.replicas.test_two_replicas import hidden

pytestmark = pytest.mark.anyio
METRICS_TOKEN = "a-token-of-prometheus"
WATCHED = {"DESKCLERK_LOG_FORMAT": "json", "DESKCLERK_METRICS_TOKEN": METRICS_TOKEN}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A platform with a replica whose logs and metrics are read."""
    with pytest.MonkeyPatch.context() as patch, platform(tmp_path_factory.mktemp("platform")) as found:
        plain = type(found).environment.fget
        patch.setattr(type(found), "environment", property(lambda self: plain(self) | WATCHED))
        found.first = found.replica(worker=False)
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
        assert ready["checks"].keys() == {"database", "isolation", "migrations", "redis", "vault"}
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
    for kept in (acme.slug, acme.id, acme.token, users[0]["id"], waits["plan_id"], here.vault_key):
        assert kept not in metrics
        assert kept not in logs


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


async def test_a_call_that_waits_for_a_signature_is_told_that_a_replica_ends(watched):
    here = watched
    async with here.parts() as parts:
        acme = await here.workspace(parts, "acme-waits", policy={"approval_wait": 60})
    ending = here.replica(worker=False)
    async with agent(f"{ending.url}/mcp/{acme.slug}", acme.token) as client:
        users = told(await client.call_tool("clerk_users_list", {"limit": 1}))["items"]

        asked = anyio.Event()

        async def end(*_progress):
            # It waits by now. Half a minute is what a request gets; the wait alone is twice that.
            if not asked.is_set():  # a second signal would end it at once
                asked.set()
                ending.process.terminate()

        ban = client.call_tool("clerk_user_ban", {"user_id": users[0]["id"]}, progress_callback=end)
        waits = told(await ban)
    assert waits["error"] == "approval_needed"
    assert "this server ends before one has" in waits["message"]
    await anyio.to_thread.run_sync(ending.process.wait, 25)
    ending.end()
    # What it waited for is signed and asked for at another.
    async with here.signed_in(acme.user, here.first.url) as browser:
        page = f"/w/{acme.slug}/i/prod/plans/{waits['plan_id']}"
        form = hidden((await browser.get(page)).text)
        assert (await browser.post(page, data={**form, "decision": "sign"})).status_code == 303
    async with agent(f"{here.first.url}/mcp/{acme.slug}", acme.token) as client:
        answer = told(await client.call_tool("clerk_user_ban", {"user_id": users[0]["id"]}))
        assert answer["banned"] is True


async def _revoke(parts, acme):
    tokens = WorkspaceTokens(parts.database)
    for record in await tokens.listed(acme.id):
        await tokens.revoke(acme.id, record.id)


async def _narrow_the_agent(parts, acme):
    rules = AgentRules(access="read", toolsets=("core",))
    await parts.agents.change(acme.id, acme.agent.id, rules)


async def _narrow_the_workspace(parts, acme):
    await parts.workspaces.set_policy(acme.id, read_policy({"approval_wait": 0, "read_only": True}))


async def _change_something_else(parts, acme):
    await parts.workspaces.set_policy(acme.id, read_policy({"approval_wait": 5}))


@pytest.mark.parametrize(
    ("change", "refused", "then"),
    [
        (_revoke, "was revoked", None),
        (_narrow_the_agent, "was changed while the call waited", "access is set to read for caller bot"),
        (_narrow_the_workspace, "was changed while the call waited", "read_only is set"),
        (_change_something_else, "was changed while the call waited", None),
    ],
)
async def test_what_is_changed_while_a_call_waits_for_a_signature_counts_when_it_comes(
    watched, change, refused, then
):
    here = watched
    slug = f"acme{change.__name__.replace('_', '-')}"
    async with here.parts() as parts:
        acme = await here.workspace(parts, slug, policy={"approval_wait": 30})
        async with agent(f"{here.first.url}/mcp/{slug}", acme.token) as client:
            users = told(await client.call_tool("clerk_users_list", {"limit": 1}))["items"]
            ban = {"user_id": users[0]["id"]}
            changed = anyio.Event()

            async def sign(_waited, _most, message):
                if changed.is_set():
                    return
                changed.set()
                await change(parts, acme)
                async with here.signed_in(acme.user, here.first.url) as browser:
                    page = re.search(r"/w/\S+", message)[0]
                    form = hidden((await browser.get(page)).text)
                    answer = await browser.post(page, data={**form, "decision": "sign"})
                    assert answer.status_code == 303, answer.text

            answer = told(await client.call_tool("clerk_user_ban", ban, progress_callback=sign))
            assert changed.is_set()
            assert refused in answer["message"]
            assert here.api("GET", f"/users/{ban['user_id']}")["banned"] is False
            if change is _revoke:
                return
            answer = told(await client.call_tool("clerk_user_ban", ban))
            if then:
                assert answer["error"] == "not_allowed"
                assert then in answer["message"]
                assert here.api("GET", f"/users/{ban['user_id']}")["banned"] is False
            else:
                # The signature was kept.
                assert answer["banned"] is True


@contextlib.contextmanager
def worker(here, *words):
    """`deskclerk hosted work` in a process of its own, with where its page is."""
    command = [sys.executable, "-m", "deskclerk", "hosted", "work", "--port", "0", "--json", *words]
    with subprocess.Popen(
        command, env=here.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, f"http://{json.loads(process.stdout.readline())['listening']}"
        finally:
            process.terminate()
            process.wait(30)


async def eventually(look, seconds=60):
    """What a look finds, once it finds something."""
    for _ in range(seconds * 10):
        if found := await look():
            return found
        await anyio.sleep(0.1)
    raise TimeoutError


async def test_a_worker_says_how_it_is_and_counts_the_items_that_it_carries_out(watched):
    here = watched
    async with here.parts() as parts:
        acme = await here.workspace(parts, "acme-works")
    with worker(here) as (process, url):
        async with httpx2.AsyncClient(base_url=url) as outside:
            assert (await outside.get("/livez")).json()["status"] == "alive"
            ready = (await outside.get("/readyz")).json()
            assert ready["status"] == "ready", ready
            assert ready["checks"].keys() == {"database", "isolation", "jobs", "migrations", "redis", "vault"}
            for path in ("/", "/mcp", "/w/acme-works/", "/sign-in"):
                assert (await outside.get(path)).status_code == 404
            assert (await outside.get("/metrics")).status_code == 401
            shown = {"authorization": f"Bearer {METRICS_TOKEN}"}

            async def metrics():
                return (await outside.get("/metrics", headers=shown)).text

            assert re.search(r"^deskclerk_worker_unlooked_seconds \d", await metrics(), re.MULTILINE)
            await carried_out(here, acme)
            text = await metrics()
            assert 'deskclerk_job_items_total{became="done"} 2.0' in text
            assert 'deskclerk_clerk_requests_total{method="POST"' in text
            for kept in (acme.slug, acme.id, acme.user):
                assert kept not in text
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


async def carried_out(here, acme):
    """A job of two items, signed in the console and done."""
    made = [
        {"email_address": [f"{name}@spam.example.com"], "skip_password_requirement": True}
        for name in ("one", "two")
    ]
    users = [here.api("POST", "/users", user)["id"] for user in made]
    async with agent(f"{here.first.url}/mcp/{acme.slug}", acme.token) as client:
        waits = told(
            await client.call_tool("clerk_bulk_propose", {"action": "clerk_user_lock", "targets": users})
        )
        page = f"/w/{acme.slug}/i/prod/plans/{waits['plan_id']}"
        async with here.signed_in(acme.user, here.first.url) as browser:
            form = hidden((await browser.get(page)).text)
            answer = await browser.post(page, data={**form, "decision": "sign"})
        job = answer.headers["location"].rpartition("/")[2]

        async def over():
            return told(await client.call_tool("clerk_job_get", {"job_id": job}))["status"] == "done"

        await eventually(over)


async def test_the_worker_beside_a_replica_has_its_page_where_it_is_told(watched):
    here, port = watched, free_port()
    replica = here.replica(words=("--worker-port", str(port)))

    async def ready():
        with contextlib.suppress(httpx2.TransportError):
            async with httpx2.AsyncClient() as outside:
                return (await outside.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        return False

    await eventually(ready)
    replica.end()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/livez")


@pytest.mark.parametrize("words", [(), ("--hosted", "--no-worker")])
def test_a_page_of_a_worker_that_there_is_not_is_refused(words, capsys):
    assert main(["serve", *words, "--worker-port", "9765"]) == 2
    assert "--worker-port is for a replica that carries out jobs" in capsys.readouterr().err


def test_where_its_workers_port_is_taken_a_replica_does_not_start(watched):
    environment = watched.environment | {"DESKCLERK_LOG_FORMAT": "text"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["serve", "--hosted", "--port", "0", "--worker-port", str(port)]
        command = [sys.executable, "-m", "deskclerk", *words]
        ended = subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=60
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"127.0.0.1:{port} cannot be listened on" in ended.stderr
    assert "Choose another with --host and --worker-port." in ended.stderr


async def test_the_lines_of_a_workers_log_are_like_those_of_its_replica(watched):
    command = [sys.executable, "-m", "deskclerk", "hosted", "work"]
    other = {"DESKCLERK_REDIS": f"redis://127.0.0.1:{free_port()}/0", "DESKCLERK_LOG_FORMAT": "text"}
    environment = watched.environment | other
    worker = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            line = await worker.stderr.readline()
    finally:
        worker.terminate()
        await worker.communicate()
    assert line.startswith(b"WARNING deskclerk.hosted: Other replicas are not heard: ConnectionError at ")
