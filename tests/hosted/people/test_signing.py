"""Who signs in a workspace: roles, second signers, passkeys, and what forms made by hand come to."""

import asyncio
import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.jobs.requests import Change
from deskclerk.desk.journal import queries
from deskclerk.desk.journal.tables import events, plans
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, StorageUnavailable
from deskclerk.faces.console.changes_feed import ChangesFeed
from deskclerk.hosted.people.members import Members
from tests.hosted.people.authenticator import Authenticator
from tests.hosted.people.conftest import BAN, DELETE, ORIGIN, named, told

pytestmark = pytest.mark.anyio
MEMBERS = "/w/acme/members"
YES = Signature(Decision.APPROVED, "mcp dialogue")


async def noted(acme, kind):
    """What the journal has of decisions or intents: outcome, and how it was signed."""
    query = select(events.c.outcome, events.c.signed).where(events.c.kind == kind).order_by(events.c.seq)
    async with acme.desks.site.hosted.of(acme.record.id).reading() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def decided(acme):
    return await noted(acme, "decided")


def agent(acme, role):
    return Caller("mcp", "Claude", "bot", acme.people[role].id)


def by(acme, role):
    return named(acme.people[role])


async def passkey_of(acme, role):
    key = Authenticator(ORIGIN)
    passkeys, person = acme.desks.site.passkeys, acme.people[role]
    await passkeys.add(person, key.make(await passkeys.ask_for_new(person)), "Key", fresh=True)
    return key


async def confirmed(acme, role, key, plan):
    """The passkey's yes as the page's script would get it."""
    browser = acme.browsers[role]
    options = await browser.post("/w/acme/passkey", page=MEMBERS, plan=plan.id, digest=plan.digest)
    assert options.status_code == 200
    return key.sign(options.text)


@pytest.mark.parametrize("role", ["owner", "signer"])
async def test_a_member_who_may_signs_and_the_journal_names_them(acme, role):
    plan = await acme.plan()
    assert (await acme.sign(role, plan)).status_code == 303
    assert await acme.status(plan) == "signed"
    assert await decided(acme) == [("signed", by(acme, role))]
    answer = await (await acme.desk()).perform(BAN, caller=Caller("mcp", "Claude", "bot"))
    assert answer.value["banned"] is True
    page = (await acme.browsers["viewer"].get(f"{acme.home}/activity")).text
    assert acme.people[role].name in page


async def test_a_viewer_sees_the_plan_and_no_way_to_sign_it(acme):
    plan = await acme.plan()
    for path in ("/", f"/plans/{plan.id}"):
        page = (await acme.browsers["viewer"].get(acme.home + path)).text
        assert "Ban a user" in page
        assert 'value="sign"' not in page
        assert 'value="decline"' not in page
        assert "you are a viewer" in page


@pytest.mark.parametrize("decision", ["sign", "decline"])
async def test_a_viewers_form_made_by_hand_decides_nothing(acme, decision):
    plan = await acme.plan()
    answer = await acme.sign("viewer", plan, decision=decision)
    assert answer.status_code == 403
    assert "change nothing" in answer.text
    assert await acme.status(plan) == "waiting"
    assert await decided(acme) == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/together", {"plan": "x"}),
        ("/plans/{plan}/strike", {"step": "1"}),
        ("/plans/{plan}/carry-out", {}),
        ("/secrets", {"name": "x", "value": "y"}),
        ("/secrets/hand-over", {"id": "x"}),
        ("/actions/clerk_user_ban", {"do": "run", "user_id": "user_1"}),
        ("/people", {}),
        ("/jobs/job_1/cancel", {}),
        ("/activity/ent_1/undo", {}),
    ],
)
async def test_a_viewer_changes_nothing_else_either(acme, path, fields):
    plan = await acme.plan()
    answer = await acme.browsers["viewer"].post(acme.home + path.format(plan=plan.id), page=MEMBERS, **fields)
    assert answer.status_code == 403
    assert "change nothing" in answer.text


async def test_a_viewer_may_read_by_a_form(acme):
    answer = await acme.browsers["viewer"].post(
        f"{acme.home}/actions/clerk_user_get", page=MEMBERS, **{"do": "run", "a.user_id": "user_1"}
    )
    assert answer.status_code == 200
    assert "Ada" in answer.text


