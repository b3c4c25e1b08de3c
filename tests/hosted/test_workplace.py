"""The worker of a replica: what is wrong at one instance of one workspace ends nobody else's jobs."""

import asyncio
import contextlib
import logging

import pytest
from pydantic import SecretStr

from deskclerk.catalogue import BanUser
from deskclerk.desk.jobs.worker import Worker
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import NotAllowed
from deskclerk.hosted.workspaces.desks import Place
from deskclerk.hosted.workspaces.store import read_policy
from deskclerk.hosted.workspaces.workplace import HostedWorkplace
from tests.hosted.test_instance_keys import PERSON, SIGNED, clerk, here, people

pytestmark = pytest.mark.anyio
__all__ = ["clerk", "here"]


@pytest.fixture
async def other(here, clerk):
    """The place of the same instance in another workspace, whose jobs have to go on."""
    made = await here.workspaces.create("bolt", "Bolt")
    await here.workspaces.set_policy(made.id, read_policy({"approval_wait": 0}))
    await here.keys.add(made.id, PERSON, "prod", SecretStr(here.key), clerk.url)
    return Place.of(await here.workspaces.load(made.id), "prod")


@contextlib.asynccontextmanager
async def working(here):
    """A worker, as a replica has one."""
    worker = Worker(HostedWorkplace(here.hosted, here.desks))
    task = asyncio.create_task(worker.work())
    try:
        yield task
    finally:
        worker.stop()
        async with asyncio.timeout(60):
            await task
        worker.close()


async def signed(here, place, behind=3):
    async with here.desks.use(place) as desk:
        ids = await people(desk, 2 * behind)
        plan = await desk.jobs.propose(BanUser, ids[behind:])
        await desk.sign(plan.id, SIGNED, caller=PERSON)
        return plan.job.id, desk.jobs.store


async def over(store, job_id):
    async with asyncio.timeout(60):
        while (job := await store.load(job_id)).status != "done":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return job.counts


async def test_a_yes_to_a_job_that_the_policy_allows_no_more_is_not_kept(here):
    async with here.desks.use(await here.place()) as desk:
        plan = await desk.jobs.propose(BanUser, await people(desk))
    await here.workspaces.set_policy(here.id, read_policy({"approval_wait": 0, "read_only": True}))
    async with here.desks.use(await here.place()) as desk:
        with pytest.raises(NotAllowed, match="read_only is set"):
            await desk.sign(plan.id, SIGNED, caller=PERSON)
        # It is signed where the policy allows it again.
        assert (await desk.plans.load(plan.id)).status == "waiting"


async def test_a_signed_job_that_the_policy_allows_no_more_is_closed_and_the_others_go_on(here, other):
    async with here.desks.use(await here.place()) as desk:
        plan = await desk.jobs.propose(BanUser, await people(desk))
        # Whoever took the signature died before it had set the job going.
        async with desk.journal.writing() as connection:
            await desk.plans.sign(connection, plan, "console")
    await here.workspaces.set_policy(here.id, read_policy({"approval_wait": 0, "read_only": True}))
    async with working(here):
        job, store = await signed(here, other)
        assert await over(store, job) == {"done": 3}
    async with here.desks.use(await here.place()) as desk:
        stored = await desk.plans.load(plan.id)
        assert (stored.status, stored.how) == ("dismissed", "This is not allowed here: read_only is set.")
        assert (await desk.jobs.store.load(plan.job.id)).status == "cancelled"
        (refused,) = await desk.journal.entries(EntryFilter(outcome="not_allowed"))
        assert refused["plan"] == plan.id


@pytest.mark.parametrize("status", ["signed", "queued"])
async def test_an_instance_whose_desk_does_not_open_keeps_nobody_waiting(
    here, other, status, monkeypatch, caplog
):
    monkeypatch.setattr("deskclerk.hosted.workspaces.workplace._AGAIN_SECONDS", 0.5)
    monkeypatch.setattr("deskclerk.desk.jobs.worker._AGAIN_SECONDS", 0.5)
    async with here.desks.use(await here.place()) as desk:
        plan = await desk.jobs.propose(BanUser, await people(desk))
        if status == "queued":
            await desk.sign(plan.id, SIGNED, caller=PERSON)
        else:
            async with desk.journal.writing() as connection:
                await desk.plans.sign(connection, plan, "console")
    kept = (await here.row())["secret_key"]
    await here.change(secret_key="of another workspace")
    # As a replica that has just started, which has no desk open.
    await here.desks.close()
    with caplog.at_level(logging.ERROR, "deskclerk.jobs"):
        async with working(here) as task:
            job, store = await signed(here, other)
            assert await over(store, job) == {"done": 3}
            async with asyncio.timeout(30):
                while not any(record.exc_info for record in caplog.records):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            assert not task.done()
            # It is looked at again, and goes on once what was wrong is mended.
            await here.change(secret_key=kept)
            async with here.desks.use(await here.place()) as desk:
                assert await over(desk.jobs.store, plan.job.id) == {"done": 3}


async def test_a_job_of_an_instance_by_two_names_is_carried_out_at_the_older(here, clerk):
    await here.keys.add(here.id, PERSON, "again", SecretStr(here.key), clerk.url)
    async with here.desks.use(await here.place("again")) as desk:
        plan = await desk.jobs.propose(BanUser, await people(desk))
        await desk.sign(plan.id, SIGNED, caller=PERSON)
    workplace = HostedWorkplace(here.hosted, here.desks)
    assert [job.id for job in await workplace.open_jobs()] == [plan.job.id]
    tools = await workplace.tools(plan.job.id)
    async with here.desks.use(await here.place("prod")) as desk:
        assert tools is desk.jobs.tools
    async with working(here):
        assert await over(tools.store, plan.job.id) == {"done": 3}
