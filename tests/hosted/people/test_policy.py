"""The workspace's policy: owners change it, it holds at once, and the journal says who loosened what."""

import re
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from deskclerk.desk.journal.tables import events
from deskclerk.desk.policy.policy import Policy
from deskclerk.hosted.agents.agent import Agent, AgentRules
from deskclerk.hosted.changes import ACTION
from deskclerk.hosted.workspaces.policy import WorkspacePolicy
from deskclerk.settings import Rules
from tests.hosted.people.conftest import DELETE, named, told

pytestmark = pytest.mark.anyio
PAGE = "/w/acme/policy"
FORM = {
    "access": "destructive",
    "confirm": "write",
    "destructive_by": "owner",
    "destructive_signatures": "2",
    "destructive_per_hour": "100",
    "items_per_job": "100000",
    "approval_seconds": "900",
    "approval_wait": "0",
    "secrets": "reference",
    "tools": "",
    "toolsets": "",
    "deny": "clerk_domain_*, clerk_user_lock",
    "destructive_passkey": "on",
}


async def changes(acme):
    query = select(events.c.signed, events.c.note).where(events.c.action == ACTION).order_by(events.c.seq)
    async with acme.desks.site.hosted.of(acme.record.id).reading() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def put(acme, role="owner", **fields):
    return await acme.browsers[role].post(
        PAGE, page=PAGE if role == "owner" else "/security", **(FORM | fields)
    )


async def test_what_an_owner_puts_in_force_is_so_and_the_journal_says_what_changed(acme, site):
    assert (await put(acme)).headers["location"] == f"{PAGE}?done=changed"
    policy = (await site.workspaces.load(acme.record.id)).policy
    assert (policy.destructive_by, policy.destructive_signatures) == ("owner", 2)
    assert (policy.destructive_passkey, policy.own_plans) == (True, False)
    assert policy.deny == ("clerk_domain_*", "clerk_user_lock")
    ((signed, note),) = await changes(acme)
    assert signed == named(acme.people["owner"])
    assert "destructive_signatures from 1 to 2" in note
    assert "own_plans from True to False" in note
    assert "items_per_job" not in note
    await put(acme)
    assert len(await changes(acme)) == 1
    page = (await acme.browsers["viewer"].get(f"{acme.home}/activity")).text
    entry = re.search(r'href="([^"]*/activity/ent_[^"]+)"', page)[1]
    shown = await acme.browsers["viewer"].get(entry)
    assert shown.status_code == 200
    assert "destructive_signatures from 1 to 2" in shown.text


async def test_a_policy_holds_for_the_plans_that_wait_already(acme):
    plan = await acme.plan(DELETE)
    await put(acme, destructive_signatures="1")
    assert "Only an owner signs" in told(await acme.sign("signer", plan))


@pytest.mark.parametrize("role", ["signer", "viewer"])
async def test_others_than_owners_see_it_and_change_nothing(acme, site, role):
    assert 'name="destructive_by" disabled' in (await acme.browsers[role].get(PAGE)).text
    answer = await put(acme, role)
    assert answer.status_code == 403
    assert "Only owners" in told(answer)
    assert (await site.workspaces.load(acme.record.id)).policy.destructive_by == "signer"
    assert await changes(acme) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("access", "everything"),
        ("destructive_by", "viewer"),
        ("destructive_signatures", "0"),
        ("destructive_signatures", "3"),
        ("approval_seconds", "1"),
        ("approval_seconds", "ten"),
        ("destructive_per_hour", "-1"),
        ("deny", "clerk_user_bann"),
        ("toolsets", "kore"),
        ("confirm", "none"),
    ],
)
async def test_what_is_no_policy_is_refused_and_what_was_typed_stays(acme, site, field, value):
    answer = await put(acme, **{field: value})
    assert answer.status_code in (409, 422)
    assert told(answer)
    assert (await site.workspaces.load(acme.record.id)).policy.destructive_by == "signer"
    if field in ("approval_seconds", "deny"):
        assert value in answer.text
    assert await changes(acme) == []


async def test_who_comes_and_goes_is_in_the_journal(acme, person_in, site):
    owner, members = acme.browsers["owner"], "/w/acme/members"
    made = await owner.post(f"{members}/invite", page=members, email="kim@example.com", role="viewer")
    link = re.search(r'value="http://localhost:8765(/invitations/[^"]+)"', made.text)[1]
    kim, person = await person_in("Kim")
    await kim.post(link)
    await owner.post(f"{members}/role", page=members, id=person.id, role="signer")
    await owner.post(f"{members}/remove", page=members, id=person.id)
    olga = named(acme.people["owner"])
    assert await changes(acme) == [
        (olga, "invited kim@example.com as viewer"),
        (named(person, "invitation"), f"{person.id} joined as viewer"),
        (olga, f"made {person.id} signer"),
        (olga, f"took {person.id} out"),
    ]
    assert link.rpartition("/")[2] not in str(await changes(acme))


