"""An instance that gets another key stays the same instance, where Clerk says that it is."""

import asyncio
import base64
import io
import json
import sqlite3
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.jobs.worker import Worker
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.journal.tables import events
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, ClerkUnavailable, InvalidRequest, KeyRejected
from deskclerk.faces.cli.main import main
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.hosted.workspaces.instance_keys import InstanceKeys
from deskclerk.hosted.workspaces.policy import OF_A_WORKSPACE
from deskclerk.hosted.workspaces.store import WorkspaceStore, read_policy
from deskclerk.hosted.workspaces.tables import instances
from deskclerk.hosted.workspaces.workplace import HostedWorkplace
from deskclerk.testing import sandbox_server
from tests.hosted.conftest import PlainSealer

pytestmark = pytest.mark.anyio
SIGNED = Signature(Decision.APPROVED, "console")
PERSON = Caller("console", "Olga", person="prs_1")
_numbers = iter(range(1000))


@pytest.fixture(scope="module")
def clerk(tmp_path_factory):
    file = tmp_path_factory.mktemp("clerk") / "sandbox.db"
    with sandbox_server(file) as found:
        found.file = file
        yield found


def given(kind="test"):
    return f"sk_{kind}_key{next(_numbers):020}"


def rotate(clerk, old, kind="test"):
    """Give an instance of the sandbox another key, as Clerk's dashboard does; the old one is refused then."""
    new = given(kind)
    with sqlite3.connect(clerk.file, timeout=30) as database:
        assert database.execute(
            "UPDATE instances SET secret_key = ? WHERE secret_key = ?", (new, old)
        ).rowcount
    # The sandbox reads its keys anew with the next change to them.
    clerk.instances.add(f"other-{next(_numbers)}")
    return new


@pytest.fixture
async def here(hosted, clerk):
    """A workspace with an instance of the sandbox that holds the company."""
    clerk.reset()
    key = given()
    made = clerk.instances.add(f"acme-{next(_numbers)}", secret_key=key, company=True)
    workspaces = WorkspaceStore(hosted, PlainSealer(), [clerk.url, "http://127.0.0.1:9"])
    keys = InstanceKeys(hosted, workspaces)
    record = await workspaces.create("acme", "Acme")
    await workspaces.set_policy(record.id, read_policy({"approval_wait": 0}))
    await keys.add(record.id, PERSON, "prod", SecretStr(key), clerk.url)

    async def nobody(_workspace):
        return {}

    def doors(workspace, _instance):
        return Workspace(
            workspace.id, hosted.storage(workspace.id), see_to_jobs=lambda _: False, steps=OF_A_WORKSPACE
        )

    desks = Desks.alone(workspaces, doors, nobody)

    async def place(name="prod"):
        return Place.of(await workspaces.load(record.id), name)

    async def replace(key, name="prod"):
        return await keys.replace(record.id, PERSON, name, SecretStr(key))

    async def row(name="prod"):
        async with hosted.of(record.id).reading() as connection:
            found = await connection.execute(select(instances).where(instances.c.name == name))
            return dict(found.mappings().one())

    async def change(**values):
        async with hosted.of(record.id).writing() as connection:
            await connection.execute(update(instances).values(**values))

    yield SimpleNamespace(
        id=record.id, clerk_id=made["id"], key=key, workspaces=workspaces, keys=keys, desks=desks,
        hosted=hosted, place=place, replace=replace, row=row, change=change,
    )  # fmt: skip
    await desks.close()


async def people(desk, most=3):
    return [user["id"] for user in (await desk.perform(ListUsers.parse({"limit": most}))).value["items"]]


async def test_a_plan_that_waits_is_signed_and_done_with_the_new_key(here, clerk):
    async with here.desks.use(await here.place()) as desk:
        user = (await people(desk))[0]
        plan = await desk.propose(BanUser.parse({"user_id": user}))
        known_as = desk.instance.id
    await here.replace(rotate(clerk, here.key))
    async with here.desks.use(await here.place()) as desk:
        assert desk.instance.id == known_as
        with pytest.raises(ApprovalNeeded):
            await desk.perform(BanUser.parse({"user_id": user}))
        await desk.sign(plan.id, SIGNED, caller=PERSON)
        done = await desk.perform(BanUser.parse({"user_id": user}))
        assert done.value["banned"] is True
        wanted = EntryFilter(action="clerk_user_ban", instance=known_as, outcome="done")
        (entry,) = await desk.journal.entries(wanted)
        # What was done is taken back by whoever has the key then.
        assert await desk.propose_undo(entry["entry"])


