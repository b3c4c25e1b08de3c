"""`deskclerk install` as a person and a script use it: shown, asked, written, taken out."""

import base64
import json
import stat
import sys
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from deskclerk.faces.clients.clients import CLIENTS

KEY = "sk_test_" + "madeUpMadeUpMadeUp"
OTHERS = (
    '{\n  // mine\n  "mcpServers": {\n    "x": {"command": "x", "env": {"K": "of-a-neighbour"}}\n  }\n}\n'
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A bare home folder, and a project folder to stand in."""
    folder = tmp_path / "ada"
    (folder / "project").mkdir(parents=True)
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DESKCLERK_HOME")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(folder / "project")
    return folder


def cursor(home):
    return home / ".cursor" / "mcp.json"


def with_others(home, text=OTHERS):
    path = cursor(home)
    path.parent.mkdir()
    path.write_bytes(text.encode())
    return path


def entry_in(path):
    text = path.read_text().replace("// mine", "")
    return json.loads(text)["mcpServers"]["deskclerk"]


def everything_below(home):
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


@pytest.mark.promise("installed-in-one-step")
def test_it_is_written_once_and_taken_out_without_a_trace(run, home):
    path = with_others(home)
    ran = run("install", "cursor", "--yes", "--read-only", "--toolsets", "core,jobs")
    assert ran.code == 0
    backup = path.with_name("mcp.json.before-deskclerk")
    (line,) = ran.lines
    expected = {"client": "cursor", "scope": "user", "file": str(path), "change": "written"}
    assert line == expected | {"backup": str(backup)}
    assert backup.read_text() == OTHERS
    assert entry_in(path)["args"][-4:] == ["mcp", "--read-only", "--toolsets", "core,jobs"]
    written = path.read_bytes()
    (again,) = run("install", "cursor", "--yes", "--read-only", "--toolsets", "core,jobs").lines
    assert again["change"] == "nothing"
    assert path.read_bytes() == written
    (gone,) = run("install", "cursor", "--yes", "--remove").lines
    assert gone["change"] == "removed"
    assert path.read_text() == OTHERS
    assert everything_below(home) == [".cursor/mcp.json"]
    (nothing,) = run("install", "cursor", "--yes", "--remove").lines
    assert nothing["change"] == "nothing"


@pytest.mark.parametrize("client", [item.name for item in CLIENTS if item.name != "claude-desktop"])
def test_every_clients_file_is_made_where_there_is_none_and_goes_with_the_entry(run, home, client):
    assert run("install", client, "--yes").code == 0
    (path,) = [home / name for name in everything_below(home)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "deskclerk" in path.read_text()
    listed = {line["client"]: line for line in run("install").lines}
    assert (listed[client]["deskclerk"], listed[client]["file"]) == ("installed", str(path))
    assert listed[client]["found"]
    assert run("install", client, "--yes", "--remove").code == 0
    assert everything_below(home) == []


def test_what_a_client_starts_is_the_deskclerk_that_runs(run, home, monkeypatch, tmp_path):
    program = tmp_path / "deskclerk"
    program.touch()
    monkeypatch.setattr(sys, "argv", [str(program)])
    run("install", "cursor", "--yes")
    assert entry_in(cursor(home)) == {"command": str(program), "args": ["mcp"]}
    monkeypatch.setattr(sys, "argv", ["/somewhere/__main__.py"])
    run("install", "cursor", "--yes")
    assert entry_in(cursor(home)) == {"command": sys.executable, "args": ["-m", "deskclerk", "mcp"]}
    run("install", "cursor", "--yes", "--with", "uvx", "--instance", "prod")
    assert entry_in(cursor(home))["args"][-4:] != ["deskclerk", "mcp", "--instance", "prod"]
    run("install", "cursor", "--yes", "--with", "uvx")
    assert entry_in(cursor(home)) == {"command": "uvx", "args": ["deskclerk", "mcp"]}


@pytest.mark.promise("installed-in-one-step")
def test_nothing_is_written_without_a_yes(run, on_screen, home):
    path = with_others(home)
    ran = run("install", "cursor")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert on_screen("install", "cursor", types="n\n").code == 1
    assert run("install", "cursor", "--dry-run").lines[0]["change"] == "would be written"
    assert run("install", "cursor", "--print").code == 0
    assert everything_below(home) == [".cursor/mcp.json"]
    assert path.read_text() == OTHERS


def test_a_person_is_shown_the_entry_and_asked(on_screen, home):
    path = with_others(home)
    ran = on_screen("install", "cursor", "--with", "uvx", types="y\n")
    assert ran.code == 0
    assert '+    "deskclerk": {' in ran.err
    assert "Write this?" in ran.err
    assert f"Written to {path}." in ran.out
    assert "mcp.json.before-deskclerk" in ran.out
    assert entry_in(path)["command"] == "uvx"


@pytest.mark.parametrize("text", [OTHERS, OTHERS.replace("// mine", "").replace("\n", " ")])
def test_what_is_shown_holds_nothing_of_the_neighbours(run, home, text):
    with_others(home, text)
    for words in (["--dry-run"], ["--yes"], ["--yes", "--read-only"], ["--yes", "--remove"]):
        ran = run("install", "cursor", *words)
        assert ran.code == 0
        assert "of-a-neighbour" not in ran.out + ran.err


@pytest.mark.promise("installed-in-one-step")
def test_the_key_is_not_written_and_the_person_is_told_where_it_belongs(on_screen, home, monkeypatch):
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    ran = on_screen("install", "cursor", "--yes", columns=400)
    assert KEY not in cursor(home).read_text()
    assert "was not written: store the key with `deskclerk console`" in ran.out
    stored = home / "desk" / "settings.toml"
    stored.parent.mkdir()
    stored.write_text(f'secret_key = "{KEY}"\n')
    ran = on_screen("install", "cursor", "--yes", "--home", str(stored.parent), columns=400)
    assert "Written to" in ran.out
    assert "was not written" not in ran.out


def test_the_key_is_written_where_that_is_asked_for_and_shown_nowhere(run, home, monkeypatch):
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    ran = run("install", "cursor", "--yes", "--with-key")
    assert entry_in(cursor(home))["env"] == {"CLERK_SECRET_KEY": KEY}
    assert stat.S_IMODE(cursor(home).stat().st_mode) == 0o600
    printed = run("install", "cursor", "--print", "--with-key")
    assert KEY not in ran.out + ran.err + printed.out + printed.err
    assert "sk_test_…" in printed.out
    # A key that is taken out is not shown either, and is left in no copy.
    monkeypatch.delenv("CLERK_SECRET_KEY")
    for words in (["--read-only"], ["--remove"]):
        ran = run("install", "cursor", "--yes", *words)
        assert KEY not in ran.out + ran.err
        assert KEY not in "".join((home / name).read_text() for name in everything_below(home))
    assert everything_below(home) == []


@pytest.mark.parametrize(
    "words",
    [
        ["cursor", "--with-key", "--scope", "project", "--yes"],
        ["cursor", "--with-key", "--link"],
        ["cursor", "--remove", "--read-only"],
        ["cursor", "--remove", "--print"],
        ["cursor", "--http", "http://127.0.0.1:8765/mcp", "--toolsets", "all"],
        ["cursor", "--http", "http://127.0.0.1:8765/mcp", "--with", "uvx"],
        ["cursor", "--http", "ftp://x"],
        ["cursor", "--http", "http://[::1/mcp"],
        ["cursor", "--http", "https://ada:secret@desk.example/mcp"],
        ["cursor", "--http", "http://desk.example/mcp", "--bearer"],
        ["cursor", "--bearer"],
        ["cursor", "--toolsets", "al"],
        ["windsurf", "--scope", "project"],
        ["claude-desktop", "--http", "https://desk.example/mcp", "--print"],
        ["gemini", "--link"],
        ["--yes"],
        ["--remove"],
        ["cursr"],
    ],
    ids=" ".join,
)
def test_what_does_not_go_together_is_an_error_that_changes_nothing(run, home, monkeypatch, words):
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    ran = run("install", *words, "--json")
    assert ran.code == 2
    assert ran.error["next_step"] or ran.error["message"]
    assert KEY not in ran.err
    assert "secret@" not in ran.err
    assert everything_below(home) == []


def test_with_key_wants_a_key(run, home):
    assert run("install", "cursor", "--with-key", "--yes").code == 2
    assert everything_below(home) == []


@pytest.mark.parametrize("text", ['{\n  "mcpServers": {,}\n}', "[]", '{"mcpServers": []}', "\ud800"])
def test_a_file_that_cannot_be_read_is_left_alone(run, home, text):
    path = cursor(home)
    path.parent.mkdir()
    content = text.encode("utf-8", "surrogatepass")
    path.write_bytes(content)
    for words in (["--yes"], ["--yes", "--remove"]):
        ran = run("install", "cursor", *words, "--json")
        if ran.code == 0:
            assert ran.lines[0]["change"] == "nothing"
            continue
        assert ran.code == 1
        assert ran.error["error"] == "unreadable_file"
        assert f"{path}, line " in ran.error["message"]
        assert "left alone" in ran.error["next_step"]
    assert path.read_bytes() == content
    assert everything_below(home) == [".cursor/mcp.json"]


def test_a_projects_file_is_for_all_who_have_the_project(run, home):
    ran = run("install", "claude-code", "--yes", "--scope", "project", "--with", "uvx")
    path = home / "project" / ".mcp.json"
    assert ran.lines[0]["file"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert entry_in(path) == {"type": "stdio", "command": "uvx", "args": ["deskclerk", "mcp"]}
    rows = [line for line in run("install").lines if line["client"] == "claude-code"]
    assert [(row["scope"], row["deskclerk"]) for row in rows] == [
        ("user", "not installed"),
        ("project", "installed"),
    ]


def test_a_served_desk_is_reached_by_its_url(run, home):
    url = "https://desk.example/mcp"
    assert run("install", "cursor", "--yes", "--http", url, "--bearer").code == 0
    assert entry_in(cursor(home)) == {
        "url": url,
        "headers": {"Authorization": "Bearer ${env:DESKCLERK_TOKEN}"},
    }


def test_a_link_to_a_file_goes_on_leading_to_it_and_the_mode_stays(run, home):
    kept = home / "dotfiles.json"
    kept.write_text(OTHERS)
    kept.chmod(0o640)
    cursor(home).parent.mkdir()
    cursor(home).symlink_to(kept)
    run("install", "cursor", "--yes")
    assert cursor(home).is_symlink()
    assert "deskclerk" in kept.read_text()
    backup = home / ".cursor" / "mcp.json.before-deskclerk"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, backup)] == [0o640, 0o640]
    run("install", "cursor", "--yes", "--remove")
    assert cursor(home).is_symlink()
    assert kept.read_text() == OTHERS


def test_what_others_changed_since_survives_the_removal(run, home):
    path = with_others(home)
    run("install", "cursor", "--yes")
    path.write_text(path.read_text().replace("// mine", "// ours"))
    run("install", "cursor", "--yes", "--remove")
    assert path.read_text() == OTHERS.replace("// mine", "// ours")


def test_links_hold_the_entry_as_each_client_reads_it(run):
    line = run("install", "cursor", "--with", "uvx", "--link", "--json").lines[0]
    for link in (line["link"], line["web"]):
        query = parse_qs(urlsplit(link).query)
        assert query["name"] == ["deskclerk"]
        config = json.loads(base64.b64decode(query["config"][0], validate=True))
        assert config == {"command": "uvx", "args": ["deskclerk", "mcp"]}
    assert line["link"].startswith("cursor://anysphere.cursor-deeplink/mcp/install?")
    assert line["button"].endswith(f"]({line['web']})")
    line = run("install", "vscode", "--with", "uvx", "--link", "--json").lines[0]
    start, _, config = line["link"].partition("?")
    assert start == "vscode:mcp/install"
    expected = {"name": "deskclerk", "type": "stdio", "command": "uvx", "args": ["deskclerk", "mcp"]}
    assert json.loads(unquote(config)) == expected
    web = urlsplit(line["web"])
    assert (web.netloc, web.path) == ("vscode.dev", "/redirect/mcp/install")
    query = parse_qs(web.query)
    assert {"name": query["name"][0], **json.loads(query["config"][0])} == expected


def test_without_a_name_the_clients_are_listed(run, on_screen, home):
    (home / ".gemini").mkdir()
    with_others(home, "{ broken")
    rows = {line["client"]: line for line in run("install").lines}
    assert list(rows) == [client.name for client in CLIENTS]
    assert [name for name, row in rows.items() if row["found"]] == ["cursor", "gemini"]
    assert rows["gemini"]["deskclerk"] == "not installed"
    assert rows["cursor"]["deskclerk"].startswith("unreadable, line 1")
    shown = on_screen("install", columns=160).out
    assert "windsurf" in shown
    assert "~/.gemini/settings.json" in shown
