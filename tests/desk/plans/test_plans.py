"""What a plan shows, and what becomes of it when a person answers from outside the call."""

import asyncio
import sqlite3

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import (
    BanUser,
    CreateInvitation,
    DeleteOrganization,
    DeleteUser,
    ListOrganizations,
    ListSessions,
    ListUsers,
    UpdateUser,
)
from deskclerk.catalogue.org_memberships import ListOrgMemberships
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.plans.drafting import words_of
from deskclerk.desk.plans.plan import accepts
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")
YES = Signature(Decision.APPROVED, "terminal, approve")
NO = Signature(Decision.DECLINED, "command line: not today")


def refusals(tmp_path):
    with sqlite3.connect(tmp_path / "home" / "desk.db") as database:
        rows = database.execute("select outcome, plan from events where kind = 'refused' order by seq")
        found = rows.fetchall()
    database.close()
    return found


async def asked(desk, action=BAN):
    """Ask where nobody is; the plan's id."""
    with pytest.raises(ApprovalNeeded) as caught:
        await desk.perform(action)
    return caught.value.plan_id


@pytest.fixture
async def sandbox(tmp_path):
    async with Desk.open(Settings(home=tmp_path / "home", approval_wait=0)) as desk:
        yield desk


async def test_metadata_is_shown_key_by_key(open_desk, upstream):
    upstream.users["user_1"]["public_metadata"] = {"plan": "free", "old": 1, "deep": {"a": 1, "b": 2}}
    change = {"plan": "pro", "old": None, "new": True, "deep": {"a": 1, "b": 3}}
    async with open_desk() as desk:
        plan = await desk.propose(UpdateUser(user_id="user_1", public_metadata=change))
    assert [item.line() for item in plan.changes] == [
        "public_metadata.plan: free → pro",
        "public_metadata.old: 1 → removed",
        "public_metadata.new: true (added)",
        "public_metadata.deep.b: 2 → 3",
    ]
    assert "old values are in the journal" in plan.reversible


async def test_a_ban_shows_the_sessions_that_end_and_who_loses_the_last_admin(sandbox):
    users = (await sandbox.perform(ListUsers(limit=100))).value["items"]
    organizations = (await sandbox.perform(ListOrganizations(limit=50))).value["items"]
    lonely = {}
    for item in organizations:
        admins = await sandbox.perform(ListOrgMemberships(organization_id=item["id"], role=["org:admin"]))
        if len(admins.value["items"]) == 1:
            lonely[admins.value["items"][0]["public_user_data"]["user_id"]] = item["name"]
    user = next(iter(lonely))
    count = (await sandbox.perform(ListSessions(user_id=user, status="active"))).value["total"]
    plan = await sandbox.propose(BanUser(user_id=user))
    assert plan.reach[0] == f"ends {count} active session{'' if count == 1 else 's'}"
    assert plan.reach[1].startswith("member of ")
    assert "last admin of " in plan.reach[2]
    assert lonely[user] in plan.reach[2]
    assert "ended sessions stay ended" in plan.reversible
    assert users


async def test_the_end_of_an_organization_shows_members_and_invitations(sandbox):
    listing = ListOrganizations(limit=1, include_members_count=True, fields=["*"])
    item = (await sandbox.perform(listing)).value["items"][0]
    plan = await sandbox.propose(DeleteOrganization(organization_id=item["id"]))
    assert plan.reach[0].startswith(f"removes {item['members_count']} member")
    assert "pending invitation" in plan.reach[1]
    assert plan.words[:2] == (item["id"], item["name"])


async def test_a_reach_that_cannot_be_read_keeps_nobody_from_deciding(open_desk, upstream):
    person = Person()
    async with open_desk(approver=person) as desk:
        await desk.perform(DeleteUser(user_id="user_1"))
    assert "active sessions: could not be read" in person.shown[0].reach
    assert "Reach: organizations: could not be read" in person.shown[0].text()
    assert "id and password are gone for good" in person.shown[0].text()
    assert len(upstream.writes) == 1


async def test_a_sent_e_mail_cannot_be_taken_back(open_desk):
    async with open_desk() as desk:
        sent = await desk.propose(CreateInvitation(email_address="a@example.com"))
        quiet = await desk.propose(CreateInvitation(email_address="a@example.com", notify=False))
    assert "e-mail that was sent cannot" in sent.reversible
    assert "e-mail" not in quiet.reversible


