"""Desks of workspaces: what one does is on its own part of the database, journal and chain alike."""

import asyncio
import contextlib

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import update

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.execution import settling
from deskclerk.desk.jobs.worker import Worker
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.journal.tables import plans
from deskclerk.desk.plans.store import SIGNED as SIGNED_PLAN
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, InvalidRequest, StorageUnavailable
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.hosted.workspaces.store import WorkspaceStore, read_policy
from deskclerk.hosted.workspaces.workplace import HostedWorkplace
from deskclerk.testing import sandbox_server

pytestmark = pytest.mark.anyio
SIGNED = Signature(Decision.APPROVED, "console")
PERSON = Caller("console")


@pytest.fixture(scope="module")
def clerk(tmp_path_factory):
    with sandbox_server(tmp_path_factory.mktemp("clerk") / "sandbox.db") as found:
        yield found


@pytest.fixture
def workspaces(hosted, clerk):
    from tests.hosted.conftest import PlainSealer  # noqa: PLC0415

    return WorkspaceStore(hosted, PlainSealer(), [clerk.url])


@pytest.fixture
async def desks(hosted, workspaces):
    async def nobody(_workspace):
        return {}

    def doors(workspace, _instance):
        return Workspace(workspace.id, hosted.storage(workspace.id), see_to_jobs=lambda _: False)

    found = Desks.alone(workspaces, doors, nobody)
    yield found
    await found.close()


async def place(workspaces, clerk, slug):
    clerk.reset(company=True)
    made = await workspaces.create(slug, slug.title())
    await workspaces.add_instance(made.id, "prod", SecretStr(clerk.secret_key), clerk.url)
    # A call that nobody signs is not to wait for somebody who might.
    await workspaces.set_policy(made.id, read_policy({"approval_wait": 0}))
    return Place.of(await workspaces.load(made.id), "prod")


async def someone(desk):
    answer = await desk.perform(ListUsers.parse({"limit": 1}))
    return answer.value["items"][0]["id"]


async def test_each_workspace_has_a_journal_and_a_chain_of_its_own(desks, workspaces, clerk):
    acme, bolt = [await place(workspaces, clerk, slug) for slug in ("acme", "bolt")]
    for here, times in ((acme, 3), (bolt, 2)):
        async with desks.use(here) as desk:
            for _ in range(times):
                await desk.perform(ListUsers.parse({"limit": 1}))
            await desk.journal.flush()
    for here, times in ((acme, 3), (bolt, 2)):
        async with desks.use(here) as desk:
            check = await desk.journal.verify()
            assert (check.fault, check.head.seq) == (None, times)
            assert len(await desk.journal.entries(EntryFilter())) == times


async def test_a_plan_of_one_workspace_is_nowhere_for_another(desks, workspaces, clerk):
    acme, bolt = [await place(workspaces, clerk, slug) for slug in ("acme", "bolt")]
    async with desks.use(acme) as mine, desks.use(bolt) as other:
        user = await someone(mine)
        plan = await mine.propose(BanUser.parse({"user_id": user}))
        with pytest.raises(ApprovalRefused, match="no such plan"):
            await other.sign(plan.id, SIGNED, caller=PERSON)
        with pytest.raises(ApprovalNeeded):
            await mine.perform(BanUser.parse({"user_id": user}))
        await mine.sign(plan.id, SIGNED, caller=PERSON)
        # Signed here, it is still nothing that the other could use, for the very same call.
        with pytest.raises(ApprovalNeeded):
            await other.perform(BanUser.parse({"user_id": user}))
        done = await mine.perform(BanUser.parse({"user_id": user}))
        assert done.value["banned"] is True


async def test_one_desk_serves_all_and_a_changed_workspace_gets_a_new_one(desks, workspaces, clerk):
    acme = await place(workspaces, clerk, "acme")
    async with desks.use(acme) as first, desks.use(acme) as second:
        assert first is second
        await workspaces.set_policy(acme.workspace, read_policy({"access": "read", "approval_wait": 0}))
        now = Place.of(await workspaces.load(acme.workspace), "prod")
        async with desks.use(now) as third:
            assert third is not first
            assert third.settings.access == "read"
        # Whoever was at it ends with what it began with.
        await first.perform(ListUsers.parse({"limit": 1}))
    for _ in range(100):
        if len(desks) == 1:
            break
        await asyncio.sleep(0.02)
    assert len(desks) == 1