async def test_the_desk_itself_refuses_whoever_is_no_member_who_signs(acme, person_in):
    _, kim = await person_in("Kim")
    plan = await acme.plan()
    desk = await acme.desk()
    for person in (None, kim.id, acme.people["viewer"].id):
        for decision in (Decision.APPROVED, Decision.DECLINED):
            with pytest.raises(ApprovalRefused, match="owners and signers"):
                await desk.sign(
                    plan.id, Signature(decision, "console"), caller=Caller("console", person=person)
                )
    assert await acme.status(plan) == "waiting"


async def test_a_plan_of_another_workspace_can_neither_be_seen_nor_signed_with_ones_own_session(
    acme, workspace_of
):
    bolt = await workspace_of("bolt", ("Ben", "Sue", "Val"), "sk_live_bolt0123456789abcdefghij")
    plan = await acme.plan()
    browser = bolt.browsers["owner"]
    seen = await browser.get(f"{bolt.home}/plans/{plan.id}")
    nowhere = await browser.get(f"{bolt.home}/plans/plan_nowhere")
    assert seen.status_code == nowhere.status_code == 409
    assert "There is no such plan" in seen.text
    for home in (bolt.home, acme.home):
        answer = await browser.post(
            f"{home}/plans/{plan.id}",
            page="/w/bolt/members",
            decision="sign",
            digest=plan.digest,
            typed="Ada",
        )
        assert answer.status_code in (404, 409)
    assert await acme.status(plan) == "waiting"


async def test_a_signer_who_was_taken_out_meanwhile_signs_nothing(acme, site):
    plan = await acme.plan()
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await acme.browsers["signer"].get(MEMBERS)).text)[1]
    await Members(site.hosted, acme.record.id).remove(acme.people["signer"].id)
    answer = await acme.browsers["signer"].post(
        f"{acme.home}/plans/{plan.id}", csrf=csrf, decision="sign", digest=plan.digest, typed=plan.words[0]
    )
    assert answer.status_code == 404
    assert await acme.status(plan) == "waiting"


async def test_where_destructive_wants_an_owner_a_signer_is_told_so_and_an_owner_signs(acme):
    await acme.policy(destructive_by="owner")
    ban, delete = await acme.plan(BAN), await acme.plan(DELETE)
    page = (await acme.browsers["signer"].get(f"{acme.home}/plans/{delete.id}")).text
    assert "An owner has to sign it." in page
    assert 'value="sign"' not in page
    assert 'value="decline"' in page
    answer = await acme.sign("signer", delete)
    assert "Only an owner signs" in told(answer)
    assert await acme.status(delete) == "waiting"
    assert (await acme.sign("signer", ban)).status_code == 303
    assert (await acme.sign("owner", delete)).status_code == 303
    assert (await acme.status(ban), await acme.status(delete)) == ("signed", "signed")


async def test_on_a_test_instance_destructive_wants_what_other_writes_want(workspace_of):
    acme = await workspace_of(key="sk_test_abcdefghijklmnopqrstuvwx")
    await acme.policy(destructive_by="owner", destructive_signatures=2)
    plan = await acme.plan(DELETE)
    assert (await acme.sign("signer", plan)).status_code == 303
    assert await acme.status(plan) == "signed"


async def test_two_signatures_are_of_two_people_and_the_first_is_shown_and_journalled(acme):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    assert (
        "Two different people have to sign it."
        in (await acme.browsers["owner"].get(f"{acme.home}/plans/{plan.id}")).text
    )
    assert (await acme.sign("signer", plan)).status_code == 303
    assert await acme.status(plan) == "waiting"
    desk = await acme.desk()
    with pytest.raises(ApprovalNeeded) as waits:
        await desk.perform(DELETE, caller=Caller("mcp", "Claude", "bot"))
    assert f"{ORIGIN}{acme.home}/plans/{plan.id}" in waits.value.next_step
    assert acme.desks.clerk.writes == []
    page = (await acme.browsers["signer"].get(f"{acme.home}/plans/{plan.id}")).text
    assert f"Signed by {by(acme, 'signer')}." in page
    assert "Another person has to sign it too." in page
    assert "You have signed it" in page
    assert "You have signed it" in told(await acme.sign("signer", plan))
    assert await acme.status(plan) == "waiting"
    assert (await acme.sign("owner", plan)).status_code == 303
    assert await acme.status(plan) == "signed"
    assert await decided(acme) == [
        ("partly signed", by(acme, "signer")),
        ("signed", by(acme, "owner")),
    ]
    await desk.perform(DELETE, caller=Caller("mcp", "Claude", "bot"))
    assert acme.desks.clerk.writes == [("DELETE", "/users/user_1")]
    assert await noted(acme, "intent") == [(None, f"{by(acme, 'signer')}; {by(acme, 'owner')}")]


