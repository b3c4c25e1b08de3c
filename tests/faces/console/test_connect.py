"""A secret key goes in, is tried against a Clerk that listens on this machine, and is shown nowhere."""

import asyncio
import base64
import json
import re
import shlex
import socket
import stat
import tomllib
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from deskclerk.desk import Desk
from deskclerk.errors import InvalidSettings
from deskclerk.faces.cli.main import main
from deskclerk.faces.clients.clients import CLIENTS
from deskclerk.faces.clients.editing import entry_at
from deskclerk.faces.console.client_view import client_cards
from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.controls.instances import AddInstance, add_new_instance
from deskclerk.sandbox.serving import serving
from deskclerk.settings import Settings, UserFolders
from tests.faces.console.conftest import problem

pytestmark = pytest.mark.anyio
KEY = "sk_test_canary4711"
LIVE = "sk_live_canary4711"


@pytest.fixture
async def clerk(tmp_path):
    """The address of a Clerk that knows KEY."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            open_sandbox(tmp_path / "clerk.db", seed=False) as opened,
            serving(opened, listener),
        ):
            await add_new_instance(opened.store, AddInstance(slug="shop", secret_key=KEY))
            live = AddInstance(slug="live", kind="live", secret_key=LIVE)
            await add_new_instance(opened.store, live)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def file(tmp_path):
    """The settings file, with something of its owner's in it."""
    path = tmp_path / "home" / "settings.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text('# mine\nretry_seconds = 9\n\n[callers."mcp"]\naccess = "read" # careful\n')
    return path


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home folder in which no client was ever used, and no client among the programs."""
    path = tmp_path / "somebody"
    path.mkdir()
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("PATH", str(path / "bin"))
    return path


async def send(person, path="", **fields):
    page = (await person.get("/connect")).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    return await person.http.post(f"{person.home}/connect{path}", data={"csrf": csrf} | fields)


async def connected(person, clerk, name="shop", **more):
    answer = await send(person, name=name, key=KEY, api_url=clerk, use="yes", **more)
    assert answer.status_code == 303, problem(answer)
    return unescape((await person.get("/connect")).text)


@pytest.mark.promise("the-console")
async def test_a_good_key_is_stored_and_every_face_can_use_it(person, clerk, file):
    page = await connected(person, clerk)
    assert "The key is good, and stored." in page
    assert "From the next start: shop." in page or "A key from outside this list is in force" in page
    settings = Settings.load({"home": file.parent}, {})
    assert (settings.key.get_secret_value(), settings.origin, settings.instance) == (KEY, clerk, "shop")
    assert "# mine\nretry_seconds = 9" in file.read_text()
    assert 'access = "read" # careful' in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_live_instance_is_unmistakable(person, clerk, file):
    await send(person, name="real", key=LIVE, api_url=clerk)
    page = (await person.get("/connect")).text
    assert page.count('<span class="instance instance-live">live</span>') == 2  # said once, and listed
    assert Settings.load({"home": file.parent}, {}).instance is None  # connected, and not chosen


@pytest.mark.promise("the-console")
async def test_the_key_is_found_nowhere_but_in_its_place(person, clerk, file, caplog):
    caplog.set_level("DEBUG")
    answers = [await send(person, name="shop", key=KEY, api_url=clerk, use="yes")]
    answers.append(await send(person, name="shop", key=KEY, api_url=clerk))
    answers.append(await send(person, name="../x", key=KEY, api_url=clerk))
    answers.append(await send(person, name="elsewhere", key=KEY, api_url="http://127.0.0.1:9"))
    answers += [await person.get(path) for path in ("/connect", "/secrets", "/")]
    assert all("canary4711" not in answer.text + str(answer.headers) for answer in answers)
    assert "canary4711" not in caplog.text
    entries = [str(line) for line in await person.desk.journal.recent(50)]
    assert any("clerk_domains_list" in line and "console" in line for line in entries)
    home = file.parent
    holding = [path.name for path in home.rglob("*") if path.is_file() and b"canary4711" in path.read_bytes()]
    assert holding == ["settings.toml"]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_clerk_that_repeats_the_key_does_not_get_it_onto_a_page(person, status):
    async def repeat(reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        assert KEY.encode() in asked
        named = {"object": "domain", "name": KEY, "frontend_api_url": f"https://{KEY}.test"}
        error = {"code": KEY, "message": f"{KEY} is bad", "long_message": KEY}
        body = json.dumps([named] if status == 200 else {"errors": [error]}).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{head}x-clerk-trace-id: {KEY}\r\nconnection: close\r\n\r\n".encode() + body)
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        answer = await send(person, name="shop", key=KEY, api_url=url)
        after = await person.get("/connect")
    assert (answer.status_code == 303) is (status == 200)
    assert "canary4711" not in answer.text + after.text
    assert "canary4711" not in str(await person.desk.journal.recent(20))


async def test_a_key_that_clerk_refuses_is_told_and_not_stored(person, clerk, file):
    before = file.read_text()
    answer = await send(person, name="shop", key="sk_test_mistyped", api_url=clerk)
    assert answer.status_code == 422
    assert "Clerk does not accept this key." in problem(answer)
    assert "Clerk Dashboard, API Keys, Secret key" in problem(answer)
    assert 'value="shop"' in answer.text
    assert "mistyped" not in answer.text
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"key": "pk_test_abc"}, "That is the publishable key"),
        ({"key": "hunter2"}, "not a Clerk secret key"),
        ({"key": "sk_test_a b"}, "one line"),
        ({"key": "sk_test_a\r\nX-Evil: 1"}, "one line"),
        ({"key": "sk_test_sandbox"}, "sandbox's own key"),
        ({"key": ""}, "not a Clerk secret key"),
        ({"key": KEY, "api_url": "http://example.com"}, "http is accepted for this machine only"),
        ({"key": KEY, "api_url": "https://u@example.com"}, "not an origin"),
        ({"key": KEY, "api_url": "file:///etc/passwd"}, "not an origin"),
        ({"key": KEY, "name": "a b"}, "not a name for an instance"),
        ({"key": KEY, "name": 'x"]\n[callers'}, "not a name for an instance"),
    ],
)
async def test_what_cannot_be_a_key_is_told_before_anything_is_sent(person, fields, said):
    answer = await send(person, **({"name": "shop"} | fields))
    assert answer.status_code == 422
    assert said in problem(answer)
    assert not (person.desk.settings.data / "settings.toml").exists()


async def test_an_address_where_nothing_answers_stores_nothing(person, file):
    before = file.read_text()
    answer = await send(person, name="shop", key=KEY, api_url="http://127.0.0.1:9")
    assert answer.status_code == 502
    assert file.read_text() == before


async def test_an_instance_is_renamed_chosen_and_removed(person, clerk, file):
    await connected(person, clerk)
    assert (await send(person, "/rename", instance="shop", name="till")).status_code == 303
    assert "shop is now called till." in (await person.get("/connect")).text
    assert Settings.load({"home": file.parent}, {}).instance == "till"
    await send(person, "/use", instance="")
    assert Settings.load({"home": file.parent}, {}).kind == "sandbox"
    await send(person, "/use", instance="till")
    assert Settings.load({"home": file.parent}, {}).key.get_secret_value() == KEY
    refused = await send(person, "/remove", instance="till", typed="yes")
    assert refused.status_code == 422
    assert "till" in tomllib.loads(file.read_text())["instances"]
    await send(person, "/remove", instance="till", typed="till")
    assert "canary4711" not in file.read_text()
    assert Settings.load({"home": file.parent}, {}).kind == "sandbox"


async def test_a_new_key_keeps_the_rules_of_its_instance(person, clerk, file):
    file.write_text(f'[instances.shop]\nsecret_key = "sk_test_old"\naccess = "read"\napi_url = "{clerk}"\n')
    assert (await send(person, "/key", instance="shop", key="sk_test_no", api_url=clerk)).status_code == 422
    assert (await send(person, "/key", instance="shop", key=KEY, api_url=clerk)).status_code == 303
    table = tomllib.loads(file.read_text())["instances"]["shop"]
    assert table == {"secret_key": KEY, "access": "read", "api_url": clerk}


@pytest.mark.parametrize("path", ["/use", "/rename", "/remove", "/key"])
async def test_what_is_not_stored_cannot_be_changed(person, path, clerk):
    fields = {"instance": "ghost", "name": "x", "typed": "ghost", "key": KEY, "api_url": clerk}
    answer = await send(person, path, **fields)
    assert answer.status_code == 422
    assert "No instance of that name is stored" in problem(answer)


async def test_a_key_that_was_mistyped_into_the_file_can_be_replaced(person, clerk, file):
    file.write_text('[instances.shop]\nsecret_key = "pk_test_canary4711"\n')
    page = (await person.get("/connect")).text
    assert "no key" in page
    assert "canary4711" not in page
    assert (await send(person, "/key", instance="shop", key=KEY, api_url=clerk)).status_code == 303


async def test_a_settings_file_that_is_broken_is_told_and_left_alone(person, clerk, file):
    file.write_text("this is not = = toml")
    answer = await send(person, name="shop", key=KEY, api_url=clerk)
    assert answer.status_code == 422
    assert "not TOML" in problem(answer)
    assert file.read_text() == "this is not = = toml"


def test_a_change_that_the_settings_would_refuse_is_not_written(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('confirm = "never"\n[instances.shop]\nsecret_key = "sk_live_x"\n')
    with pytest.raises(InvalidSettings, match="confirm = never is refused"):
        Desk(Settings(home=tmp_path)).instances.choose("shop")
    assert "instance =" not in file.read_text()


def test_a_link_to_the_settings_file_stays_a_link(tmp_path):
    place = tmp_path / "elsewhere"
    place.mkdir()
    (tmp_path / "home").mkdir(exist_ok=True)
    link = tmp_path / "home" / "settings.toml"
    link.symlink_to(place / "mine.toml")
    Desk(Settings(home=link.parent)).instances.add("shop", KEY, None, choose=False)
    assert link.is_symlink()
    assert KEY in (place / "mine.toml").read_text()
    assert stat.S_IMODE((place / "mine.toml").stat().st_mode) == 0o600


URL = "http://127.0.0.1:8765/mcp"


def pasted(page):
    """What the page has ready to copy: commands, and texts for files, by the ids of their fields."""
    found = re.findall(r'<textarea id="client-([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    return {name: unescape(text) for name, text in found}


async def test_every_client_that_can_be_installed_is_there_with_its_command_and_its_text(person, home):
    page = (await person.get("/connect")).text
    copied = pasted(page)
    for client in CLIENTS:
        assert f"<strong>{client.title}</strong>" in page
        entry = entry_at(client.form.parse(copied[f"{client.name}-1-text"]), client.keys)
        assert "mcp" in str(entry)
        # On this system one client has no file that a command could write.
        assert (f"{client.name}-1-command" in copied) is bool(client.user(UserFolders.find()))
    assert not any("-2-" in name for name in copied)  # no server runs beside this console
    assert "~/.cursor/mcp.json" in page


@pytest.mark.parametrize("served", [False, True])
async def test_a_command_of_the_page_writes_the_text_that_stands_below_it(person, home, served, capsys):
    person.console.mcp = URL if served else None
    copied = pasted((await person.get("/connect")).text)
    for client in CLIENTS:
        if f"{client.name}-1-command" not in copied:
            continue
        words = shlex.split(copied[f"{client.name}-1-command"])
        assert main([*words[words.index("install") :], "--yes"]) == 0, capsys.readouterr().err
        written = entry_at(
            client.form.parse(client.file(UserFolders.find(), "user", home).read_text()), client.keys
        )
        shown = entry_at(client.form.parse(copied[f"{client.name}-1-text"]), client.keys)
        place = {"goose": "envs", "opencode": "environment"}.get(client.name, "env")
        if not served:
            # The text has a place for the key, which the command leaves to the settings file.
            assert shown.pop(place) == {"CLERK_SECRET_KEY": "<your secret key>"}
            assert not written.pop(place, None)
        assert written == shown


def test_a_command_gives_the_client_the_same_desk_that_the_console_is_on(home, tmp_path):
    settings = Settings(home=tmp_path / "elsewhere", read_only=True, toolsets=("core", "tokens"))
    (cursor,) = (card.ways[0] for card in client_cards(settings, None) if card.name == "cursor")
    words = shlex.split(cursor.command)
    assert main([*words[words.index("install") :], "--yes"]) == 0
    written = json.loads((home / ".cursor" / "mcp.json").read_text())
    assert written == json.loads(cursor.text)
    started = " ".join(written["mcpServers"]["deskclerk"]["args"])
    assert started.endswith(f"mcp --read-only --toolsets core,tokens --home {tmp_path / 'elsewhere'}")


async def test_a_served_desk_is_offered_to_clients_that_can_reach_it(person, home):
    person.console.mcp = URL
    copied = pasted((await person.get("/connect")).text)
    reached = {name.removesuffix("-2-text") for name in copied if name.endswith("-2-text")}
    assert reached == {client.name for client in CLIENTS} - {"claude-desktop"}
    assert copied["cursor-1-command"].endswith(f"install cursor --http {URL}")
    assert URL in copied["goose-1-text"]


async def test_with_a_token_no_client_is_told_the_token_but_its_variable(open_desk, home):
    async with open_desk(token="canary-token") as desk:
        cards = {card.name: card for card in client_cards(desk.settings, URL)}
    assert "canary-token" not in str(cards)
    assert cards["cursor"].ways[0].command.endswith(f"--http {URL} --bearer")
    assert "${env:DESKCLERK_TOKEN}" in cards["cursor"].ways[0].text
    # What cannot name a variable is not offered the way that wants one.
    assert [way.label for way in cards["zed"].ways] == ["starts deskclerk itself"]


async def test_the_links_of_the_page_hold_the_entry_and_no_key(person, home):
    page = unescape((await person.get("/connect")).text)
    (cursor,) = re.findall(r'href="(cursor://[^"]+)"', page)
    config = parse_qs(urlsplit(cursor).query)["config"][0]
    shown = json.loads(pasted(page)["cursor-1-text"])["mcpServers"]["deskclerk"]
    assert json.loads(base64.b64decode(config)) == {key: shown[key] for key in ("command", "args")}
    (code,) = re.findall(r'href="(vscode:[^"]+)"', page)
    assert json.loads(unquote(code.partition("?")[2]))["name"] == "deskclerk"
    assert "CLERK_SECRET_KEY" not in unquote(code)


async def test_a_client_that_is_used_here_is_the_one_that_lies_open(person, home):
    opened = re.compile(r'<details class="client"[^>]* open>\s*<summary><strong>([^<]+)')
    assert opened.findall((await person.get("/connect")).text) == ["Claude Code"]
    (home / ".gemini").mkdir()
    page = (await person.get("/connect")).text
    assert opened.findall(page) == ["Gemini CLI"]
    assert page.count("found here") == 1


async def test_a_key_from_the_environment_is_said_to_win(person):
    page = (await person.get("/connect")).text
    assert "A key from outside this list is in force" in page
    assert person.desk.settings.key.get_secret_value() not in page
    assert "&lt;your secret key&gt;" in page


async def test_a_link_that_a_model_was_told_does_not_connect(browser, file):
    plan = await browser.propose()
    await browser.sign_in(plan.id)
    assert (await browser.get("/connect")).status_code == 403
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await browser.get(f"/plans/{plan.id}")).text)[1]
    fields = {"csrf": csrf, "instance": ""}
    assert (await browser.http.post(f"{browser.home}/connect/use", data=fields)).status_code == 403


@pytest.mark.promise("the-console")
def test_nothing_else_than_the_owner_reads_the_file(tmp_path):
    Desk(Settings(home=tmp_path)).instances.add("shop", KEY, None, choose=True)
    path = Path(tmp_path / "settings.toml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Settings.load({"home": tmp_path}, {}).key.get_secret_value() == KEY
