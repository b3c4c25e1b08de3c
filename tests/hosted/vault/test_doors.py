"""Secrets, hand-overs and items' secrets of a hosted desk: sealed rows that every replica sees."""

import asyncio

import httpx2
import pytest
from sqlalchemy import select, text, update

from deskclerk.catalogue import CreateClient, UpdateUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.desk.approvals.decisions import Decision, Signature
from deskclerk.desk.jobs.rows import Row
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import InvalidRequest, StorageUnavailable
from deskclerk.hosted.vault.sealing import SealBroken
from deskclerk.hosted.vault.tables import handovers, sealed_secrets
from deskclerk.settings import Settings
from tests.hosted.vault.conftest import CONSOLE, OTHER_KEY

pytestmark = pytest.mark.anyio
VALUE = "made-up-horse-battery"
ANSWER = {"object": "oauth_application", "id": "oa_1", "name": "Portal", "client_secret": VALUE}


async def test_secrets_are_stored_listed_replaced_and_removed_on_any_replica(one, replica, acme):
    here, there = Secrets(one.secrets(acme)), Secrets((await replica()).secrets(acme))
    assert await here.listed() == []
    await here.store("b", "first")
    await there.store("b", VALUE)
    await there.store("A", "x")
    assert [item.name for item in await here.listed()] == ["A", "b"]
    assert (await there.resolve(UpdateUser(user_id="user_1", password="secret:b"))).password == VALUE
    await here.remove("b")
    assert [item.name for item in await there.listed()] == ["A"]
    with pytest.raises(InvalidRequest, match=r"no secret is called b \(stored: A\)") as caught:
        await there.remove("b")
    assert CONSOLE in caught.value.next_step


async def test_a_secret_is_of_one_instance_of_one_workspace(one, acme, bolt):
    await one.secrets(acme, "prod").write("ada", VALUE)
    for workspace, instance in ((acme, "dev"), (bolt, "prod")):
        other = one.secrets(workspace, instance)
        assert (await other.read("ada"), await other.listed(), await other.remove("ada")) == (None, [], False)
    assert await one.secrets(acme, "prod").read("ada") == VALUE


@pytest.mark.promise("sealed-in-its-place")
async def test_a_row_that_was_moved_or_renamed_is_refused_and_not_read(one, acme):
    await one.secrets(acme, "prod").write("ada", VALUE)
    for change in ({"name": "bob"}, {"instance": "dev"}):
        async with one.database.of(acme).writing() as connection:
            await connection.execute(update(sealed_secrets).values(change))
        moved = one.secrets(acme, change.get("instance", "prod"))
        with pytest.raises(SealBroken) as caught:
            await moved.read("bob")
        assert VALUE not in str(caught.value)


async def test_a_keyed_hash_is_the_same_on_every_replica_and_another_in_every_workspace(
    one, replica, acme, bolt
):
    two = await replica()
    doors = [one.secrets(acme), two.secrets(acme), one.secrets(acme, "dev"), two.secrets(bolt)]
    seals = await asyncio.gather(*(Secrets(door).seal("text") for door in doors))
    assert len(set(seals[:3])) == 1
    assert seals[3] != seals[0]
    assert await one.secrets(acme).listed() == []


@pytest.mark.promise("shown-once-goes-to-the-person")
async def test_what_clerk_shows_once_is_taken_once_by_whichever_replica_is_first(one, replica, acme):
    rest, notes = await one.handovers(acme).keep(ANSWER)
    assert (VALUE in str(rest), VALUE in str(notes)) == (False, False)
    assert f"client_secret waits for a person at {CONSOLE}" in notes[0]
    replicas = [await replica() for _ in range(3)]
    (listed,) = await replicas[0].handovers(acme).listed()
    assert (listed.title, listed.about, listed.values) == ("Portal", "oauth_application oa_1", {})
    taken = await asyncio.gather(*(item.handovers(acme).take(listed.id) for item in replicas * 4))
    assert [item.values for item in taken if item] == [{"client_secret": VALUE}]
    assert await one.handovers(acme).listed() == []


async def test_a_hand_over_is_of_one_instance_of_one_workspace(one, acme, bolt):
    await one.handovers(acme).keep(ANSWER)
    (listed,) = await one.handovers(acme).listed()
    for workspace, instance in ((acme, "dev"), (bolt, "prod")):
        other = one.handovers(workspace, instance)
        assert (await other.listed(), await other.take(listed.id)) == ([], None)
    assert (await one.handovers(acme).take(listed.id)).values == {"client_secret": VALUE}


async def test_what_nobody_took_in_time_is_gone(one, acme):
    await one.handovers(acme).keep(ANSWER)
    (listed,) = await one.handovers(acme).listed()
    async with one.database.of(acme).writing() as connection:
        await connection.execute(update(handovers).values(expires_at=1))
    assert (await one.handovers(acme).listed(), await one.handovers(acme).take(listed.id)) == ([], None)
    await one.handovers(acme).keep(ANSWER | {"id": "oa_2"})
    async with one.database.of(acme).reading() as connection:
        rows = (await connection.execute(select(handovers.c.about))).all()
    assert [row.about for row in rows] == ["oauth_application oa_2"]