async def test_a_first_signature_that_cannot_be_noted_does_not_count(acme, monkeypatch):
    async def cut(*_arguments):
        raise StorageUnavailable("the connection is lost")

    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    with monkeypatch.context() as patched:
        patched.setattr(queries, "append_to", cut)
        assert (await acme.sign("signer", plan)).status_code != 303
    assert (await acme.sign("owner", plan)).status_code == 303
    assert await acme.status(plan) == "waiting"
    assert (await acme.sign("signer", plan)).status_code == 303
    assert await acme.status(plan) == "signed"


async def test_two_who_sign_at_once_are_both_counted(acme):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    answers = await asyncio.gather(acme.sign("signer", plan), acme.sign("owner", plan))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert await acme.status(plan) == "signed"


async def test_one_person_who_signs_many_times_at_once_is_one(acme):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    await asyncio.gather(*(acme.sign("signer", plan) for _ in range(5)))
    assert await acme.status(plan) == "waiting"


async def test_the_signature_of_who_is_no_signer_any_more_does_not_count(acme, site):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    await acme.sign("signer", plan)
    await Members(site.hosted, acme.record.id).set_role(acme.people["signer"].id, "viewer")
    await acme.sign("owner", plan)
    assert await acme.status(plan) == "waiting"


async def test_a_first_signature_does_not_count_for_what_the_plan_shows_later(acme, hosted):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    await acme.sign("signer", plan)
    # As when a step is struck out: the plan is there still, and shows something else.
    async with hosted.of(acme.record.id).writing() as connection:
        await connection.execute(plans.update().where(plans.c.id == plan.id).values(digest="b" * 64))
    changed = replace(plan, digest="b" * 64)
    page = (await acme.browsers["owner"].get(f"{acme.home}/plans/{plan.id}")).text
    assert "Signed by" not in page
    assert (await acme.sign("owner", changed)).status_code == 303
    assert await acme.status(plan) == "waiting"
    assert (await acme.sign("signer", changed)).status_code == 303
    assert await acme.status(plan) == "signed"


@pytest.mark.promise("bound-to-its-plan")
@pytest.mark.parametrize("wanted", [1, 2])
async def test_a_form_that_comes_while_another_strikes_a_step_signs_nothing(acme, monkeypatch, wanted):
    await acme.policy(destructive_signatures=wanted)
    desk = await acme.desk()
    steps = [Change(type(action), {"user_id": "user_1"}) for action in (BAN, DELETE)]
    plan = await desk.jobs.propose_changes(steps, Caller("console", person=acme.people["signer"].id))
    if wanted > 1:
        await acme.sign("signer", plan)
    sign = desk.sign

    async def meanwhile(*given, **named):
        await acme.browsers["signer"].post(f"{acme.home}/plans/{plan.id}/strike", page=MEMBERS, step="1")
        return await sign(*given, **named)

    monkeypatch.setattr(desk, "sign", meanwhile)
    answer = await acme.sign("owner", plan)
    assert answer.status_code == 409
    assert "not the plan that you were shown" in told(answer)
    monkeypatch.undo()
    left = await desk.plans.load(plan.id)
    assert (left.status, [step.number for step in left.plan.job.steps]) == ("waiting", [2])
    # What was signed of the whole does not count for what is left.
    rules = desk.signing.rules
    standing = (await rules.standings([left], agent(acme, "owner")))[plan.id]
    assert (standing.signed, standing.may_sign) == ((), True)


async def test_a_no_after_a_first_yes_is_final(acme):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)
    await acme.sign("signer", plan)
    assert (await acme.sign("owner", plan, decision="decline")).status_code == 303
    assert await acme.status(plan) == "declined"
    assert (await acme.sign("owner", plan)).status_code == 409


