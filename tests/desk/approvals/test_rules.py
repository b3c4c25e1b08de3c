"""Signing rules of one's own: a yes that does not count, or to which another has to come."""

import httpx2
import pytest

from deskclerk.catalogue import BanUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.approvals.rules import ENOUGH, Standing, Verdict
from deskclerk.desk.caller import PlacedRules
from deskclerk.desk.journal.storage import OwnStorage
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.settings import Rules, Settings

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")
AGENT = Caller("mcp", "Claude Code")


class TwoOf:
    """Two of the people named sign, or one whose name is given as enough."""

    def __init__(self, *people):
        self.people, self.given = people, []

    async def judge(self, stored, signature, signer):
        if signer.person not in self.people:
            return Verdict(counts=False, enough=False, why="Only two of us sign.", next_step="Ask us.")
        if signature.decision is Decision.DECLINED:
            return ENOUGH
        self.given.append(signer.person)
        if len(set(self.given)) > 1:
            return Verdict(counts=True, enough=True, how=" and ".join(self.given))
        return Verdict(counts=True, enough=False, why="One more has to sign.")

    async def dialogue(self, plan, instance, asker):
        return "Nobody signs in a dialogue."

    async def standings(self, plans, looker):
        return {stored.plan.id: Standing(wanted="two") for stored in plans}


@pytest.fixture
async def desk(upstream, tmp_path):
    settings = Settings(home=tmp_path / "home", secret_key="sk_test_x", approval_wait=0)
    storage = OwnStorage(settings.data / "desk.db", settings.database)
    workspace = Workspace("ws_1", storage, signing=TwoOf("per_ada", "per_bob"))
    transport = httpx2.MockTransport(upstream)
    async with (
        Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk,
        Desk(settings, clerk=clerk, workspace=workspace) as desk,
    ):
        desk.signing.page = lambda plan: f"https://desk.example/plans/{plan}"
        yield desk


async def sign(desk, plan, person, decision=Decision.APPROVED):
    await desk.sign(plan.id, Signature(decision, person), caller=Caller("console", person=f"per_{person}"))


async def decided(desk):
    return [
        (line["outcome"], line["signed"]) for line in await desk.journal.recent() if line["kind"] == "decided"
    ]


async def test_a_first_of_two_signatures_leaves_the_plan_waiting_and_is_journalled(desk, upstream):
    plan = await desk.propose(BAN, AGENT)
    await sign(desk, plan, "ada")
    assert (await desk.plans.load(plan.id)).status == "waiting"
    with pytest.raises(ApprovalNeeded) as waits:
        await desk.perform(BAN, caller=AGENT)
    assert waits.value.next_step.startswith(f"A person signs it at https://desk.example/plans/{plan.id}.")
    assert "deskclerk approve" not in waits.value.next_step
    await sign(desk, plan, "bob")
    await desk.perform(BAN, caller=AGENT)
    assert upstream.writes == [("POST", "/users/user_1/ban")]
    assert (await desk.plans.load(plan.id)).how == "per_ada and per_bob"
    assert sorted(await decided(desk)) == [("partly signed", "ada"), ("signed", "bob")]


async def test_a_yes_that_does_not_count_changes_nothing_and_says_why(desk, upstream):
    plan = await desk.propose(BAN, AGENT)
    for decision in (Decision.APPROVED, Decision.DECLINED):
        with pytest.raises(ApprovalRefused, match=r"Only two of us sign\. Ask us\."):
            await sign(desk, plan, "eve", decision)
    assert (await desk.plans.load(plan.id)).status == "waiting"
    assert await decided(desk) == []


@pytest.mark.parametrize(("person", "why"), [("per_eve", "Only two of us"), ("per_ada", "One more has to")])
async def test_a_dialogues_yes_that_is_not_enough_sends_nothing(desk, upstream, person, why):
    async def approver(plan):
        return Signature(Decision.APPROVED, "mcp dialogue")

    with pytest.raises(ApprovalNeeded, match=why):
        await desk.perform(BAN, caller=Caller("mcp", person=person), approver=approver)
    assert upstream.writes == []


async def test_a_plan_keeps_the_person_who_asked_and_is_found_again_for_them_alone(desk):
    mine, theirs = Caller("mcp", person="per_ada"), Caller("mcp", person="per_bob")
    plan = await desk.propose(BAN, mine)
    assert (await desk.plans.load(plan.id)).caller == mine
    assert (await desk.propose(BAN, mine)).id == plan.id
    assert (await desk.propose(BAN, theirs)).id != plan.id


async def test_what_narrows_a_caller_does_not_make_a_second_plan_of_the_same_call(desk):
    narrowed = Caller(
        "mcp",
        "Claude Code",
        "bot",
        rules=(PlacedRules(" for agent bot", Rules(deny=("clerk_user_delete",)), "Ask its owner."),),
    )
    first, second = [await desk.propose(BAN, narrowed) for _ in range(2)]
    assert first.id == second.id