async def test_a_job_that_is_not_over_goes_on_with_the_new_key(here, clerk):
    async with here.desks.use(await here.place()) as desk:
        plan = await desk.jobs.propose(BanUser, await people(desk))
        await desk.sign(plan.id, SIGNED, caller=PERSON)
    await here.replace(rotate(clerk, here.key))
    worker = Worker(HostedWorkplace(here.hosted, here.desks), until_idle=True)
    async with asyncio.timeout(60):
        await worker.work()
    worker.close()
    async with here.desks.use(await here.place()) as desk:
        job = await desk.jobs.store.load(plan.job.id)
        assert (job.status, job.counts) == ("done", {"done": 3})
        assert [item.id for item in await desk.jobs.store.listed(desk.instance.id, 10)] == [job.id]


async def test_a_key_of_another_instance_is_refused_and_nothing_is_changed(here, clerk):
    other = clerk.instances.add(f"other-{next(_numbers)}", secret_key=given())["secret_key"]
    before, version = await here.row(), (await here.workspaces.load(here.id)).version
    with pytest.raises(InvalidRequest, match="of another instance of Clerk's than prod") as refused:
        await here.replace(other)
    assert "under another name" in refused.value.next_step
    assert other not in str(refused.value.as_dict())
    assert await here.row() == before
    assert (await here.workspaces.load(here.id)).version == version


@pytest.mark.parametrize("kind", ["live", "sandbox"])
async def test_a_key_of_another_kind_is_refused_before_clerk_is_asked(here, kind):
    before = await here.row()
    key = "sk_test_sandbox" if kind == "sandbox" else given(kind)
    with pytest.raises(InvalidRequest, match=f"That is a {kind} key, and prod is a test instance"):
        await here.replace(key)
    assert await here.row() == before


async def test_a_key_that_clerk_refuses_is_kept_nowhere(here, clerk):
    before = await here.row()
    with pytest.raises(KeyRejected, match="Nothing was kept"):
        await here.replace(given())
    with pytest.raises(KeyRejected, match="Nothing was kept"):
        await here.keys.add(here.id, PERSON, "stage", SecretStr(given()), clerk.url)
    assert await here.row() == before
    assert [item.name for item in await here.workspaces.instances(here.id)] == ["prod"]


async def test_a_key_that_clerk_takes_no_more_is_an_owners_to_replace(here, clerk):
    rotate(clerk, here.key)
    async with here.desks.use(await here.place()) as desk:
        with pytest.raises(KeyRejected) as caught:
            await people(desk)
    assert "an owner of the workspace enters it on its page Instances" in caught.value.next_step
    assert "CLERK_SECRET_KEY" not in str(caught.value)


async def test_of_an_instance_that_nobody_asked_about_the_key_that_it_has_says_which_it_is(here, clerk):
    await here.change(clerk_id=None)
    # Both keys are good at Clerk for a while; the sandbox has one at a time, and the same does for both.
    await here.replace(here.key)
    assert (await here.row())["clerk_id"] == here.clerk_id
    await here.change(clerk_id=None)
    before, new = await here.row(), rotate(clerk, here.key)
    with pytest.raises(InvalidRequest, match="the key that it has is not taken any more") as refused:
        await here.replace(new)
    assert "under another name" in refused.value.next_step
    assert await here.row() == before
    added = await here.keys.add(here.id, PERSON, "prod-2", SecretStr(new), clerk.url)
    assert added.id != before["instance"]


async def test_an_instance_is_added_while_clerk_is_away_and_gets_no_other_key_meanwhile(here):
    gone = "http://127.0.0.1:9"
    added = await here.keys.add(here.id, PERSON, "stage", SecretStr(given()), gone)
    assert added.clerk_id is None
    with pytest.raises(ClerkUnavailable):
        await here.replace(given(), "stage")


async def test_a_name_that_is_taken_and_one_that_is_not_there_change_nothing(here, clerk):
    before, other = await here.row(), clerk.instances.add(f"o-{next(_numbers)}")["secret_key"]
    with pytest.raises(InvalidRequest, match="prod is the name of another instance already"):
        await here.keys.add(here.id, PERSON, "prod", SecretStr(other), clerk.url)
    with pytest.raises(InvalidRequest, match="prod is the name of another instance already"):
        await here.workspaces.add_instance(here.id, "prod", SecretStr(other), clerk.url)
    with pytest.raises(NotHere):
        await here.replace(other, "elsewhere")
    assert await here.row() == before


async def test_one_instance_by_two_names_is_one_though_their_keys_are_two(here, clerk):
    new = rotate(clerk, here.key)
    added = await here.keys.add(here.id, PERSON, "again", SecretStr(new), clerk.url)
    assert added.id == (await here.row())["instance"]