async def test_a_plan_asked_for_in_the_console_is_not_carried_out_by_the_first_of_two(acme):
    await acme.policy(destructive_signatures=2)
    asked = await acme.browsers["signer"].post(
        f"{acme.home}/actions/clerk_user_delete", page=MEMBERS, **{"do": "run", "a.user_id": "user_1"}
    )
    plan = (await (await acme.desk()).plans.load(asked.headers["location"].rpartition("/")[2])).plan
    await acme.sign("signer", plan)
    assert acme.desks.clerk.writes == []
    await acme.sign("owner", plan)
    assert acme.desks.clerk.writes == [("DELETE", "/users/user_1")]


async def test_nobody_signs_what_their_own_agent_asked_for_where_the_workspace_says_so(acme):
    await acme.policy(own_plans=False)
    plan = await acme.plan(asker="signer")
    assert "nobody signs what they" in told(await acme.sign("signer", plan))
    assert await acme.status(plan) == "waiting"
    assert (await acme.sign("owner", plan)).status_code == 303


async def test_everybody_who_may_sign_signs_what_their_own_agent_asked_for_by_default(acme):
    plan = await acme.plan(asker="signer")
    assert (await acme.sign("signer", plan)).status_code == 303


async def test_where_a_passkey_is_wanted_a_click_is_not_enough(acme):
    await acme.policy(destructive_passkey=True)
    plan = await acme.plan(DELETE)
    page = (await acme.browsers["signer"].get(f"{acme.home}/plans/{plan.id}")).text
    assert 'data-passkey="/w/acme/passkey"' in page
    assert "passkey, and none was used" in told(await acme.sign("signer", plan))
    key = await passkey_of(acme, "signer")
    answer = await confirmed(acme, "signer", key, plan)
    assert (await acme.sign("signer", plan, passkey=answer)).status_code == 303
    assert await acme.status(plan) == "signed"
    assert await decided(acme) == [("signed", f"{by(acme, 'signer')}, with passkey")]


async def test_a_passkeys_yes_to_one_plan_signs_no_other_and_nobody_elses(acme):
    await acme.policy(destructive_passkey=True)
    first = await acme.plan(DELETE)
    key = await passkey_of(acme, "signer")
    answer = await confirmed(acme, "signer", key, first)
    acme.desks.clerk.users["user_2"] = acme.desks.clerk.users["user_1"] | {"id": "user_2"}
    second = await acme.plan(DELETE.model_copy(update={"user_id": "user_2"}))
    assert "did not confirm" in told(await acme.sign("signer", second, passkey=answer))
    assert "did not confirm" in told(await acme.sign("owner", first, passkey=answer))
    assert (await acme.status(first), await acme.status(second)) == ("waiting", "waiting")
    assert (await acme.sign("signer", first, passkey=answer)).status_code == 303


@pytest.mark.parametrize(
    "name",
    [
        "Sol Example, with passkey; console, Olga Example, with passkey",
        "Sol Example (per_1), with passkey; console, Olga Example",
        "Sol Example\uff0cwith passkey\uff1bconsole\uff0cOlga Example\uff08per_1\uff09",
        "Sol Example " + "x" * 300,
        "();,",
    ],
)
async def test_what_a_signer_is_called_adds_no_words_to_the_journal(acme, issuer, browsers, name):
    issuer.who = {"sub": "user_sol", "email": "sol@example.com", "email_verified": True, "name": name}
    acme.browsers["signer"] = browsers()
    await acme.browsers["signer"].sign_in()
    plan = await acme.plan()
    assert (await acme.sign("signer", plan)).status_code == 303
    ((outcome, signed),) = await decided(acme)
    assert outcome == "signed"
    label = r"[^,;()\uff0c\uff1b\uff08\uff09]{1,60}"
    assert re.fullmatch(rf"console, {label} \({acme.people['signer'].id}\)", signed)


async def test_the_journal_names_no_passkey_that_was_none(acme):
    plan = await acme.plan(BAN)
    assert "did not confirm" in told(await acme.sign("signer", plan, passkey="{}"))
    assert await decided(acme) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"destructive_by": "owner"}, "Only an owner"),
        ({"destructive_signatures": 2}, "Two different people"),
        ({"destructive_passkey": True}, "passkey"),
        ({"own_plans": False}, "nobody signs what they"),
    ],
)
async def test_a_dialogue_in_the_client_signs_only_what_its_person_may_sign_alone(acme, changes, said):
    await acme.policy(**changes)
    desk, caller = await acme.desk(), agent(acme, "signer")
    plan = await desk.propose(DELETE, caller)
    assert said in await desk.signing.dialogue(plan, caller)

    async def approver(plan):
        return YES

    with pytest.raises(ApprovalNeeded, match=said):
        await desk.perform(DELETE, caller=caller, approver=approver)
    assert acme.desks.clerk.writes == []
    assert await acme.status(plan) == "waiting"


