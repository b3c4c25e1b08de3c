"""The page of agents: owners make, allow, change and end; everybody else looks, and sees no token again."""

import re

import pytest

from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.registry import AgentRegistry
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from tests.hosted.people.conftest import told

pytestmark = pytest.mark.anyio
ISSUER = "https://issuer.example"
PAGE = "/w/acme/agents"
ALLOW, REFUSE = f"{PAGE}/clients/allow", f"{PAGE}/clients/refuse"
RULES = {"access": "write", "dialogue": "on"}


@pytest.fixture
def registry(hosted):
    return AgentRegistry(hosted)


@pytest.fixture
def tokens(hosted):
    return WorkspaceTokens(hosted)


async def post(acme, role, path, **fields):
    return await acme.browsers[role].post(path, page="/w/acme/members", **fields)


async def waiting(registry, acme, client="dyn_1", calls_itself="<script>alert(1)</script>"):
    by = acme.people["signer"].id
    await registry.wait(acme.record.id, ISSUER, client, by=by, calls_itself=calls_itself)
    return {"issuer": ISSUER, "client": client}


async def test_an_owner_makes_an_agent_and_a_token_that_is_shown_once(acme, registry, tokens):
    made = await post(acme, "owner", PAGE, name="bot", deny="clerk_user_delete, clerk_users_*", **RULES)
    assert made.status_code == 303
    (agent,) = await registry.agents(acme.record.id)
    assert agent.rules == AgentRules(
        access="write", deny=("clerk_user_delete", "clerk_users_*"), dialogue=True
    )
    assert agent.created_by == acme.people["owner"].id
    shown = await post(
        acme, "owner", f"{PAGE}/tokens", id=agent.id, scope=["clerk:read", "clerk:write"], days="30"
    )
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    token = re.search(r'value="(dck_[^"]+)"', shown.text)[1]
    (record,) = await tokens.listed(acme.record.id)
    assert record.scopes == ("clerk:read", "clerk:write")
    for role in ("owner", "signer", "viewer"):
        page = (await acme.browsers[role].get(PAGE)).text
        assert token not in page
        assert record.beginning in page
        assert "never used" in page
        assert "made by Olga Example" in page


async def test_an_owner_revokes_a_token_and_changes_and_removes_an_agent(acme, registry, tokens):
    owner = acme.people["owner"].id
    agent = await registry.create(acme.record.id, "bot", AgentRules(), owner)
    record, _ = await tokens.make(acme.record.id, agent.id, scopes=["clerk:read"], days=1, made_by=owner)
    assert (await post(acme, "owner", f"{PAGE}/tokens/revoke", id=record.id)).status_code == 303
    assert (await tokens.listed(acme.record.id))[0].state == "revoked"
    changed = await post(
        acme, "owner", f"{PAGE}/change", id=agent.id, access="read", tools="clerk_user*", toolsets="core jobs"
    )
    assert changed.status_code == 303
    (now,) = await registry.agents(acme.record.id)
    assert now.rules == AgentRules(access="read", tools=("clerk_user*",), toolsets=("core", "jobs"))
    assert (await post(acme, "owner", f"{PAGE}/remove", id=agent.id)).status_code == 303
    assert await registry.agents(acme.record.id) == []


async def test_the_tokens_of_a_member_who_goes_are_revoked_and_stay_so_if_they_come_back(
    acme, site, registry, tokens
):
    sol, workspace = acme.people["signer"].id, acme.record.id
    agent = await registry.create(workspace, "bot", AgentRules(), sol)
    made = [
        (await tokens.make(workspace, agent.id, scopes=["clerk:read"], days=1, made_by=by))[0].id
        for by in (sol, acme.people["owner"].id)
    ]
    await post(acme, "owner", "/w/acme/members/remove", id=sol)
    await site.workspaces.add_member(workspace, sol, "owner")
    states = {item.id: item.state for item in await tokens.listed(workspace)}
    assert [states[item] for item in made] == ["revoked", "valid"]
    assert (await acme.browsers["owner"].get(PAGE)).text.count(
        "revoked, clerk:read, made by Sol Example"
    ) == 1


async def test_a_client_that_waits_is_allowed_or_refused_by_an_owner(acme, registry):
    client = await waiting(registry, acme)
    page = (await acme.browsers["owner"].get(PAGE)).text
    assert "Waiting to be let in" in page
    assert "dyn_1" in page
    assert "<script>alert" not in page
    assert "came with Sol Example" in page
    assert (await post(acme, "owner", ALLOW, name="laptop", **RULES, **client)).status_code == 303
    (now,) = await registry.clients(acme.record.id)
    assert (now.status, now.decided_by) == ("allowed", acme.people["owner"].id)
    assert (await post(acme, "owner", REFUSE, **client)).status_code == 303
    assert (await registry.clients(acme.record.id))[0].status == "refused"
    assert "Refused clients" in (await acme.browsers["viewer"].get(PAGE)).text


