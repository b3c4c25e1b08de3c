"""What agents and people are told while PostgreSQL or the vault cannot be used: no address of either."""

import base64
import json
import logging

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from deskclerk.catalogue import ListUsers
from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.faces.hosted.server import hosted_app
from deskclerk.faces.mcp.calls import failure
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.outside import ToOthers
from deskclerk.hosted.parts import opened
from deskclerk.hosted.people.persons import find
from deskclerk.hosted.people.sessions import PersonSessions
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.hosted.workspaces.policy import WorkspacePolicy
from deskclerk.settings import Settings
from tests.hosted.agents.conftest import ADA, ALL, DESK, sign_in_everybody

pytestmark = pytest.mark.anyio
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
VAULT = "https://vault.internal:8200"


@pytest.fixture
def settings(url, redis_server):
    return Settings(
        database=SecretStr(url),
        redis=SecretStr(redis_server.url),
        public_url=DESK,
        issuer="https://issuer.invalid",
        client_id="desk",
        vault_key=SecretStr(base64.b64encode(b"v" * 32).decode()),
    )


@pytest.fixture
def lost(url, server):
    """Has PostgreSQL take no connection to the test's database any more, and end those there are."""
    name = make_url(url).database

    def lose():
        server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    yield lose
    server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def told_nothing(text, url):
    """Nothing of where the database is, what it says and how it is asked."""
    place = make_url(url)
    parts = (place.database, place.query["host"], "postgresql", "socket", "FATAL", "SELECT", "accepting")
    assert not [part for part in parts if part in text], text
    return "cannot be read or written at the moment" in text and "tell whoever runs this desk" in text


@pytest.fixture
async def headers(settings):
    """Those of an agent of a workspace whose keys are sealed."""
    async with opened(settings) as parts:
        workspace = await parts.workspaces.create("acme", "Acme", ADA)
        await sign_in_everybody(parts.database, settings.issuer)
        await parts.workspaces.add_instance(workspace.id, "prod", SecretStr("sk_test_x"))
        agent = await parts.agents.create(workspace.id, "bot", AgentRules(), ADA)
        _, token = await WorkspaceTokens(parts.database).make(
            workspace.id, agent.id, scopes=ALL, days=1, made_by=ADA
        )
    return {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}


async def test_agents_and_people_are_told_what_to_do_and_the_log_has_the_rest(
    settings, url, lost, headers, caplog
):
    async with hosted_app(settings) as replica:
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=DESK) as http:
            assert (await http.post("/mcp/acme/prod", json=LIST, headers=headers)).status_code == 200
            lost()
            caplog.clear()
            for _ in range(3):
                answer = await http.post("/mcp/acme/prod", json=LIST, headers=headers)
                assert answer.status_code == 503
                assert answer.json()["error"]["data"]["error"] == "storage_unavailable"
                assert told_nothing(answer.text, url)
            for path in ("/", "/w/acme/", "/w/acme/i/prod/", "/security"):
                page = await http.get(path, headers={"cookie": "__Host-deskclerk=abc"})
                assert page.status_code == 503
                assert told_nothing(page.text, url), page.text
    logged = [record for record in caplog.records if record.name == "deskclerk.storage"]
    assert any(make_url(url).query["host"] in record.getMessage() for record in logged)


async def test_a_desk_that_cannot_be_opened_for_want_of_the_vault_key_is_told_to_agents_and_people_alike(
    settings, url, headers, caplog
):
    other = settings.model_copy(
        update={"vault_key": SecretStr(base64.b64encode(b"another vault key of thirty-two!").decode())}
    )
    async with hosted_app(other) as replica:
        database = HostedDatabase(SecretStr(url))
        cookie = await PersonSessions(database.whole).begin(await find(database.whole, ADA), "test")
        await database.close()
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=DESK) as http:
            answer = await http.post("/mcp/acme/prod", json=LIST, headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            told = answer.json()
            assert (told["jsonrpc"], told["error"]["data"]["error"]) == ("2.0", "storage_unavailable")
            assert told_nothing(answer.text, url)
            page = await http.get("/w/acme/i/prod/", headers={"cookie": f"__Host-deskclerk={cookie}"})
            assert page.status_code == 503
            assert told_nothing(page.text, url)
            # No traffic comes to a replica of which nobody would get more than that.
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["vault"]["ok"]) == (503, False)
            assert ready.json()["checks"]["database"]["ok"]
    assert "it was wrapped with the key" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_setting_that_holds_no_more_is_told_to_an_agent_in_words(settings, headers, monkeypatch):
    def refused(*_arguments):
        raise InvalidSettings("The policy of this workspace does not hold.")

    monkeypatch.setattr(WorkspacePolicy, "settings", refused)
    async with hosted_app(settings) as replica:
        transport = httpx2.ASGITransport(app=replica.app)
        async with httpx2.AsyncClient(transport=transport, base_url=DESK) as http:
            answer = await http.post("/mcp/acme/prod", json=LIST, headers=headers)
            assert answer.status_code == 500
            assert answer.json()["error"]["message"] == "The policy of this workspace does not hold."


async def test_a_tool_that_meets_it_in_the_middle_and_its_journal_name_no_place(settings, url, lost):
    async with opened(settings) as parts:
        made = await parts.workspaces.create("acme", "Acme", ADA)
        await parts.workspaces.add_instance(made.id, "prod", SecretStr("sk_test_x"))
        desks = Desks.alone(parts.workspaces, parts.doors, parts.agents.rules)
        async with desks.use(Place.of(await parts.workspaces.load(made.id), "prod")) as desk:
            lost()
            for asked in (
                lambda: desk.plans.load("pln_1"),
                desk.journal.verify,
                desk.jobs.listed,
                lambda: desk.perform(ListUsers.parse({"limit": 1})),
            ):
                with pytest.raises(StorageUnavailable) as caught:
                    await asked()
                assert told_nothing(json.dumps(failure(caught.value).model_dump(mode="json")), url)


async def test_the_operator_who_starts_it_is_told_where_the_database_is(url, lost):
    lost()
    with pytest.raises(StorageUnavailable) as caught:
        await HostedDatabase.open(SecretStr(url))
    assert make_url(url).query["host"] in str(caught.value)


async def test_where_the_vault_is_is_told_to_nobody_but_the_operator(settings, caplog):
    class Gone:
        name = "transit"

        async def wrap(self, key, bound):
            raise StorageUnavailable.of(f"The vault at {VAULT}", "no answer", "Check DESKCLERK_VAULT.")

        unwrap = wrap

    async with opened(settings) as parts:
        made = await parts.workspaces.create("acme", "Acme", ADA)
        parts.vault.keys._wrapper = Gone()
        for asked in (
            lambda: parts.vault.seal(made.id, "prod", "x", "text"),
            lambda: parts.vault.open(made.id, "prod", "x", "dk1.1.AAAA"),
        ):
            with pytest.raises(StorageUnavailable) as caught:
                await asked()
            assert "vault" not in str(caught.value).lower()
            assert "tell whoever runs this desk" in caught.value.next_step
    assert VAULT in caplog.text


def test_the_same_is_logged_once_for_all_who_meet_it(caplog):
    told = ToOthers()
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            told(StorageUnavailable("postgresql://db.internal cannot be used."))
        told(StorageUnavailable("postgresql://other.internal cannot be used."))
    assert len(caplog.records) == 2
    safe = StorageUnavailable("It is busy.", places=False)
    assert told(safe) is safe