async def test_a_dialogue_of_who_may_sign_signs(acme):
    desk, caller = await acme.desk(), agent(acme, "signer")

    async def approver(plan):
        return YES

    assert await desk.signing.dialogue(await desk.propose(BAN, caller), caller) == ""
    await desk.perform(BAN, caller=caller, approver=approver)
    assert acme.desks.clerk.writes == [("POST", "/users/user_1/ban")]


@pytest.mark.parametrize("role", ["viewer", None])
async def test_a_dialogue_of_who_may_not_sign_signs_nothing(acme, role):
    desk = await acme.desk()
    caller = agent(acme, role) if role else Caller("mcp", "Claude", "bot")

    async def approver(plan):
        return YES

    with pytest.raises(ApprovalNeeded, match="owners and signers"):
        await desk.perform(BAN, caller=caller, approver=approver)
    assert acme.desks.clerk.writes == []


async def test_together_signs_what_one_signature_is_enough_for_and_says_of_the_rest_why_not(acme):
    await acme.policy(destructive_by="owner")
    ban, delete = await acme.plan(BAN), await acme.plan(DELETE)
    page = (await acme.browsers["signer"].get(f"{acme.home}/")).text
    assert f'value="{ban.id} {ban.digest}"' in page
    assert f'value="{delete.id} {delete.digest}"' not in page
    chosen = [f"{plan.id} {plan.digest}" for plan in (ban, delete)]
    typed = {f"typed-{plan.id}": plan.words[0] for plan in (ban, delete)}
    answer = await acme.browsers["signer"].post(f"{acme.home}/together", page=MEMBERS, plan=chosen, **typed)
    assert "Only an owner signs" in answer.text
    assert (await acme.status(ban), await acme.status(delete)) == ("signed", "waiting")


async def test_one_time_links_open_nothing_in_a_workspace(acme, browsers):
    desk = await acme.desk()
    token = await desk.console_links.issue()
    for browser in (browsers(), acme.browsers["signer"]):
        for path in (f"/in/{token}", f"{acme.home}/in/{token}"):
            answer = await browser.get(path)
            assert answer.status_code in (303, 404)
            assert "/sign-in" in answer.headers.get("location", "/sign-in")


async def test_pages_about_this_machines_files_are_not_there(acme):
    assert (await acme.browsers["owner"].get(f"{acme.home}/connect")).status_code == 404
    assert "Connect</a>" not in (await acme.browsers["owner"].get(f"{acme.home}/")).text


async def test_the_first_of_two_signatures_is_told_to_pages_that_are_open(acme):
    await acme.policy(destructive_signatures=2)
    plan, other = await acme.plan(DELETE), await acme.plan(BAN)
    feed = ChangesFeed(await acme.desk())
    told = feed.listen()
    await anext(told)
    assert f'"{plan.id}":"{plan.digest[:12]}/0"' in await anext(told)
    assert (await acme.sign("owner", plan)).status_code == 303
    async with asyncio.timeout(10):
        while f'"{plan.id}":"{plan.digest[:12]}/1"' not in (line := await anext(told)):
            pass
    # It still waits, and so does the other.
    assert f'"{other.id}":"{other.digest[:12]}/0"' in line
    feed.end()


async def test_an_open_card_can_tell_that_another_signature_came_and_whether_one_may_still_sign(acme):
    await acme.policy(destructive_signatures=2)
    plan = await acme.plan(DELETE)

    async def marks(role):
        page = (await acme.browsers[role].get(f"{acme.home}/plans/{plan.id}/status")).text
        return re.search(r'data-standing="(\d+)" data-mine="(\w*)"', page).groups()

    assert [await marks(role) for role in ("owner", "signer", "viewer")] == [
        ("0", "yes"),
        ("0", "yes"),
        ("0", ""),
    ]
    await acme.sign("owner", plan)
    assert [await marks(role) for role in ("owner", "signer", "viewer")] == [
        ("1", ""),
        ("1", "yes"),
        ("1", ""),
    ]
