"""What is measured, by labels that there are only so many of, and who may read it."""

import asyncio
import math

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.requests import Request

from deskclerk.catalogue import BanUser, GetUser, ListUsers
from deskclerk.desk import Caller
from deskclerk.desk.journal.records import end_record
from deskclerk.desk.observing import Call, SentRequest
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import NotFound, StorageUnavailable
from deskclerk.hosted.operating import metrics as module
from deskclerk.hosted.operating.metrics import CountRequests, Metrics, MetricsPage
from deskclerk.hosted.operating.operating import Operating
from deskclerk.settings import Settings
from tests.hosted.operating.conftest import SECRET, middleware, site, visiting

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-prometheus"


async def samples(metrics):
    """Every sample as `{name: {labels: value}}`, as a scraper reads them."""
    body, content_type = await metrics.scrape()
    assert content_type.startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.fixture
def operating(tmp_path):
    return Operating(Settings(home=tmp_path / "home"), lambda: None)


async def test_calls_plans_and_requests_are_counted_as_a_desk_works(open_desk, operating):
    metrics = operating.metrics
    async with open_desk(operating.watched) as desk:
        metrics._database = desk.workspace.storage.database
        user = (await desk.perform(ListUsers(limit=1))).value["items"][0]["id"]
        await desk.perform(BanUser(user_id=user))
        with pytest.raises(NotFound):
            await desk.perform(GetUser(user_id="user_nobody"))
        found = await samples(metrics)
    assert found["deskclerk_calls_total"] == {
        ("clerk_users_list", "done"): 1,
        ("clerk_user_ban", "done"): 1,
        ("clerk_user_get", "not_found"): 1,
    }
    assert found["deskclerk_call_seconds_count"] == {("read",): 2, ("write",): 1}
    assert found["deskclerk_plans_total"] == {("proposed",): 1, ("signed",): 1, ("used",): 1}
    assert found["deskclerk_clerk_requests_total"][("POST", "/users/{user_id}/ban", "200")] == 1
    assert found["deskclerk_clerk_requests_total"][("GET", "/users/{user_id}", "404")] == 1
    assert found["deskclerk_plans_waiting"] == {(): 0}
    assert found["deskclerk_database_up"] == {(): 1}
    assert user not in (await metrics.scrape())[0].decode()


async def test_tries_and_429_are_counted():
    metrics = Metrics()
    for attempt, status in ((1, 429), (2, None), (3, 200)):
        with metrics.request(SentRequest("GET", "/users", attempt)) as _:
            pass
        sent = SentRequest("GET", "/users", attempt)
        with metrics.request(sent):
            sent.status = status
    found = await samples(metrics)
    assert found["deskclerk_clerk_requests_total"][("GET", "/users", "429")] == 1
    assert found["deskclerk_clerk_requests_total"][("GET", "/users", "none")] == 4
    assert found["deskclerk_clerk_retries_total"] == {("GET",): 4}


async def test_what_is_no_action_makes_no_label_of_its_own():
    metrics = Metrics()
    for number in range(50):
        with metrics.call(Call(f"made_up_{number}", "read", "mcp", "done")):
            pass
    with metrics.call(Call("clerk_users_list", "read", "mcp", "proposed", over=False)):
        pass
    assert (await samples(metrics))["deskclerk_calls_total"] == {("(other)", "done"): 50}


async def test_items_of_jobs_are_counted():
    metrics = Metrics()
    for became in ("done", "done", "refused"):
        metrics.item(became)
    assert (await samples(metrics))["deskclerk_job_items_total"] == {("done",): 2, ("refused",): 1}


# What is asked of the database.


