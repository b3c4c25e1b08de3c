"""Each client's file on each system: where it is, what its own format reads there, how it is left again."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from deskclerk.errors import InvalidRequest
from deskclerk.faces.clients.clients import CLIENTS, Server, client_named, installed_entry
from deskclerk.faces.clients.editing import with_entry, without_entry
from deskclerk.settings import UserFolders

COMMAND = ("/opt/deskclerk/bin/deskclerk", "mcp", "--read-only")
DOCS = Path(__file__).parents[3] / "docs" / "clients"
HOMES = {
    "linux": {"HOME": "/home/ada", "XDG_CONFIG_HOME": "/home/ada/.config"},
    "macos": {"HOME": "/Users/ada"},
    "windows": {"USERPROFILE": "/c/Users/ada", "APPDATA": "/c/Users/ada/AppData/Roaming"},
}
APPLICATION = "/Users/ada/Library/Application Support"
ROAMING = "/c/Users/ada/AppData/Roaming"
FILES = {
    "claude-code": (".claude.json",) * 3,
    "claude-desktop": (
        None,
        f"{APPLICATION}/Claude/claude_desktop_config.json",
        f"{ROAMING}/Claude/claude_desktop_config.json",
    ),
    "cursor": (".cursor/mcp.json",) * 3,
    "vscode": (
        ".config/Code/User/mcp.json",
        f"{APPLICATION}/Code/User/mcp.json",
        f"{ROAMING}/Code/User/mcp.json",
    ),
    "codex": (".codex/config.toml",) * 3,
    "gemini": (".gemini/settings.json",) * 3,
    "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
    "zed": (".config/zed/settings.json", ".config/zed/settings.json", f"{ROAMING}/Zed/settings.json"),
    "goose": (
        ".config/goose/config.yaml",
        ".config/goose/config.yaml",
        f"{ROAMING}/Block/goose/config/config.yaml",
    ),
    "opencode": (".config/opencode/opencode.json",) * 3,
}
READERS = {".json": json.loads, ".toml": tomllib.loads, ".yaml": yaml.safe_load}
STDIO = {"command": COMMAND[0], "args": ["mcp", "--read-only"]}
URL = "http://127.0.0.1:8765/mcp"
ENTRIES = {
    "claude-code": ("mcpServers", {"type": "stdio", **STDIO}, {"type": "http", "url": URL}),
    "claude-desktop": ("mcpServers", STDIO, None),
    "cursor": ("mcpServers", STDIO, {"url": URL}),
    "vscode": ("servers", {"type": "stdio", **STDIO}, {"type": "http", "url": URL}),
    "codex": ("mcp_servers", STDIO, {"url": URL}),
    "gemini": ("mcpServers", STDIO, {"httpUrl": URL}),
    "windsurf": ("mcpServers", STDIO, {"serverUrl": URL}),
    "zed": ("context_servers", {"source": "custom", **STDIO}, {"url": URL}),
    "goose": (
        "extensions",
        {
            "type": "stdio",
            "name": "deskclerk",
            "description": "A Clerk instance",
            "enabled": True,
            "cmd": COMMAND[0],
            "args": ["mcp", "--read-only"],
            "envs": {},
            "timeout": 300,
        },
        {
            "type": "streamable_http",
            "name": "deskclerk",
            "description": "A Clerk instance",
            "enabled": True,
            "uri": URL,
            "timeout": 300,
        },
    ),
    "opencode": ("mcp", {"type": "local", "command": list(COMMAND)}, {"type": "remote", "url": URL}),
}
HEADERS = {
    "claude-code": "Bearer ${DESKCLERK_TOKEN}",
    "cursor": "Bearer ${env:DESKCLERK_TOKEN}",
    "vscode": "Bearer ${env:DESKCLERK_TOKEN}",
    "gemini": "Bearer ${DESKCLERK_TOKEN}",
    "windsurf": "Bearer ${env:DESKCLERK_TOKEN}",
    "opencode": "Bearer {env:DESKCLERK_TOKEN}",
}


def every(*names):
    return pytest.mark.parametrize("client", names or CLIENTS, ids=lambda item: getattr(item, "name", item))


@pytest.mark.parametrize("system", HOMES)
@every()
def test_each_client_has_its_documented_file_on_each_system(client, system):
    folders = UserFolders.find(HOMES[system], system)
    expected = FILES[client.name][list(HOMES).index(system)]
    if expected is None:
        with pytest.raises(InvalidRequest, match="documents no file on this system"):
            client.file(folders, "user", Path("/work"))
        return
    found = client.file(folders, "user", Path("/work"))
    assert found == folders.home / expected


def test_claude_desktop_installed_as_a_package_has_its_file_in_the_package(tmp_path):
    own = tmp_path / "AppData" / "Local" / "Packages" / "Claude_pzs8" / "LocalCache" / "Roaming" / "Claude"
    own.mkdir(parents=True)
    (tmp_path / "AppData" / "Roaming" / "Claude").mkdir(parents=True)
    (tmp_path / "AppData" / "Roaming" / "Claude" / "claude_desktop_config.json").write_text("{}")
    folders = UserFolders.find({"USERPROFILE": str(tmp_path)}, "windows")
    client = client_named("claude-desktop")
    # The one beside the package is there, as older versions left it, and is read by nobody.
    assert client.file(folders, "user", tmp_path) == own / "claude_desktop_config.json"
    assert client.is_here(folders, lambda _: None)


@every()
def test_an_entry_is_read_back_by_the_clients_own_format(client):
    key, by_start, by_url = ENTRIES[client.name]
    suffix = Path(next(filter(None, FILES[client.name]))).suffix
    for server, expected in ((Server(COMMAND), by_start), (Server(url=URL), by_url)):
        if expected is None:
            with pytest.raises(InvalidRequest, match="no place for a server that is reached by HTTP"):
                client.entry(server)
            continue
        text = with_entry(client.form, "", client.keys, client.entry(server))
        assert READERS[suffix](text) == {key: {"deskclerk": expected}}
        assert installed_entry(client, text) == expected
        assert without_entry(client.form, text, client.keys) == ""


@every()
def test_a_windows_path_is_read_back_as_it_is(client):
    path = r"C:\Users\Zoë 😀\new\deskclerk.exe"
    entry = client.entry(Server((path, "mcp")))
    text = with_entry(client.form, "", client.keys, entry)
    assert installed_entry(client, text) == entry
    assert path in json.dumps(entry, ensure_ascii=False).replace("\\\\", "\\")


@every()
def test_a_token_is_named_and_never_written(client):
    if client.http is None:
        return
    server = Server(url=URL, bearer=True)
    if client.name == "codex":
        assert client.entry(server)["bearer_token_env_var"] == "DESKCLERK_TOKEN"
    elif client.name in HEADERS:
        assert client.entry(server)["headers"] == {"Authorization": HEADERS[client.name]}
    else:
        with pytest.raises(InvalidRequest, match="names no environment variable"):
            client.entry(server)


@every()
def test_a_clients_environment_goes_where_it_reads_it(client):
    entry = client.entry(Server(COMMAND, (("CLERK_API_URL", "https://clerk.example"),)))
    name = {"goose": "envs", "opencode": "environment"}.get(client.name, "env")
    assert entry[name] == {"CLERK_API_URL": "https://clerk.example"}


def test_programs_that_move_their_folder_are_followed():
    moved = {"HOME": "/home/ada", "CODEX_HOME": "/srv/codex", "CLAUDE_CONFIG_DIR": "/srv/claude"}
    folders = UserFolders.find(moved | {"XDG_CONFIG_HOME": "relative"}, "linux")
    assert client_named("codex").file(folders, "user", Path()) == Path("/srv/codex/config.toml")
    assert client_named("claude-code").file(folders, "user", Path()) == Path("/srv/claude/.claude.json")
    assert client_named("zed").file(folders, "user", Path()) == Path("/home/ada/.config/zed/settings.json")


def test_open_code_keeps_the_shape_that_its_file_has():
    client = client_named("opencode")
    entry = client.entry(Server(COMMAND))
    for text, keys in (
        ('{"mcp": {"servers": {"x": {"type": "local", "command": ["x"]}}}}', ("mcp", "servers", "deskclerk")),
        ('{"mcp": {"x": {"type": "local", "command": ["x"]}}}', ("mcp", "deskclerk")),
        ('{"mcp": {"servers": {"type": "local", "command": ["x"]}}}', ("mcp", "deskclerk")),
    ):
        assert client.keys_in(text) == keys
        written = with_entry(client.form, text, keys, entry)
        assert client.keys_in(written) == keys
        assert without_entry(client.form, written, keys) == text


def test_of_two_names_that_a_file_may_have_the_one_that_is_there_is_taken(tmp_path):
    client = client_named("opencode")
    folders = UserFolders.find({"HOME": str(tmp_path)}, "linux")
    assert client.file(folders, "project", tmp_path).name == "opencode.json"
    (tmp_path / "opencode.jsonc").touch()
    assert client.file(folders, "project", tmp_path).name == "opencode.jsonc"


@every()
def test_a_page_says_of_each_client_where_its_facts_are_from(client):
    page = (DOCS / f"{client.name}.md").read_text("utf-8")
    assert re.search(r"Documented by \[.*\]\(https://\S+\)", page)
    assert all(name in page for name in client.project[:1])
    assert f"below `{client.keys[0]}`" in page
    signs = page.partition("## How a person signs")[2].partition("\n## ")[0]
    assert re.search(r"^- [\s\S]+?\]\(https://\S+\)\)\.$", signs, re.MULTILINE)