@pytest.mark.parametrize(
    ("typed", "signs"),
    [
        ("user_1", True),
        (" USER_1 ", True),
        ("ada  lovelace", True),
        ("ada@example.com", True),
        ("Ada", False),
        ("yes", False),
        ("", False),
        (True, False),
    ],
)
async def test_id_name_and_address_sign_and_nothing_else(typed, signs):
    user = {"id": "user_1", "first_name": "Ada", "last_name": "Lovelace", "username": "yes"}
    user["email_addresses"] = [{"email_address": "ada@example.com"}]
    assert accepts(words_of(DeleteUser(user_id="user_1"), [user]), typed) is signs


@pytest.mark.promise("the-call-waits")
async def test_after_a_signature_elsewhere_the_same_call_happens_once(open_desk, upstream, tmp_path):
    async with open_desk() as desk:
        plan_id = await asked(desk)
        assert await asked(desk) == plan_id
        await desk.sign(plan_id, YES)
        assert upstream.writes == []
        await desk.perform(BanUser(user_id="user_1"))
        assert len(upstream.writes) == 1
        upstream.users["user_1"]["banned"] = False
        assert await asked(desk) != plan_id
    assert len(upstream.writes) == 1
    assert [outcome for outcome, _ in refusals(tmp_path)] == ["approval_needed"] * 3


async def test_a_call_that_waits_goes_on_when_another_process_signs(open_desk, upstream):
    told = []
    waits = asyncio.Event()

    async def tell(waited, most, text):
        told.append((most, text))
        waits.set()

    async with open_desk(approval_wait=10) as desk, open_desk() as other:
        call = asyncio.create_task(desk.perform(BAN, progress=tell))
        await waits.wait()
        (stored,) = await other.plans.waiting()
        await other.sign(stored.plan.id, YES)
        assert (await call).value["banned"] is True
    assert told[0] == (10, f"Waiting for a signature: deskclerk approve {stored.plan.id}")
    assert len(upstream.writes) == 1


async def test_a_dismissed_dialogue_leaves_the_plan_waiting(open_desk, upstream):
    async with open_desk(approver=Person(Decision.DISMISSED)) as desk:
        await desk.sign(await asked(desk), YES)
        await desk.perform(BAN)
    assert len(upstream.writes) == 1


async def test_a_call_that_is_cancelled_while_it_waits_leaves_the_plan_waiting(open_desk, upstream):
    waits = asyncio.Event()

    async def tell(*_):
        waits.set()

    async with open_desk(approval_wait=10) as desk:
        call = asyncio.create_task(desk.perform(BAN, progress=tell))
        await waits.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert len(await desk.plans.waiting()) == 1
    assert upstream.writes == []


@pytest.mark.promise("declined-is-final")
async def test_declined_is_final_and_is_not_shown_again(open_desk, upstream, tmp_path):
    no, later = Person(Decision.DECLINED), Person()
    async with open_desk() as desk:
        for person in (no, later):
            with pytest.raises(ApprovalRefused, match="declined"):
                await desk.perform(BAN, approver=person)
        with pytest.raises(ApprovalRefused, match="declined"):
            await desk.propose(BAN, Caller("mcp", "another"))
        assert later.shown == []
    found = refusals(tmp_path)
    assert len(found) == 3
    assert {plan for _, plan in found} == {no.shown[0].id}
    assert upstream.writes == []


async def test_a_no_from_elsewhere_takes_back_a_signature_and_its_reason_is_told(open_desk, upstream):
    async with open_desk() as desk:
        plan_id = await asked(desk)
        await desk.sign(plan_id, YES)
        await desk.sign(plan_id, NO)
        with pytest.raises(ApprovalRefused, match="not today"):
            await desk.perform(BAN)
    assert upstream.writes == []


@pytest.mark.promise("bound-to-what-was-seen")
async def test_a_target_that_changed_after_the_signature_is_refused_with_the_reason(
    open_desk, upstream, tmp_path
):
    async with open_desk() as desk:
        plan_id = await asked(desk)
        await desk.sign(plan_id, YES)
        upstream.users["user_1"]["first_name"] = "Eve"
        with pytest.raises(ApprovalRefused, match="target changed"):
            await desk.perform(BAN)
        assert await asked(desk) != plan_id
    assert refusals(tmp_path)[1] == ("approval_refused", plan_id)
    assert upstream.writes == []


