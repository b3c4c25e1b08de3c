"""What a hosted desk takes of the settings: what it needs, what all its desks share, and nothing else."""

import base64
import re

import pytest
from pydantic import SecretStr

from deskclerk.errors import InvalidSettings
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.parts import Needed, opened
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
NEEDED = {
    "DESKCLERK_DATABASE": "postgresql://desk@127.0.0.1/desk",
    "DESKCLERK_REDIS": "redis://127.0.0.1:6379/0",
    "DESKCLERK_PUBLIC_URL": "https://desk.example.com",
    "DESKCLERK_ISSUER": "https://issuer.example.com",
    "DESKCLERK_CLIENT_ID": "desk",
    "DESKCLERK_VAULT_KEY": base64.b64encode(b"v" * 32).decode(),
}


def needed(folder, **more):
    return Needed.of(Settings.load({}, NEEDED | {"DESKCLERK_HOME": str(folder)} | more))


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_it_cannot_do_without_is_named(tmp_path, name):
    given = {key: value for key, value in NEEDED.items() if key != name}
    with pytest.raises(InvalidSettings, match=f"not set: {name}"):
        Needed.of(Settings.load({}, given | {"DESKCLERK_HOME": str(tmp_path)}))


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ("https://Desk.Example.com", "https://desk.example.com"),
        ("https://desk.example.com:443/", "https://desk.example.com"),
        ("HTTPS://desk.example.com:8443", "https://desk.example.com:8443"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_that_browsers_spell_otherwise_is_refused_with_their_spelling(tmp_path, given, accepted):
    with pytest.raises(InvalidSettings, match=re.escape(f"accepted: {accepted}, at the issuer too")):
        needed(tmp_path, DESKCLERK_PUBLIC_URL=given)
    assert needed(tmp_path, DESKCLERK_PUBLIC_URL=accepted).public_url == accepted


@pytest.mark.parametrize("given", ["x", "https://clerk.test,http://clerk.test", "https://clerk.test/v1"])
def test_where_instances_may_be_is_a_list_of_origins(tmp_path, given):
    with pytest.raises(InvalidSettings, match="DESKCLERK_API_URLS"):
        needed(tmp_path, DESKCLERK_API_URLS=given)
    found = Settings.load({}, {"DESKCLERK_API_URLS": "https://clerk.test/", "DESKCLERK_HOME": str(tmp_path)})
    assert found.api_urls == ("https://clerk.test",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("READ_ONLY", "true"),
        ("ACCESS", "read"),
        ("DENY", "clerk_user_ban"),
        ("TOOLS", "clerk_users_*"),
        ("TOOLSETS", "all"),
        ("PIN", "ins_1"),
        ("CONFIRM", "destructive"),
        ("SECRETS", "reference"),
        ("DESTRUCTIVE_PER_HOUR", "5"),
        ("ITEMS_PER_JOB", "5"),
        ("APPROVAL_SECONDS", "60"),
        ("APPROVAL_WAIT", "0"),
        ("TOKEN", "a-token-of-24-characters"),
        ("HOSTS", "desk.example.com"),
        ("CONSOLE", "false"),
        ("HANDOVER", "console"),
        ("NOTIFY", "slack://a/b/c"),
    ],
)
def test_what_each_workspace_has_of_its_own_is_refused_by_name(tmp_path, name, value):
    with pytest.raises(InvalidSettings, match=f"takes no setting {name.lower()}: each workspace"):
        needed(tmp_path, **{f"DESKCLERK_{name}": value})


def test_rules_in_the_settings_file_are_refused_too(tmp_path):
    (tmp_path / "settings.toml").write_text('[callers."mcp"]\naccess = "read"\n', "utf-8")
    with pytest.raises(InvalidSettings, match="takes no setting callers"):
        needed(tmp_path)


def test_what_says_the_same_as_if_it_were_left_out_is_no_matter(tmp_path):
    assert needed(tmp_path, DESKCLERK_READ_ONLY="false", DESKCLERK_TIMEOUT="5").client_id == "desk"


async def test_what_all_desks_share_reaches_them(url, redis_server):
    shared = {"timeout": 3.0, "retry_seconds": 4.0, "largest_answer": 2**17, "answer_characters": 5_000}
    settings = Settings(
        database=SecretStr(url),
        redis=SecretStr(redis_server.url),
        public_url="https://desk.example.com",
        issuer="https://issuer.invalid",
        client_id="desk",
        vault_key=SecretStr(NEEDED["DESKCLERK_VAULT_KEY"]),
        **shared,
    )
    async with opened(settings) as parts:
        acme = await parts.workspaces.create("acme", "Acme", "person_1")
        await parts.workspaces.add_instance(acme.id, "prod", SecretStr("sk_test_x"))
        await parts.agents.create(acme.id, "bot", AgentRules(), "person_1")
        desks = Desks.alone(parts.workspaces, parts.doors, parts.agents.rules, parts.common)
        async with desks.use(Place.of(await parts.workspaces.load(acme.id), "prod")) as desk:
            assert {name: getattr(desk.settings, name) for name in shared} == shared
        await desks.close()
