"""OAuth at the guard: what clients are told, whose token it is, and which clients a workspace lets in."""

import pytest

from deskclerk.errors import InvalidRequest
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.tables import people
from tests.hosted.agents.conftest import ADA, ALL, BEN, EVE, ISSUER

pytestmark = pytest.mark.anyio
AT = "https://desk.example/.well-known/oauth-protected-resource"


def mine(here, path="/mcp", **claims):
    """A token for an MCP server of ours."""
    return here.issuer.token_for(**{"aud": f"https://desk.example{path}", **claims})


@pytest.mark.parametrize("path", ["/mcp", "/mcp/acme", "/mcp/acme/prod", "/mcp/nobody"])
async def test_whoever_has_no_token_is_told_where_to_get_one(here, path):
    answer = await here.ask(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{AT}{path}", scope="clerk:read clerk:write clerk:destructive jobs"'
    )
    metadata = await here.http.get(f"/.well-known/oauth-protected-resource{path}")
    assert metadata.json() == {
        "resource": f"https://desk.example{path}",
        "authorization_servers": [ISSUER],
        "scopes_supported": list(ALL),
        "bearer_methods_supported": ["header"],
        "resource_name": "deskclerk",
    }


async def test_the_metadata_at_the_root_is_that_of_the_shortest_address(here):
    found = (await here.http.get("/.well-known/oauth-protected-resource")).json()
    assert found["resource"] == "https://desk.example/mcp"


@pytest.mark.parametrize(
    "path", ["/mcp/A", "/mcp/a/b/c", "/mcp//prod", '/mcp/"x', "/mcpx", "/x", "/mcp/acme/..x"]
)
async def test_no_other_address_has_metadata_or_a_server(here, path):
    assert (await here.http.get(f"/.well-known/oauth-protected-resource{path}")).status_code == 404
    if path.startswith("/mcp/"):
        answer = await here.ask(path, mine(here))
        assert answer.status_code == 404
        assert answer.json()["error"]["data"]["next_step"]


async def test_what_is_no_mcp_server_passes_the_guard(here):
    assert (await here.http.get("/livez")).json() is None