@pytest.mark.promise("bound-to-its-plan")
async def test_altered_arguments_find_no_signature(open_desk, upstream):
    async with open_desk() as desk:
        await desk.sign(await asked(desk, UpdateUser(user_id="user_1", first_name="Grace")), YES)
        await asked(desk, UpdateUser(user_id="user_1", first_name="Eve"))
    assert upstream.writes == []


@pytest.mark.promise("bound-to-its-plan")
async def test_altered_secrets_find_no_signature(open_desk, upstream):
    async with open_desk() as desk:
        await desk.sign(await asked(desk, UpdateUser(user_id="user_1", password="correct horse")), YES)
        await asked(desk, UpdateUser(user_id="user_1", password="battery staple"))
    assert upstream.writes == []


async def test_a_plan_of_another_instance_can_be_seen_but_not_signed(open_desk, tmp_path, upstream):
    async with open_desk() as desk:
        plan_id = await asked(desk)
    async with Desk.open(Settings(home=tmp_path / "home", secret_key="sk_live_other")) as other:
        assert [stored.plan.id for stored in await other.plans.waiting()] == [plan_id]
        with pytest.raises(ApprovalRefused, match="another instance"):
            await other.sign(plan_id, YES)
    assert upstream.writes == []


@pytest.mark.promise("it-expires")
@pytest.mark.parametrize("signature", [YES, NO])
async def test_an_expired_plan_can_no_longer_be_answered(open_desk, monkeypatch, signature):
    async with open_desk() as desk:
        plan = await desk.propose(BAN)
        monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at)
        with pytest.raises(ApprovalRefused, match="expired"):
            await desk.sign(plan.id, signature)
        assert await desk.plans.waiting() == []


@pytest.mark.promise("it-expires")
async def test_a_signature_that_expired_unused_signs_nothing(open_desk, upstream, monkeypatch):
    async with open_desk() as desk:
        plan = await desk.propose(BAN)
        await desk.sign(plan.id, YES)
        monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at)
        assert await asked(desk) != plan.id
    assert upstream.writes == []


@pytest.mark.promise("it-expires")
async def test_a_signature_that_expires_between_the_look_and_its_use_signs_nothing(
    open_desk, upstream, monkeypatch
):
    async with open_desk() as desk:
        plan = await desk.propose(BAN)
        await desk.sign(plan.id, YES)
        use = desk.plans.use

        async def a_moment_later(*arguments):
            # Whoever asked has found the signature; its last millisecond passes before the statement.
            monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at)
            await use(*arguments)

        monkeypatch.setattr(desk.plans, "use", a_moment_later)
        with pytest.raises(ApprovalRefused, match="expired"):
            await desk.perform(BAN)
    assert upstream.writes == []


@pytest.mark.promise("used-once")
async def test_of_many_calls_and_desks_one_uses_the_signature(open_desk, upstream):
    async with open_desk() as desk, open_desk() as other:
        await desk.sign(await asked(desk), YES)
        calls = [each.perform(BAN) for each in (desk, other) for _ in range(4)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, ApprovalRefused | ApprovalNeeded)]
    assert len(refused) == 7
    assert len(upstream.writes) == 1


async def test_what_a_ban_switches_is_shown_and_so_is_that_it_was_switched_before(open_desk, upstream):
    async with open_desk() as desk:
        plan = await desk.propose(BAN)
        assert [change.line() for change in plan.changes] == ["banned: false → true"]
        upstream.users["user_1"]["banned"] = True
        plan = await desk.propose(BAN)
    assert plan.changes == ()
    assert plan.reach[0] == "it is so already: this changes nothing"


async def test_who_signed_or_declined_elsewhere_and_how_is_journalled(open_desk):
    async with open_desk() as desk:
        plan_id = await asked(desk)
        await desk.sign(plan_id, YES, caller=Caller("cli"))
        await desk.sign(plan_id, NO, caller=Caller("console", "a browser"))
        yes, no = [
            line
            for line in await desk.journal.entries(EntryFilter(action="clerk_user_ban"))
            if line["signed"]
        ]
    assert (yes["kind"], yes["face"], yes["plan"], yes["outcome"]) == ("decided", "cli", plan_id, "signed")
    assert (no["client"], no["outcome"], no["signed"]) == ("a browser", "declined", NO.how)
