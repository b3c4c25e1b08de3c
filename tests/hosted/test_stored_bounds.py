"""How much a workspace may have waiting, open and stored: counted exactly, or estimated, for it alone."""

import asyncio

import httpx2
import pytest
from sqlalchemy import text

from deskclerk.catalogue import BanUser, GetUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ApprovalNeeded, InvalidRequest, LimitReached
from deskclerk.hosted.limits import WorkspaceLimits, read_limits
from deskclerk.hosted.stored_bounds import StoredBounds, estimate
from deskclerk.settings import Settings
from tests.desk.conftest import TinyClerk

pytestmark = pytest.mark.anyio

AGENT = Caller("mcp", "agent")


@pytest.fixture
async def open_desk(hosted, workspaces, tmp_path):
    """Opens desks of workspaces, by slug, with some limits."""
    upstream, opened, made = TinyClerk(), [], {}
    for number in range(2, 12):
        upstream.users[f"user_{number}"] = upstream.users["user_1"] | {"id": f"user_{number}"}

    async def desk(slug="acme", **limits):
        if slug not in made:
            made[slug] = (await workspaces.create(slug, slug)).id
        part = hosted.of(made[slug])
        bounds = StoredBounds(part, WorkspaceLimits(**limits))
        doors = Workspace(made[slug], hosted.storage(made[slug]), see_to_jobs=lambda _: False, bounds=bounds)
        settings = Settings(
            home=tmp_path / "home", secret_key="sk_test_x", approval_wait=0, toolsets=("core", "jobs")
        )
        clerk = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(upstream))
        found = Desk(settings, clerk=await clerk.__aenter__(), workspace=doors)
        opened.extend([found, clerk])
        return await found.__aenter__()

    yield desk
    for item in opened:
        await item.__aexit__(None, None, None)


def ban(number):
    return BanUser(user_id=f"user_{number}")


@pytest.mark.promise("a-workspace-has-limits")
async def test_only_so_many_plans_wait_and_who_signs_or_declines_makes_room(open_desk):
    desk = await open_desk(plans_waiting=2)
    first, _ = await desk.propose(ban(1), AGENT), await desk.propose(ban(2), AGENT)
    with pytest.raises(LimitReached, match="2 plans that wait for a signature") as refused:
        await desk.perform(ban(3), caller=AGENT)
    assert "signs or declines" in refused.value.next_step
    # The same call finds its plan, and needs no other.
    assert (await desk.propose(ban(1), AGENT)).id == first.id
    other = await open_desk("bolt", plans_waiting=2)
    await other.propose(ban(1), AGENT)
    await desk.sign(first.id, Signature(Decision.DECLINED, "test"))
    with pytest.raises(ApprovalNeeded):
        await desk.perform(ban(3), caller=AGENT)


async def test_a_refusal_at_a_plan_is_journalled(open_desk):
    desk = await open_desk(plans_waiting=1)
    await desk.propose(ban(1), AGENT)
    with pytest.raises(LimitReached):
        await desk.perform(ban(2), caller=AGENT)
    (line,) = [entry for entry in await desk.journal.entries(EntryFilter()) if entry["kind"] == "refused"]
    assert line["outcome"] == "limit_reached"


async def test_of_calls_that_race_on_two_replicas_none_takes_more_than_the_last_place(open_desk):
    desks = [await open_desk(plans_waiting=3) for _ in range(2)]
    calls = [desks[number % 2].propose(ban(number), AGENT) for number in range(1, 11)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(item, LimitReached) for item in ended) == 7
    assert len(await desks[0].plans.waiting()) == 3


@pytest.mark.promise("a-workspace-has-limits")
async def test_only_so_many_jobs_are_open_and_one_that_is_over_counts_no_more(open_desk, tmp_path):
    desk = await open_desk(open_jobs=1)
    job = await desk.jobs.export("users", tmp_path / "users.ndjson", AGENT)
    with pytest.raises(LimitReached, match="1 jobs that are not over"):
        await desk.jobs.export("users", tmp_path / "more.ndjson", AGENT)
    await desk.jobs.cancel(job.id, AGENT)
    await desk.jobs.export("users", tmp_path / "more.ndjson", AGENT)


@pytest.mark.promise("a-workspace-has-limits")
async def test_a_full_journal_refuses_what_would_add_to_it_and_adds_no_refusals(open_desk, hosted):
    desk = await open_desk(journal_lines=1_000)
    desk.journal.bounds._limits = WorkspaceLimits.model_construct(journal_lines=3, stored_bytes=2**40)
    for _ in range(3):
        await desk.perform(GetUser(user_id="user_1"), caller=AGENT)
    await desk.journal.flush()
    desk.journal.bounds._until = 0.0
    for _ in range(2):
        with pytest.raises(LimitReached, match="3 lines of the journal") as caught:
            await desk.perform(GetUser(user_id="user_1"), caller=AGENT)
        # Owners have no way to it.
        assert caught.value.next_step.startswith("Whoever runs this desk can raise the limit, or keep")
    await desk.journal.flush()
    assert (await desk.journal.bounds.stored()).lines == 3
    other = await open_desk("bolt", journal_lines=1_000)
    assert (await other.journal.bounds.stored()).lines == 0
    await other.perform(GetUser(user_id="user_1"), caller=AGENT)


async def test_bytes_are_estimated_within_a_factor_of_two_of_what_the_server_keeps(open_desk, hosted):
    desk = await open_desk()
    for number in range(300):
        await desk.perform(GetUser(user_id=f"user_{number % 11 + 1}"), caller=AGENT)
    await desk.journal.flush()
    found = await estimate(hosted.of(desk.workspace.id))
    async with hosted.whole.reading() as connection:
        kept = (await connection.execute(text("SELECT pg_total_relation_size('events')"))).scalar_one()
    assert found.lines == 300
    assert kept / 2 < found.bytes < kept * 2


async def test_an_estimate_is_made_once_a_minute(open_desk, monkeypatch):
    from deskclerk.hosted import stored_bounds  # noqa: PLC0415

    desk, made = await open_desk(), []

    async def counted(database):
        made.append(database)
        return await estimate(database)

    monkeypatch.setattr(stored_bounds, "estimate", counted)
    clock = [0.0]
    for moment in (0.0, 59.0, 61.0, 100.0):
        clock[0] = moment
        await desk.journal.bounds.stored(lambda: clock[0])
    assert len(made) == 2


async def test_limits_are_set_by_name_and_what_is_none_is_refused():
    assert read_limits({"open_jobs": 5, "plans_waiting": 500}) == {"open_jobs": 5}
    for wrong in ({"open_job": 5}, {"open_jobs": 0}, {"open_jobs": "5"}, {"open_jobs": True}):
        with pytest.raises(InvalidRequest, match=r"Limits: requests_per_minute, open_streams") as refused:
            read_limits(wrong)
        assert refused.value.problems


async def test_a_limit_that_a_newer_version_wrote_does_not_stop_this_one():
    kept = {"open_jobs": 5, "of_a_newer_version": 7}
    assert WorkspaceLimits.stored(kept) == replace_limits(open_jobs=5)


def replace_limits(**values):
    return WorkspaceLimits().model_copy(update=values)