async def test_items_that_ended_in_the_last_minute_are_those_of_the_journal(
    open_desk, operating, monkeypatch
):
    async def nothing(_connection):
        pass

    async with open_desk(operating.watched) as desk:
        journal, instance = desk.journal, desk.instance
        action, caller = BanUser(user_id="user_1"), Caller("mcp")
        about = {"plan_id": None, "how": "with its job", "seen": [], "undoes": None}
        for job, outcome in (("job_1", "done"), ("job_1", "done"), ("job_2", "conflict"), (None, "done")):
            intent = journal.intent_record(instance, caller, action, job=job, **about)
            ended = end_record(intent, "outcome", outcome, None, None)
            await journal.add_all([intent, ended], nothing)
        for later, counts in ((0, {("done",): 2, ("conflict",): 1}), (60_001, None)):
            monkeypatch.setattr(module, "now", lambda later=later: now() + later)
            found = await samples(Metrics(desk.workspace.storage.database))
            assert found.get("deskclerk_job_items_in_minute") == counts


async def waiting(hosted, workspace, tmp_path, **options):
    """A plan that waits in a workspace; its desk."""
    from deskclerk.desk import Desk  # noqa: PLC0415

    settings = Settings(home=tmp_path / workspace, approval_wait=0, **options)
    async with Desk(settings, workspace=Workspace(workspace, hosted.storage(workspace))) as desk:
        user = (await desk.perform(ListUsers(limit=1))).value["items"][0]["id"]
        return await desk.propose(BanUser(user_id=user))


@pytest.mark.promise("metrics-have-a-reader")
async def test_plans_that_wait_are_those_of_all_workspaces_and_name_none(hosted, workspaces, tmp_path):
    acme, bolt = (await workspaces.create("acme", "Acme")).id, (await workspaces.create("bolt", "Bolt")).id
    await waiting(hosted, acme, tmp_path)
    await waiting(hosted, bolt, tmp_path)
    await asyncio.sleep(0.05)

    async def whole():
        return hosted.whole

    found = await samples(Metrics(whole))
    assert found["deskclerk_plans_waiting"] == {(): 2}
    assert 0.05 <= found["deskclerk_plans_waiting_oldest_seconds"][()] < 60
    assert found["deskclerk_jobs"] == {(name,): 0 for name in ("planned", "queued", "running", "paused")}
    assert found["deskclerk_database_connections"].keys() == {("in_use",), ("idle",)}
    assert found["deskclerk_database_connections"][("idle",)] >= 1
    assert found["deskclerk_database_connections_most"] == {(): 28}
    assert "deskclerk_workspace_plans_waiting" not in found
    assert acme not in str(found)
    named = await samples(Metrics(whole, by_workspace=True))
    assert named["deskclerk_workspace_plans_waiting"] == {(acme,): 1, (bolt,): 1}


async def test_plans_that_nobody_signed_in_time_are_counted_for_an_hour(
    hosted, workspaces, tmp_path, monkeypatch
):
    acme = (await workspaces.create("acme", "Acme")).id
    plan = await waiting(hosted, acme, tmp_path)

    async def whole():
        return hosted.whole

    for later, counts in ((-1, (1, 0)), (1, (0, 1)), (3_600_001, (0, 0))):
        monkeypatch.setattr(module, "now", lambda later=later: plan.expires_at + later)
        found = await samples(Metrics(whole))
        told = (found["deskclerk_plans_waiting"][()], found["deskclerk_plans_expired_in_hour"][()])
        assert told == counts


async def test_a_database_that_is_gone_leaves_no_old_numbers(monkeypatch):
    monkeypatch.setattr(module, "_FRESH_SECONDS", 0.0)
    metrics = Metrics(lambda: None)
    metrics.plans_waiting.set(7)
    metrics.jobs.labels("running").set(7)

    async def gone():
        raise StorageUnavailable(SECRET)

    metrics._database = gone
    found = await samples(metrics)
    assert found["deskclerk_database_up"] == {(): 0}
    assert math.isnan(found["deskclerk_plans_waiting"][()])
    assert "deskclerk_jobs" not in found


async def test_a_database_that_does_not_answer_keeps_no_scraper_waiting(monkeypatch):
    monkeypatch.setattr(module, "_ASK_SECONDS", 0.05)
    metrics = Metrics(asyncio.Event().wait)
    async with asyncio.timeout(2):
        assert (await samples(metrics))["deskclerk_database_up"] == {(): 0}