async def test_of_two_that_clerk_has_not_named_each_has_an_id_of_its_own(here, clerk, monkeypatch):
    async def away(*_):
        raise ClerkUnavailable("Clerk cannot be reached.")

    await here.change(clerk_id=None)
    monkeypatch.setattr(here.keys, "_clerk_id", away)
    bank = clerk.instances.add(f"bank-{next(_numbers)}", secret_key=given())["secret_key"]
    added = await here.keys.add(here.id, PERSON, "bank", SecretStr(bank), clerk.url)
    assert added.id != (await here.row())["instance"]
    # By the same key it is known to be the same.
    again = await here.keys.add(here.id, PERSON, "again", SecretStr(bank), clerk.url)
    assert again.id == added.id


async def test_two_that_were_added_with_one_id_are_set_apart_and_nothing_waits_at_either(here, clerk):
    bank = clerk.instances.add(f"bank-{next(_numbers)}", secret_key=given())["secret_key"]
    own = (await here.keys.add(here.id, PERSON, "bank", SecretStr(bank), clerk.url)).id
    shared = (await here.row())["instance"]
    await here.change(clerk_id=None, instance=shared)
    async with here.desks.use(await here.place()) as desk:
        # As it was asked for at the one, and could be signed and done at the other.
        single = await desk.propose(BanUser.parse({"user_id": (await people(desk))[0]}))
        many = await desk.jobs.propose(BanUser, await people(desk))
        await desk.sign(many.id, SIGNED, caller=PERSON)
    async with here.desks.use(await here.place("bank")) as desk:
        assert desk.instance.id == own
        assert await desk.plans.waiting() == []
        with pytest.raises(ApprovalRefused):
            await desk.sign(single.id, SIGNED, caller=PERSON)
    async with here.desks.use(await here.place()) as desk:
        assert desk.instance.id == shared
        assert (await desk.plans.load(single.id)).status == "dismissed"
        assert (await desk.jobs.store.load(many.job.id)).status == "cancelled"
    assert [(await here.row(name))["instance"] for name in ("prod", "bank")] == [shared, own]


async def test_of_two_who_replace_a_key_at_once_one_is_told_of_the_other(here, clerk):
    record, old = await here.workspaces.key_of(here.id, "prod")
    new = rotate(clerk, here.key)
    await here.replace(new)
    with pytest.raises(InvalidRequest, match="Somebody else has changed prod"):
        await here.workspaces.replace_key(here.id, record, old, SecretStr(given()), here.clerk_id)
    assert (await here.row())["secret_key"].endswith(new)


async def test_what_was_asked_of_clerk_stands_in_the_journal_and_no_key_does(here, clerk):
    new = rotate(clerk, here.key)
    await here.replace(new)
    async with here.desks.use(await here.place()) as desk:
        await desk.journal.flush()
        entries = await desk.journal.entries(EntryFilter(action="clerk_instance_get"))
        assert [(entry["face"], entry["client"]) for entry in entries] == [("console", "Olga")] * 2
        assert new not in str(entries)


# On the command line.


@pytest.fixture
def operator(here, url, clerk, monkeypatch, capsys):
    """Runs a command with a key on its standard input: its exit code, lines and errors."""
    monkeypatch.setenv("DESKCLERK_DATABASE", url)
    monkeypatch.setenv("DESKCLERK_VAULT_KEY", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("DESKCLERK_API_URLS", clerk.url)

    async def run(key, *words):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
        code = await asyncio.to_thread(main, ["hosted", "add-instance", "acme", *words])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


async def test_the_command_replaces_a_key_and_the_journal_of_the_workspace_has_it(here, clerk, operator):
    key = given()
    clerk.instances.add("stage", secret_key=key)
    code, lines, _ = await operator(key, "stage", "--api-url", clerk.url)
    assert (code, lines) == (0, [{"workspace": "acme", "instance": "stage", "kind": "test"}])
    before = await here.row("stage")
    code, _, told = await operator(here.key, "stage")
    assert code != 0
    assert "stage is the name of another instance already" in told
    code, _, told = await operator(here.key, "stage", "--replace-key")
    assert code != 0
    assert "of another instance of Clerk's than stage" in told
    code, _, told = await operator(key, "stage", "--replace-key", "--api-url", clerk.url)
    assert code == 2
    assert await here.row("stage") == before
    new = rotate(clerk, key)
    code, lines, _ = await operator(new, "stage", "--replace-key")
    assert (code, lines) == (0, [{"workspace": "acme", "instance": "stage", "kind": "test"}])
    after = await here.row("stage")
    assert after["instance"] == before["instance"]
    assert after["secret_key"] != before["secret_key"]
    assert new not in after["secret_key"]
    async with here.hosted.of(here.id).reading() as connection:
        rows = await connection.execute(
            select(events.c.signed, events.c.note).where(events.c.action == "workspace_changed")
        )
        assert [tuple(row) for row in rows] == [
            ("cli, operator", "entered a test key for the instance stage"),
            ("cli, operator", "put another test key in the place of that of the instance stage"),
        ]