async def test_a_new_key_for_an_instance_is_noted_and_one_of_another_instance_changes_nothing(acme, upstream):
    owner, keys = acme.browsers["owner"], [f"sk_live_rotated{number:016}" for number in range(3)]

    async def replace(key, who="owner", name="prod"):
        browser = acme.browsers[who]
        return await browser.post("/w/acme/instances/key", page="/w/acme/members", name=name, secret_key=key)

    done = await replace(keys[0])
    assert done.headers["location"] == "/w/acme/?done=replaced"
    assert "What waits goes on with it." in (await owner.get("/w/acme/?done=replaced")).text
    workspaces = acme.desks.site.workspaces
    assert (await workspaces.key_of(acme.record.id, "prod"))[1].get_secret_value() == keys[0]
    for refused in (
        await replace(keys[1], "signer"),
        await replace("sk_test_abcdefghijklmnop"),
        await replace("pk_live_abcdefghijklmnop"),
        await replace(keys[1], name="stage"),
        await owner.post("/w/acme/instances", page="/w/acme/", name="prod", secret_key=keys[1]),
    ):
        assert 400 <= refused.status_code < 500
        assert not any(key in refused.text for key in keys)
    upstream.instance = "ins_other"
    refused = await replace(keys[2])
    assert "That key is of another instance of Clerk's than prod." in told(refused)
    assert "under another name" in told(refused)
    assert (await workspaces.key_of(acme.record.id, "prod"))[1].get_secret_value() == keys[0]
    note = "put another live key in the place of that of the instance prod"
    assert await changes(acme) == [(named(acme.people["owner"]), note)]


async def test_keys_agents_and_tokens_are_in_the_journal_by_name_and_never_as_they_are(acme):
    owner, key = acme.browsers["owner"], "sk_test_zyxwvutsrqponmlkjihgfedc"
    await owner.post("/w/acme/instances", page="/w/acme/", name="stage", secret_key=key)
    made = {"name": "bot", "access": "write", "dialogue": "on"}
    await owner.post("/w/acme/agents", page="/w/acme/agents", **made)
    page = (await owner.get("/w/acme/agents")).text
    agent = re.search(r'name="id" value="(agt_[^"]+)"', page)[1]
    answer = await owner.post(
        "/w/acme/agents/tokens", page="/w/acme/agents", id=agent, scope=["clerk:read"], days="30"
    )
    token = re.search(r'value="(dck_[^"]+)"', answer.text)[1]
    await owner.post("/w/acme/instances/remove", page="/w/acme/", name="stage")
    notes = [note for _, note in await changes(acme)]
    assert notes[0] == "entered a test key for the instance stage"
    assert notes[1].startswith("made the agent bot: access write")
    assert re.fullmatch(r"made the token \S+ of the agent bot for clerk:read", notes[2])
    gone = "with its key, secrets and hand-overs; plans dismissed: 0, jobs cancelled: 0"
    assert notes[3] == f"removed the instance stage {gone}"
    assert key not in str(notes)
    assert token not in str(notes)


@pytest.mark.promise("toolsets")
def test_an_agent_that_calls_itself_what_another_is_called_is_offered_no_more():
    rules = {"helpdesk": AgentRules(access="write"), "ops": AgentRules(toolsets=("all",))}
    alone = {name: of.alone for name, of in rules.items()}
    key = SecretStr("sk_live_abcdefghijklmnopqrstuvwx")
    policy = Policy(WorkspacePolicy(toolsets=("core",)).settings("prod", key, None, Rules(), alone))

    def offered(name, client):
        agent = Agent(
            "ws_1",
            "acme",
            "prod",
            "prs_1",
            "signer",
            name,
            "tok_1",
            rules[name],
            None,
            oauth=False,
            version=1,
        )
        caller = replace(agent.caller, client=client)
        return policy.toolsets(caller), policy.offered(caller)

    assert offered("helpdesk", "ops") == offered("helpdesk", "Claude")
    assert offered("helpdesk", "ops")[0] == ("core",)
    assert offered("ops", "Claude")[0] == ("all",)