async def test_an_issuer_that_knows_only_its_own_scopes_is_not_asked_for_ours(here):
    here.issuer.scopes = ("openid", "profile", "email", "private_metadata")
    found = (await here.http.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert found["scopes_supported"] == ["openid"]
    assert (await here.ask()).headers["www-authenticate"].endswith('scope="openid"')


async def test_a_bad_token_is_told_apart_from_none(here):
    answer = await here.ask("/mcp", 'a".b\\.c')
    assert answer.status_code == 401
    said = answer.headers["www-authenticate"]
    assert said.startswith(
        'Bearer error="invalid_token", error_description="This access token is not accepted'
    )
    assert f'resource_metadata="{AT}/mcp"' in said
    assert said.count('"') % 2 == 0


async def test_a_person_with_one_workspace_is_led_there_and_its_agent_bears_all_limits(here):
    await here.allowed(access="write", dialogue=True)
    answer = await here.ask("/mcp", mine(here, scope="openid clerk:read jobs"))
    assert answer.json() == {
        "workspace": here.acme,
        "instance": "prod",
        "person": ADA,
        "role": "owner",
        "name": "laptop",
        "dialogue": True,
        "limits": [
            [" for agent laptop", "write", False],
            [" by the scopes of its token", "read", False],
        ],
    }


async def test_a_viewers_agent_only_reads(here):
    await here.allowed(dialogue=True)
    shown = (await here.ask("/mcp/acme", mine(here, "/mcp/acme", sub="user_eve"))).json()
    assert (shown["person"], shown["role"], shown["dialogue"]) == (EVE, "viewer", False)
    assert shown["limits"][-1] == [" for a viewer", "read", False]


async def test_a_person_with_several_workspaces_is_told_their_addresses_and_no_others(here):
    await here.allowed()
    answer = await here.ask("/mcp", mine(here, sub="user_ben"))
    assert answer.status_code == 404
    message = answer.json()["error"]["message"]
    assert "https://desk.example/mcp/acme" in message
    assert "https://desk.example/mcp/bolt" in message
    shown = await here.ask("/mcp/acme", mine(here, "/mcp/acme", sub="user_ben"))
    assert (shown.json()["person"], shown.json()["role"]) == (BEN, "signer")


async def test_a_person_reaches_no_workspace_of_others_and_the_attempt_is_noted_in_their_own(here):
    await here.allowed(workspace=here.bolt)
    answers = [
        await here.ask(path, mine(here, path)) for path in ("/mcp/bolt", "/mcp/bolt/prod", "/mcp/nowhere")
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    asked = ("/mcp/bolt", "/mcp/bolt/prod", "/mcp/nowhere")
    assert here.attempts.noted == [(here.acme, "cli_1", ADA, path) for path in asked]


@pytest.mark.parametrize("subject", ["user_stranger", "per_ada", ""])
async def test_a_person_of_no_workspace_gets_nothing_and_leaves_nothing(here, subject):
    answer = await here.ask("/mcp", mine(here, sub=subject))
    assert answer.status_code == (403 if subject else 401)
    assert await here.registry.clients(here.acme) == []


async def test_a_token_for_another_address_of_the_same_origin_is_refused(here):
    await here.allowed()
    for path, audience in (("/mcp/acme", "/mcp"), ("/mcp", "/mcp/acme"), ("/mcp/acme", "/mcp/acme/prod")):
        answer = await here.ask(path, mine(here, audience))
        assert (answer.status_code, "another resource" in answer.text) == (401, True)


async def test_a_new_client_waits_until_an_owner_allows_it(here):
    for _ in range(3):
        answer = await here.ask("/mcp", mine(here, client_id="dyn_9"), user_agent="Claude\x07 <b>Code</b>")
        assert answer.status_code == 403
        assert answer.json()["error"]["data"]["error"] == "client_waits"
        assert "https://desk.example/w/acme/agents" in answer.text
        assert "www-authenticate" not in answer.headers
    (waiting,) = await here.registry.clients(here.acme)
    assert (waiting.client_id, waiting.status, waiting.first_by) == ("dyn_9", "waiting", ADA)
    assert waiting.calls_itself == "Claude <b>Code</b>"
    assert await here.registry.clients(here.bolt) == []
    await here.registry.allow(
        here.acme, ISSUER, "dyn_9", name="claude", rules=AgentRules(access="read"), by=ADA
    )
    assert (await here.ask("/mcp", mine(here, client_id="dyn_9"))).json()["name"] == "claude"


async def test_a_token_without_an_audience_counts_for_an_allowed_client_alone(here):
    await here.allowed("cli_1")
    unbound = here.issuer.token_for(aud=None)
    assert (await here.ask("/mcp", unbound)).status_code == 200
    # One that another service's client was given for the same person.
    stolen = here.issuer.token_for(aud=None, client_id="another-service")
    assert (await here.ask("/mcp", stolen)).status_code == 403


async def test_a_client_that_one_workspace_allows_is_none_of_anothers(here):
    await here.allowed("cli_1", here.acme)
    token = mine(here, "/mcp/bolt/prod", sub="user_ben")
    assert (await here.ask("/mcp/bolt/prod", token)).json()["error"]["data"]["error"] == "client_waits"


async def test_a_refused_client_stays_out_and_one_that_was_allowed_goes(here):
    await here.allowed("cli_1")
    assert (await here.ask("/mcp", mine(here))).status_code == 200
    await here.registry.refuse(here.acme, ISSUER, "cli_1", ADA)
    answer = await here.ask("/mcp", mine(here))
    assert (answer.status_code, "refused" in answer.text) == (403, True)
    await here.ask("/mcp", mine(here))
    assert [one.status for one in await here.registry.clients(here.acme)] == ["refused"]


async def test_a_client_whose_agent_is_removed_waits_anew(here):
    await here.allowed("cli_1")
    (agent,) = await here.registry.agents(here.acme)
    await here.registry.remove(here.acme, agent.id)
    assert (await here.ask("/mcp", mine(here))).json()["error"]["data"]["error"] == "client_waits"


async def test_owners_decide_on_clients_of_their_own_workspace_alone(here):
    await here.registry.wait(here.acme, ISSUER, "cli_1", by=ADA, calls_itself="x")
    with pytest.raises(NotHere):
        await here.registry.allow(here.bolt, ISSUER, "cli_1", name="x", rules=AgentRules(), by=BEN)
    assert await here.registry.agents(here.bolt) == []
    with pytest.raises(NotHere):
        await here.registry.refuse(here.bolt, ISSUER, "cli_1", BEN)
    with pytest.raises(InvalidRequest):
        await here.registry.allow(here.acme, ISSUER, "cli_1", name="mcp", rules=AgentRules(), by=ADA)
    assert [one.status for one in await here.registry.clients(here.acme)] == ["waiting"]


async def test_two_clients_can_be_one_agent_which_keeps_its_rules(here):
    await here.allowed("cli_1", access="read")
    await here.allowed("cli_2", access="destructive")
    assert len(await here.registry.agents(here.acme)) == 1
    shown = (await here.ask("/mcp", mine(here, client_id="cli_2"))).json()
    assert shown["limits"][0] == [" for agent laptop", "read", False]


async def test_clients_that_wait_are_bounded(here, monkeypatch):
    monkeypatch.setattr("deskclerk.hosted.agents.registry.MOST_WAITING", 2)
    answers = [await here.ask("/mcp", mine(here, client_id=f"dyn_{number}")) for number in range(4)]
    assert {answer.status_code for answer in answers} == {403}
    assert "Too many clients" in answers[3].text
    assert len(await here.registry.clients(here.acme)) == 2
    assert (await here.ask("/mcp", mine(here, client_id="c" * 600))).status_code == 401


async def test_a_token_without_a_scope_of_ours_is_for_nothing_where_the_issuer_has_them(here):
    await here.allowed()
    for scope in ("openid profile", "", "jobs", None):
        answer = await here.ask("/mcp", mine(here, scope=scope))
        assert answer.status_code == 403
        said = answer.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in said
        assert f'resource_metadata="{AT}/mcp"' in said
        assert 'scope="clerk:read clerk:write clerk:destructive jobs"' in said


async def test_where_the_issuer_has_no_scopes_of_ours_the_agents_rules_say_what_it_may(here):
    here.issuer.scopes = ("openid", "profile")
    await here.allowed(access="write")
    shown = (await here.ask("/mcp", mine(here, scope="openid profile"))).json()
    assert shown["limits"] == [[" for agent laptop", "write", False]]


CALL = {"mcp_method": "tools/call"}


async def test_a_call_beyond_the_tokens_scopes_says_which_token_could_make_it(here):
    await here.allowed()
    token = mine(here, scope="clerk:read")
    assert (await here.ask("/mcp", token, **CALL, mcp_name="clerk_users_list")).status_code == 200
    for name, wanted in (
        ("clerk_user_ban", "clerk:read clerk:write"),
        ("clerk_user_delete", "clerk:read clerk:destructive"),
        ("clerk_bulk_propose", "clerk:read clerk:write jobs"),
    ):
        answer = await here.ask("/mcp", token, **CALL, mcp_name=name)
        assert answer.status_code == 403
        assert f'scope="{wanted}"' in answer.headers["www-authenticate"]
        assert name in answer.json()["error_description"]
    assert (await here.ask("/mcp", mine(here), **CALL, mcp_name="clerk_user_ban")).status_code == 200


async def test_no_other_token_is_asked_for_where_none_would_help(here):
    await here.allowed(access="read")
    # The agent's own rules, or its person's role: the desk says so.
    token = mine(here, scope="clerk:read")
    assert (await here.ask("/mcp", token, **CALL, mcp_name="clerk_user_ban")).status_code == 200
    await here.allowed("cli_2", name="wide")
    eves = mine(here, sub="user_eve", client_id="cli_2", scope="clerk:read")
    assert (await here.ask("/mcp", eves, **CALL, mcp_name="clerk_user_ban")).status_code == 200
    # A workspace's token comes from no issuer.
    _, own = await here.token(scopes=["clerk:read"])
    assert (await here.ask("/mcp", own, **CALL, mcp_name="clerk_user_ban")).status_code == 200


async def test_a_revoked_access_token_ends_within_seconds(here):
    await here.allowed()
    token = mine(here)
    assert (await here.ask("/mcp", token)).status_code == 200
    here.issuer.revoked.add(token)
    here.clock.at += 5
    assert (await here.ask("/mcp", token)).status_code == 401


async def test_an_issuer_that_is_away_is_no_fault_of_the_token(here):
    await here.allowed()
    token = mine(here)
    assert (await here.ask("/mcp", token)).status_code == 200
    here.issuer.down = True
    here.clock.at += 60
    answer = await here.ask("/mcp", token)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    # A workspace's own token needs no issuer.
    _, own = await here.token()
    assert (await here.ask("/mcp", own)).status_code == 200


async def test_the_use_of_a_client_is_noted(here):
    await here.allowed()
    assert (await here.registry.clients(here.acme))[0].last_used_at is None
    await here.ask("/mcp", mine(here))
    first = (await here.registry.clients(here.acme))[0].last_used_at
    await here.ask("/mcp", mine(here))
    assert (await here.registry.clients(here.acme))[0].last_used_at == first
    assert first


async def test_a_subject_or_a_client_of_another_issuer_is_somebody_else(here, hosted, workspaces):
    """As after a change of the issuer, or where two give the same id."""
    former = "https://former.example"
    row = {"id": "per_other", "issuer": former, "subject": "user_ada", "email_verified": False}
    async with hosted.whole.writing() as connection:
        await connection.execute(people.insert(), row | {"created_at": 1, "signed_in_at": 1})
    await workspaces.add_member(here.bolt, "per_other", "owner")
    await here.registry.wait(here.acme, former, "cli_1", by=ADA, calls_itself="x")
    await here.registry.allow(here.acme, former, "cli_1", name="old", rules=AgentRules(), by=ADA)
    assert (await here.ask("/mcp/bolt", mine(here, "/mcp/bolt"))).status_code == 404
    assert (await here.ask("/mcp", mine(here))).json()["error"]["data"]["error"] == "client_waits"
    await here.registry.allow(here.acme, ISSUER, "cli_1", name="new", rules=AgentRules(), by=ADA)
    shown = (await here.ask("/mcp", mine(here))).json()
    assert (shown["workspace"], shown["person"], shown["name"]) == (here.acme, ADA, "new")
