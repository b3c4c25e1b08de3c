"""A workspace's own tokens: shown once, kept as a hash, for one agent, and over when they are over."""

import pytest
from sqlalchemy import text, update

from deskclerk.desk.time_and_ids import now
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.registry import MOST_AGENTS
from deskclerk.hosted.agents.tables import agent_tokens
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.workspaces.tables import members
from tests.hosted.agents.conftest import ADA, ALL, BEN, EVE

pytestmark = pytest.mark.anyio


async def test_a_token_lets_its_agent_in_at_the_workspaces_only_instance(here):
    _, token = await here.token()
    for path in ("/mcp", "/mcp/acme", "/mcp/acme/prod", "/mcp/"):
        answer = await here.ask(path, token)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "workspace": here.acme,
            "instance": "prod",
            "person": ADA,
            "role": "owner",
            "name": "bot",
            "dialogue": False,
            "limits": [
                [" for agent bot", "destructive", False],
                [" by the scopes of its token", "destructive", False],
            ],
        }


async def test_a_token_is_kept_as_a_hash_and_nowhere_else(here, hosted):
    record, token = await here.token()
    assert token.startswith("dck_")
    assert len(token) > 40
    assert token.startswith(record.beginning)
    await here.ask("/mcp", token)
    async with hosted.whole.reading() as connection:
        tables = (await connection.execute(text(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ))).scalars().all()  # fmt: skip
        assert "agent_tokens" in tables
        for table in tables:
            rows = (await connection.execute(text(f"SELECT {table}::text FROM {table}"))).scalars().all()
            assert not any(token[10:] in row for row in rows)
    assert token not in repr(record)


async def test_scopes_narrow_what_the_agents_rules_allow(here):
    agent = await here.agent(access="write")
    _, reading = await here.token(agent=agent.id, scopes=["clerk:read"])
    _, writing = await here.token(agent=agent.id, scopes=["clerk:destructive", "jobs"])
    limits = [(await here.ask("/mcp", token)).json()["limits"] for token in (reading, writing)]
    assert limits == [
        [[" for agent bot", "write", False], [" by the scopes of its token", "read", True]],
        [[" for agent bot", "write", False], [" by the scopes of its token", "destructive", False]],
    ]


@pytest.mark.parametrize(
    ("scopes", "days"),
    [([], 30), (["jobs"], 30), (["clerk:read", "admin"], 30), (ALL, 0), (ALL, 367), (ALL, -1)],
)
async def test_a_token_for_nothing_or_for_ever_is_not_made(here, scopes, days):
    agent = await here.agent()
    with pytest.raises(InvalidRequest, match="accepted"):
        await here.tokens.make(here.acme, agent.id, scopes=scopes, days=days, made_by=ADA)
    assert await here.tokens.listed(here.acme) == []


async def test_a_token_of_another_workspace_opens_nothing_foreign_and_the_attempt_is_noted(here):
    _, token = await here.token()
    nowhere = await here.ask("/mcp/nowhere", token)
    foreign = await here.ask("/mcp/bolt", token)
    foreign_instance = await here.ask("/mcp/bolt/staging", token)
    assert [one.status_code for one in (nowhere, foreign, foreign_instance)] == [404] * 3
    # Not a word tells a workspace that is another's from one that is nowhere.
    assert nowhere.json() == foreign.json() == foreign_instance.json()
    assert "bolt" not in foreign.text.replace("/mcp/bolt", "")
    paths = ("/mcp/nowhere", "/mcp/bolt", "/mcp/bolt/staging")
    assert here.attempts.noted == [(here.acme, "bot", ADA, path) for path in paths]


