"""What goes with an instance that is removed, and what stays with another name of it."""

import asyncio
import base64

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from deskclerk.catalogue import BanUser, UpdateUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk.jobs import worker as work_module
from deskclerk.desk.jobs.rows import Row
from deskclerk.desk.jobs.worker import Worker
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.tables import job_items, jobs
from deskclerk.desk.plans.store import PlanStore
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.vault.doors import SealedHandovers, SealedSecrets
from deskclerk.hosted.vault.vault import Vault
from deskclerk.hosted.workspaces.workplace import HostedWorkplace
from deskclerk.settings import Settings
from tests.hosted.test_instance_keys import PERSON, SIGNED, clerk, here, people

pytestmark = pytest.mark.anyio
__all__ = ["clerk", "here"]
ANSWER = {"object": "oauth_application", "id": "oa_1", "name": "Portal", "client_secret": "made-up"}


async def started(here, most=3):
    """A signed job, with the store that it is in; nobody carries it out yet."""
    async with here.desks.use(await here.place()) as desk:
        plan = await desk.jobs.propose(BanUser, await people(desk, most))
        await desk.sign(plan.id, SIGNED, caller=PERSON)
        return plan.job.id, desk.jobs.store


async def carried_out(here):
    worker = Worker(HostedWorkplace(here.hosted, here.desks), until_idle=True)
    async with asyncio.timeout(60):
        await worker.work()
    worker.close()


async def test_what_waits_at_an_instance_and_what_is_not_over_ends_with_its_last_name(here, clerk):
    await here.keys.add(here.id, PERSON, "again", SecretStr(here.key), clerk.url)
    async with here.desks.use(await here.place()) as desk:
        user, *others = await people(desk, 3)
        single = await desk.propose(BanUser.parse({"user_id": user}))
        given = [{"user_id": other, "password": "made-up-battery"} for other in others]
        rows = [Row(line, arguments) for line, arguments in enumerate(given, 1)]
        waiting = await desk.jobs.propose(UpdateUser, rows)
        paused = await desk.jobs.propose(BanUser, others)
        await desk.sign(paused.id, SIGNED, caller=PERSON)
        await desk.jobs.pause(paused.job.id, PERSON)
    plans, store = PlanStore(Journal(here.hosted.storage(here.id))), desk.jobs.store

    async def found():
        states = [(await plans.load(plan.id)).status for plan in (single, waiting)]
        states += [(await store.load(plan.job.id)).status for plan in (waiting, paused)]
        async with here.hosted.of(here.id).reading() as connection:
            kept = await connection.execute(select(job_items.c.job).where(job_items.c.secrets.is_not(None)))
            return states, len(list(kept))

    before = await found()
    assert before == (["waiting", "waiting", "planned", "paused"], 2)
    gone = await here.workspaces.remove_instance(here.id, "prod")
    assert (gone.plans, gone.jobs) == (0, 0)
    assert await found() == before
    gone = await here.workspaces.remove_instance(here.id, "again")
    assert (gone.plans, gone.jobs) == (2, 2)
    assert await found() == (["dismissed", "dismissed", "cancelled", "cancelled"], 0)
    assert (await plans.load(single.id)).how == "its instance was removed"


async def test_a_job_under_way_ends_with_its_instance(here, monkeypatch):
    send, sent = Clerk.send, asyncio.Event()

    async def slowly(client, request, *more, **options):
        if "/ban" in request.path:
            sent.set()
            await asyncio.sleep(0.4)
        return await send(client, request, *more, **options)

    monkeypatch.setattr(Clerk, "send", slowly)
    monkeypatch.setattr("deskclerk.desk.jobs.running._SIDE_BY_SIDE", 1)
    # It comes back for its tools again and again, also in the moment in which they are gone.
    monkeypatch.setattr(work_module, "_PART_SECONDS", 0.1)
    job_id, store = await started(here, 40)
    working = asyncio.create_task(carried_out(here))
    await sent.wait()
    assert (await here.workspaces.remove_instance(here.id, "prod")).jobs == 1
    await working
    job = await store.load(job_id)
    assert (job.status, job.owner) == ("cancelled", None)
    # What was under way has ended, and is noted.
    assert "sent" not in job.counts
    assert 1 <= job.counts["done"] < 10


async def test_a_job_whose_worker_died_ends_with_its_instance_too(here):
    job_id, store = await started(here)
    async with here.hosted.of(here.id).writing() as connection:
        await connection.execute(update(jobs).values(status="running", owner="own_gone:1"))
    await here.workspaces.remove_instance(here.id, "prod")
    assert (await store.load(job_id)).status == "running"
    await carried_out(here)
    assert (await store.load(job_id)).status == "cancelled"


async def test_secrets_and_hand_overs_go_with_the_name_that_they_were_kept_under(here, clerk):
    settings = Settings.load(environ={"DESKCLERK_VAULT_KEY": base64.b64encode(bytes(32)).decode()})
    vault, own = Vault.of_settings(here.hosted.of, settings), here.hosted.of(here.id)

    def of(name):
        return [kind(own, vault, here.id, name, console="x") for kind in (SealedSecrets, SealedHandovers)]

    async def kept(name):
        stored, shown = of(name)
        return [item.name for item in await stored.listed()], [item.about for item in await shown.listed()]

    await here.keys.add(here.id, PERSON, "again", SecretStr(here.key), clerk.url)
    for name in ("prod", "again"):
        stored, shown = of(name)
        await stored.write("SMTP", "made-up")
        await shown.keep(ANSWER, ("client_secret",))
    digest_key, both = await of("prod")[0].digest_key(), await kept("again")
    assert [len(items) for items in both] == [1, 1]
    # None is called so, and what the workspace has for all of them is kept under it.
    with pytest.raises(NotHere):
        await here.workspaces.remove_instance(here.id, "")
    await here.workspaces.remove_instance(here.id, "prod")
    assert (await kept("prod"), await kept("again")) == (([], []), both)
    assert await of("again")[0].digest_key() == digest_key
    # A write that ended late; whoever has the name next is another.
    await of("prod")[1].keep(ANSWER, ("client_secret",))
    await here.keys.add(here.id, PERSON, "prod", SecretStr(here.key), clerk.url)
    assert (await kept("prod"), await kept("again")) == (([], []), both)