async def test_an_instance_that_is_not_there_opens_nothing(desks, workspaces, clerk):
    acme = await place(workspaces, clerk, "acme")
    for _ in range(2):
        with pytest.raises(NotHere):
            async with desks.use(Place(acme.workspace, "other", acme.version)):
                pass
    assert len(desks) == 0


@pytest.mark.promise("instances-at-named-origins")
async def test_a_customer_cannot_have_the_server_ask_its_neighbours(workspaces):
    made = await workspaces.create("acme", "Acme")
    for address in ("http://127.0.0.1:9", "https://10.0.0.1", "https://internal.example"):
        with pytest.raises(InvalidRequest, match=r"api_url: accepted: https://api\.clerk\.com"):
            await workspaces.add_instance(made.id, "prod", SecretStr("sk_test_x"), address)


async def test_the_worker_of_a_replica_carries_out_the_jobs_of_every_workspace(
    hosted, desks, workspaces, clerk
):
    places = [await place(workspaces, clerk, slug) for slug in ("acme", "bolt")]
    jobs = []
    for number, here in enumerate(places):
        async with desks.use(here) as desk:
            people = (await desk.perform(ListUsers.parse({"limit": 4}))).value["items"]
            ids = [person["id"] for person in people[2 * number : 2 * number + 2]]
            plan = await desk.jobs.propose(BanUser, ids)
            await desk.sign(plan.id, SIGNED, caller=PERSON)
            jobs.append(plan.job.id)
    worker = Worker(HostedWorkplace(hosted, desks), until_idle=True)
    async with asyncio.timeout(60):
        await worker.work()
    worker.close()
    # Whoever uses the loop after it has threads.
    assert await asyncio.to_thread(int) == 0
    for here, job_id, other in zip(places, jobs, reversed(jobs), strict=True):
        async with desks.use(here) as desk:
            job = await desk.jobs.store.load(job_id)
            assert (job.status, job.counts) == ("done", {"done": 2})
            with pytest.raises(InvalidRequest, match="no job has this id"):
                await desk.jobs.store.load(other)


async def test_a_workspace_whose_desk_does_not_open_keeps_the_jobs_of_no_other_waiting(
    hosted, desks, workspaces, clerk
):
    places = [await place(workspaces, clerk, slug) for slug in ("acme", "bolt")]
    for here in places:
        async with desks.use(here) as desk:
            people = (await desk.perform(ListUsers.parse({"limit": 2}))).value["items"]
            plan = await desk.jobs.propose(BanUser, [person["id"] for person in people])
            async with hosted.of(here.workspace).writing() as connection:
                # As if the replica had died between the signature and the job.
                await connection.execute(update(plans).values(status=SIGNED_PLAN))
            job_id = plan.job.id
    opened = []

    class OneIsAway:
        @contextlib.asynccontextmanager
        async def use(self, here):
            if here == places[0]:
                raise StorageUnavailable("The vault is away.")
            async with desks.use(here) as desk:
                opened.append(here)
                yield desk

    await HostedWorkplace(hosted, OneIsAway()).open_jobs()
    assert opened == [places[1]]
    async with desks.use(places[1]) as desk:
        assert (await desk.jobs.store.load(job_id)).status == "queued"


async def test_a_write_whose_replica_died_is_settled_by_the_worker_of_another(
    hosted, desks, workspaces, clerk, monkeypatch
):
    acme = await place(workspaces, clerk, "acme")
    async with desks.use(acme) as desk:
        user = await someone(desk)
        ban = BanUser.parse({"user_id": user})
        # All that Clerk says of the user: that nobody has touched them since shows in it.
        seen = await asyncio.to_thread(
            httpx2.get,
            f"{clerk.api_url}/users/{user}",
            headers={"authorization": f"Bearer {clerk.secret_key}"},
        )
        intent = desk.journal.intent_record(
            desk.instance,
            PERSON,
            ban,
            plan_id=None,
            how="x",
            seen=[seen.json()],
            undoes=None,
        )
        # Of a replica that is gone: its name is nobody's lock.
        await desk.journal.add_all([intent | {"owner": "own_gone"}])
    monkeypatch.setattr(settling, "longest_under_way", lambda _: 0)
    workplace = HostedWorkplace(hosted, desks)
    await workplace.begin()
    await workplace.open_jobs()
    async with desks.use(acme) as desk:
        (entry,) = await desk.journal.entries(EntryFilter(action="clerk_user_ban"))
        assert entry["outcome"] == "not_done"