async def test_a_revoked_token_ends_with_its_next_request(here):
    record, token = await here.token()
    assert (await here.ask("/mcp", token)).status_code == 200
    await here.tokens.revoke(here.acme, record.id)
    answer = await here.ask("/mcp", token)
    assert answer.status_code == 401
    assert "revoked" in answer.json()["error_description"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    (shown,) = await here.tokens.listed(here.acme)
    assert shown.state == "revoked"
    await here.tokens.revoke(here.acme, record.id)
    assert (await here.tokens.listed(here.acme)) == [shown]


async def test_an_expired_token_ends(here, hosted):
    _, token = await here.token(days=1)
    async with hosted.of(here.acme).writing() as connection:
        await connection.execute(update(agent_tokens).values(expires_at=now()))
    answer = await here.ask("/mcp", token)
    assert (answer.status_code, "expired" in answer.text) == (401, True)
    assert (await here.tokens.listed(here.acme))[0].state == "expired"


async def test_a_token_ends_with_its_agent_or_the_membership_of_who_made_it(here, hosted):
    _, bens = await here.token(made_by=BEN)
    assert (await here.ask("/mcp", bens)).json()["role"] == "signer"
    async with hosted.of(here.acme).writing() as connection:
        await connection.execute(members.delete().where(members.c.person == BEN))
    assert "no member" in (await here.ask("/mcp", bens)).text
    agent = await here.agent(name="other")
    _, token = await here.token(agent=agent.id)
    assert (await here.ask("/mcp", token)).status_code == 200
    await here.registry.remove(here.acme, agent.id)
    assert (await here.ask("/mcp", token)).status_code == 401


async def test_the_role_of_who_made_it_caps_a_token(here):
    _, token = await here.token(made_by=EVE, dialogue=True)
    shown = (await here.ask("/mcp", token)).json()
    assert shown["limits"][-1] == [" for a viewer", "read", False]
    assert shown["dialogue"] is False


async def test_other_workspaces_neither_see_nor_end_nor_use_an_agents_token(here):
    record, token = await here.token()
    assert await here.tokens.listed(here.bolt) == []
    assert await here.registry.agents(here.bolt) == []
    with pytest.raises(NotHere):
        await here.tokens.revoke(here.bolt, record.id)
    with pytest.raises(NotHere):
        await here.tokens.make(here.bolt, record.agent, scopes=ALL, days=1, made_by=BEN)
    with pytest.raises(NotHere):
        await here.registry.change(here.bolt, record.agent, AgentRules())
    with pytest.raises(NotHere):
        await here.registry.remove(here.bolt, record.agent)
    assert (await here.ask("/mcp", token)).status_code == 200


async def test_use_is_noted_once_a_minute_at_most(here, hosted):
    _, token = await here.token()
    assert (await here.tokens.listed(here.acme))[0].last_used_at is None
    await here.ask("/mcp", token)
    first = (await here.tokens.listed(here.acme))[0].last_used_at
    assert abs(first - now()) < 60_000
    await here.ask("/mcp", token)
    assert (await here.tokens.listed(here.acme))[0].last_used_at == first
    async with hosted.of(here.acme).writing() as connection:
        await connection.execute(update(agent_tokens).values(last_used_at=first - 61_000))
    await here.ask("/mcp", token)
    assert (await here.tokens.listed(here.acme))[0].last_used_at >= first


async def test_where_there_are_several_instances_the_address_names_one(here):
    agent = await here.registry.create(here.bolt, "bot", AgentRules(), BEN)
    _, token = await here.tokens.make(here.bolt, agent.id, scopes=ALL, days=1, made_by=BEN)
    answer = await here.ask("/mcp", token)
    assert answer.status_code == 404
    for address in ("https://desk.example/mcp/bolt/prod", "https://desk.example/mcp/bolt/staging"):
        assert address in answer.json()["error"]["message"]
    assert (await here.ask("/mcp/bolt/staging", token)).json()["instance"] == "staging"
    unknown = await here.ask("/mcp/bolt/testing", token)
    assert unknown.status_code == 404
    assert "staging" in unknown.json()["error"]["data"]["next_step"]
    # It may be an instance of another workspace: that it was asked for is noted.
    assert [asked for *_, asked in here.attempts.noted] == ["/mcp/bolt/testing"]


@pytest.mark.parametrize("token", ["dck_", "dck_" + "A" * 43, "dck_" + "A" * 9000, "dck_%00", "dck_ x"])
async def test_a_made_up_token_opens_nothing(here, token):
    assert (await here.ask("/mcp", token)).status_code == 401


async def test_a_token_is_taken_from_one_header_alone(here):
    _, token = await here.token()
    for path in (f"/mcp?access_token={token}", f"/mcp?token={token}"):
        assert (await here.ask(path)).status_code == 401
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    assert (await here.http.post("/mcp", headers=twice)).status_code == 401
    assert (await here.http.post("/mcp", headers={"authorization": f"Basic {token}"})).status_code == 401


@pytest.mark.parametrize("name", ["", "A", "mcp", "console", "bot*", "-x", "a" * 41, "bot\n"])
async def test_an_agents_name_is_no_pattern_and_no_faces_name(here, name):
    with pytest.raises(InvalidRequest, match="name"):
        await here.agent(name=name)


async def test_rules_that_match_nothing_are_refused_and_names_are_taken_once(here):
    with pytest.raises(InvalidRequest, match="matches no action"):
        await here.agent(deny=["clerk_usr_*"])
    agent = await here.agent()
    with pytest.raises(InvalidRequest, match="taken"):
        await here.agent()
    await here.agent(here.bolt)
    with pytest.raises(InvalidRequest, match="matches no action"):
        await here.registry.change(here.acme, agent.id, AgentRules(tools=["nothing"]))
    await here.registry.change(here.acme, agent.id, AgentRules(access="read", dialogue=True))
    assert (await here.registry.agents(here.acme))[0].rules == AgentRules(access="read", dialogue=True)


async def test_agents_are_bounded(here, monkeypatch):
    assert MOST_AGENTS >= 100
    monkeypatch.setattr("deskclerk.hosted.agents.registry.MOST_AGENTS", 2)
    await here.agent(name="a")
    await here.agent(name="b")
    with pytest.raises(InvalidRequest, match="at most 2"):
        await here.agent(name="c")


async def test_tokens_are_bounded_and_those_that_ended_do_not_count(here, monkeypatch):
    monkeypatch.setattr("deskclerk.hosted.agents.tokens.MOST_TOKENS", 1)
    agent = await here.agent()
    record, _ = await here.token(agent=agent.id)
    with pytest.raises(InvalidRequest, match="at most 1"):
        await here.token(agent=agent.id)
    await here.tokens.revoke(here.acme, record.id)
    await here.token(agent=agent.id)