async def test_a_vault_that_is_away_costs_no_hand_over(one, replica, acme):
    await one.handovers(acme).keep(ANSWER)
    (listed,) = await one.handovers(acme).listed()
    stranger = await replica(OTHER_KEY)
    with pytest.raises(StorageUnavailable):
        await stranger.handovers(acme).take(listed.id)
    assert (await one.handovers(acme).take(listed.id)).values == {"client_secret": VALUE}


async def test_what_could_not_be_kept_is_told_as_lost_and_the_write_as_done(one, replica, acme):
    await one.handovers(acme).keep(ANSWER)
    stranger = await replica(OTHER_KEY)
    rest, notes = await stranger.handovers(acme).keep(ANSWER)
    assert rest["id"] == "oa_1"
    assert "client_secret could not be kept" in notes[0]
    assert "is lost: make a new one in Clerk" in notes[0]
    assert VALUE not in str(rest) + str(notes)


async def test_an_answer_without_a_secret_is_handed_on_as_it_is(one, acme):
    assert await one.handovers(acme).keep({"id": "user_1"}) == ({"id": "user_1"}, ())


# Through a desk.


class Wire:
    """A Clerk that answers everything, and what came in."""

    def __init__(self):
        self.sent = []

    async def __call__(self, request):
        self.sent.append(request.content.decode())
        if request.url.path == "/v1/users":
            ids = request.url.params.get_list("user_id")
            return httpx2.Response(200, json=[{"object": "user", "id": item} for item in ids])
        if request.method == "GET":
            return httpx2.Response(200, json={"object": "user", "id": request.url.path.rpartition("/")[2]})
        return httpx2.Response(200, json=ANSWER if "oauth" in request.url.path else {"object": "user"})


async def yes(plan):
    return Signature(Decision.APPROVED, "test")


@pytest.fixture
def desk_of(tmp_path):
    """A desk of a workspace on a replica; nothing of it may be left on this machine's disk."""

    def opened(replica, workspace, wire):
        settings = Settings(
            home=tmp_path / "nothing", secret_key="sk_test_x", approval_wait=0, handover="console"
        )
        doors = Workspace(
            workspace,
            replica.database.storage(workspace),
            see_to_jobs=lambda _: False,
            secrets=replica.secrets(workspace),
            handovers=replica.handovers(workspace),
            item_secrets=replica.items(workspace),
        )
        clerk = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(wire))
        return Desk(settings, clerk=clerk, approver=yes, workspace=doors)

    yield opened
    assert not (tmp_path / "nothing").exists()


async def test_a_desk_takes_a_secret_and_hands_one_over_through_the_database_alone(
    one, replica, acme, desk_of
):
    await (await replica()).secrets(acme).write("ada", VALUE)
    wire = Wire()
    async with desk_of(one, acme, wire) as desk:
        await desk.perform(UpdateUser(user_id="user_1", password="secret:ada"))
        answer = await desk.perform(CreateClient(name="Portal"))
    assert [VALUE in body for body in wire.sent].count(True) == 1
    assert VALUE not in answer.text + "".join(answer.notes)
    assert CONSOLE in "".join(answer.notes)
    (listed,) = await (await replica()).handovers(acme).listed()
    assert listed.title == "Portal"


@pytest.mark.promise("shown-once-goes-to-the-person")
async def test_a_write_is_not_noted_as_done_before_what_it_handed_over_is_kept(
    one, acme, desk_of, monkeypatch
):
    class KilledError(BaseException):
        """Nothing comes after it, as after a kill."""

    async def killed(*_arguments, **_named):
        raise KilledError

    async with desk_of(one, acme, Wire()) as desk:
        with monkeypatch.context() as dying:
            dying.setattr(desk.journal, "outcome", killed)
            with pytest.raises(KilledError):
                await desk.perform(CreateClient(name="Portal"))
        assert [entry["outcome"] for entry in await desk.journal.entries(EntryFilter())] == ["open"]
    (listed,) = await one.handovers(acme).listed()
    assert (await one.handovers(acme).take(listed.id)).values == {"client_secret": VALUE}


async def test_the_secrets_of_a_jobs_items_are_sealed_and_open_on_another_replica(
    one, replica, acme, desk_of
):
    rows = [Row(number, {"user_id": f"user_{number}", "password": f"{VALUE}-{number}"}) for number in (1, 2)]
    async with desk_of(one, acme, Wire()) as desk:
        plan = await desk.jobs.propose(UpdateUser, rows)
    async with one.database.whole.reading() as connection:
        kept = [row.secrets for row in await connection.execute(text("SELECT secrets FROM job_items"))]
    assert len(kept) == 2
    assert all(item.startswith("dk1.1.") for item in kept)
    async with desk_of(await replica(), acme, Wire()) as desk:
        items = await desk.jobs.store.items(plan.job.id)
    assert [item.secrets["password"] for item in items] == [f"{VALUE}-1", f"{VALUE}-2"]