@pytest.mark.parametrize("role", ["signer", "viewer"])
async def test_signers_and_viewers_look_and_change_nothing_even_by_hand(acme, registry, tokens, role):
    owner = acme.people["owner"].id
    agent = await registry.create(acme.record.id, "bot", AgentRules(), owner)
    record, _ = await tokens.make(acme.record.id, agent.id, scopes=["clerk:read"], days=1, made_by=owner)
    client = await waiting(registry, acme)
    page = (await acme.browsers[role].get(PAGE)).text
    assert "bot" in page
    assert 'action="/w/acme/agents' not in page
    before = await registry.agents(acme.record.id), await registry.clients(acme.record.id)
    for path, fields in (
        (PAGE, {"name": "mine", **RULES}),
        (f"{PAGE}/change", {"id": agent.id, **RULES}),
        (f"{PAGE}/remove", {"id": agent.id}),
        (f"{PAGE}/tokens", {"id": agent.id, "scope": "clerk:read", "days": "1"}),
        (f"{PAGE}/tokens/revoke", {"id": record.id}),
        (ALLOW, {"name": "mine", **RULES, **client}),
        (REFUSE, client),
    ):
        answer = await post(acme, role, path, **fields)
        assert answer.status_code == 403, path
        assert "Only owners" in told(answer)
        assert "dck_" not in answer.text.replace(record.beginning, "")
    assert (await registry.agents(acme.record.id), await registry.clients(acme.record.id)) == before
    assert await tokens.listed(acme.record.id) == [record]


async def test_an_owner_of_another_workspace_reaches_no_agent_here(acme, workspace_of, registry, tokens):
    owner = acme.people["owner"].id
    agent = await registry.create(acme.record.id, "bot", AgentRules(), owner)
    record, _ = await tokens.make(acme.record.id, agent.id, scopes=["clerk:read"], days=1, made_by=owner)
    bolt = await workspace_of("bolt", ("Omar", "Sam", "Val"))
    mine = "/w/bolt/agents"
    browser = bolt.browsers["owner"]
    assert (await browser.get(PAGE)).status_code == 404
    assert (await browser.post(PAGE, page="/w/bolt/members", name="x", **RULES)).status_code == 404
    for path, fields in (
        (f"{mine}/change", {"id": agent.id, **RULES}),
        (f"{mine}/remove", {"id": agent.id}),
        (f"{mine}/tokens", {"id": agent.id, "scope": "clerk:read", "days": "1"}),
        (f"{mine}/tokens/revoke", {"id": record.id}),
        (f"{mine}/clients/allow", {"name": "x", **RULES, **await waiting(registry, acme)}),
        (f"{mine}/clients/refuse", await waiting(registry, acme)),
    ):
        assert (await browser.post(path, page="/w/bolt/members", **fields)).status_code == 404, path
    assert await registry.agents(acme.record.id) == [agent]
    assert await tokens.listed(acme.record.id) == [record]
    assert await registry.agents(bolt.record.id) == []


async def test_a_form_of_another_site_makes_no_token(acme, registry, tokens):
    agent = await registry.create(acme.record.id, "bot", AgentRules(), acme.people["owner"].id)
    fields = {"id": agent.id, "scope": "clerk:read", "days": "1"}
    owner = acme.browsers["owner"]
    assert (await owner.post(f"{PAGE}/tokens", csrf="x", **fields)).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    answer = await owner.post(f"{PAGE}/tokens", page="/w/acme/members", headers=foreign, **fields)
    assert answer.status_code == 403
    assert await tokens.listed(acme.record.id) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": "Bot"}, "name"),
        ({"name": "console"}, "name"),
        ({"access": "all"}, "access"),
        ({"access": ""}, "access"),
        ({"deny": "clerk_usr_*"}, "matches no action"),
        ({"toolsets": "everything"}, "is no toolset"),
    ],
    ids=str,
)
async def test_what_is_wrong_in_a_form_is_said_and_nothing_is_changed(acme, registry, fields, why):
    answer = await post(acme, "owner", PAGE, **{"name": "bot", **RULES, **fields})
    assert answer.status_code == 422
    assert why in told(answer)
    assert await registry.agents(acme.record.id) == []


@pytest.mark.parametrize(
    "fields",
    [{"days": "0"}, {"days": "1000"}, {"days": "9" * 5000}, {"days": ""}, {"scope": "admin"}],
    ids=len,
)
async def test_a_token_for_ever_or_for_nothing_is_not_made(acme, registry, tokens, fields):
    agent = await registry.create(acme.record.id, "bot", AgentRules(), acme.people["owner"].id)
    given = {"id": agent.id, "scope": "clerk:read", "days": "30", **fields}
    answer = await post(acme, "owner", f"{PAGE}/tokens", **given)
    assert answer.status_code == 422
    assert "accepted" in told(answer)
    assert await tokens.listed(acme.record.id) == []


async def test_an_agent_whose_maker_left_is_still_shown(acme, registry, hosted):
    await registry.create(acme.record.id, "bot", AgentRules(), "per_gone")
    await registry.wait(acme.record.id, ISSUER, "dyn_1", by="per_gone", calls_itself="")
    page = await acme.browsers["viewer"].get(PAGE)
    assert page.status_code == 200
    assert "came with per_gone" in page.text