async def test_of_many_who_scrape_one_asks():
    asked = []

    async def gone():
        asked.append(1)
        raise StorageUnavailable("gone")

    metrics = Metrics(gone)
    await asyncio.gather(*(metrics.scrape() for _ in range(20)))
    assert len(asked) == 1


# HTTP.


async def test_requests_are_counted_by_their_route_and_streams_while_they_are_open():
    metrics, gate = Metrics(), asyncio.Event()
    app = site(middleware(CountRequests, metrics=metrics), gate=gate)
    async with visiting(app) as client:
        await client.get("/things/user_1")
        await client.get("/nothing/user_1")
        await client.get("/broken")
        reading = asyncio.create_task(client.get("/stream"))
        while metrics.streams._value.get() != 1:  # noqa: ASYNC110 - a gauge tells nobody
            await asyncio.sleep(0.01)
        found = await samples(metrics)
        assert found["deskclerk_streams_open"] == found["deskclerk_http_requests_open"] == {(): 1}
        gate.set()
        await reading
    found = await samples(metrics)
    assert found["deskclerk_streams_open"] == found["deskclerk_http_requests_open"] == {(): 0}
    assert found["deskclerk_http_requests_total"] == {
        ("GET", "/things/{id}", "200"): 1,
        ("GET", "(none)", "404"): 1,
        ("GET", "/broken", "none"): 1,
        ("GET", "/stream", "200"): 1,
    }


async def page(token=None, loopback=False, authorization=None, host="localhost:8765"):
    headers = [(b"host", host.encode())]
    if authorization:
        headers.append((b"authorization", authorization.encode()))
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers, "query_string": b""}
    shown = MetricsPage(Metrics(), token=token and SecretStr(token), loopback=loopback)
    return await shown(Request(scope | {"scheme": "http", "server": ("127.0.0.1", 8765)}))


@pytest.mark.promise("metrics-have-a-reader")
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"loopback": True}, 200),
        ({"loopback": True, "host": "evil.example"}, 403),
        ({"loopback": False}, 403),
        ({"token": TOKEN, "loopback": True}, 401),
        ({"token": TOKEN, "authorization": f"Bearer {TOKEN}"}, 200),
        ({"token": TOKEN, "authorization": f"bearer {TOKEN}", "host": "metrics.example"}, 200),
        ({"token": TOKEN, "authorization": f"Bearer {TOKEN}x"}, 401),
        ({"token": TOKEN, "authorization": f"Basic {TOKEN}"}, 401),
        ({"token": TOKEN, "authorization": "Bearer ünïcödé"}, 401),
    ],
)
async def test_metrics_are_for_whoever_shows_the_token_else_for_this_machine(given, status):
    answer = await page(**given)
    assert answer.status_code == status
    assert (b"deskclerk_build_info" in answer.body) is (status == 200)


async def test_every_metric_is_described_as_the_registry_has_it():
    metrics = Metrics(redis=lambda: 0.0, worker=lambda: 0.0)
    ours = {family.name: family for family in metrics.registry.collect() if "deskclerk" in family.name}
    described = {item.name.removesuffix("_total"): item for item in metrics.described}
    assert ours.keys() == described.keys()
    for name, family in ours.items():
        assert (family.type, family.documentation) == (described[name].kind, described[name].text)


async def test_what_a_process_has_not_it_does_not_tell_as_well():
    told = {"deskclerk_worker_unlooked_seconds", "deskclerk_redis_unheard_seconds"}
    assert not told & (await samples(Metrics(sessions=lambda: 0))).keys()
    assert told <= (await samples(Metrics(redis=lambda: 0.0, worker=lambda: 0.0))).keys()


async def test_sessions_and_redis_are_looked_at_when_somebody_scrapes():
    found = await samples(Metrics(sessions=lambda: 3, redis=lambda: 1.5))
    assert found["deskclerk_mcp_sessions_open"] == {(): 3}
    assert found["deskclerk_redis_unheard_seconds"] == {(): 1.5}
