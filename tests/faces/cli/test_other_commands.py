"""The commands beside the 48: what is offered, is it well, a tour, completion, serving."""

import re
import subprocess
import sys
import urllib.request

import click
import pytest

from deskclerk.catalogue import EVERY_ACTION
from deskclerk.faces.cli.main import cli
from tests.faces.cli.processes import SECONDS, on_a_terminal, piped, serving

_WORD = re.compile(r"[a-z0-9-]+")


def test_the_words_by_which_a_group_is_listed_are_commands_of_its(run):
    with click.Context(cli) as ctx:
        groups = {name: cli.get_command(ctx, name) for name in cli.list_commands(ctx)}
        words = {
            # Those that there is no room for are left out.
            name: group.get_short_help_str(1_000).removesuffix(", …").split(", ")
            for name, group in groups.items()
            if isinstance(group, click.Group)
        }
        # A list of words, and no sentence.
        lists = {name: found for name, found in words.items() if all(map(_WORD.fullmatch, found))}
        assert {"users", "jobs", "hosted", "secret", "notify"} <= lists.keys()
        for name, found in lists.items():
            assert set(found) <= set(groups[name].list_commands(ctx)), name
    assert "list, follow" not in run("--help").out


def test_actions_lists_all_in_order_the_core_first(run):
    lines = run("actions").lines
    assert [line["name"] for line in lines] == [action.spec.name for action in EVERY_ACTION]
    ban = next(line for line in lines if line["name"] == "clerk_user_ban")
    assert ban["command"] == "deskclerk users ban USER_ID"
    assert (ban["effect"], ban["signed"]) == ("write", True)


@pytest.mark.promise("access")
def test_actions_shows_what_the_settings_offer(run, on_screen):
    assert {line["effect"] for line in run("--read-only", "actions").lines} == {"read"}
    for columns in (80, 120):
        ran = on_screen("--tools", "clerk_user_*", "actions", columns=columns)
        assert max(map(len, ran.out.splitlines())) <= columns
        assert "clerk_user_ban" in ran.out
        assert "clerk_session_get" not in ran.out


def test_a_misspelt_tools_setting_is_an_error(run):
    assert run("--tools", "clerk_usr_*", "actions").code == 2


@pytest.mark.promise("the-doctor")
def test_the_doctor_finds_a_good_key(run, clerk):
    (found,) = run("doctor").lines
    assert found["key"] == "accepted"
    assert found["instance"]["kind"] == "sandbox"
    assert found["instance"]["origin"] == clerk.origin
    assert found["allowed"]["actions"] == 249
    assert clerk.requests == [("GET", "/domains")]


@pytest.mark.promise("a-rejected-key-is-explained")
def test_the_doctor_exits_4_for_a_rejected_key(run, clerk):
    clerk.status = 401
    ran = run("doctor")
    assert ran.code == 4
    assert ran.lines[0]["key"] == "rejected"
    assert "sk_test_of_the_stub" not in ran.out + ran.err


def test_the_doctor_asks_nothing_that_the_settings_withhold(run, clerk):
    ran = run("--tools", "clerk_user_ban", "doctor")
    assert ran.code == 0
    assert ran.lines[0]["key"].startswith("not checked")
    assert clerk.requests == []


@pytest.mark.promise("the-doctor")
def test_the_doctor_shows_where_everything_is(on_screen, clerk, tmp_path):
    ran = on_screen("doctor", columns=200)
    assert "accepted" in ran.out
    assert str(tmp_path / "home" / "settings.toml") in ran.out


@pytest.mark.promise("the-demo-ends-by-itself")
def test_the_demo_ends_by_itself_and_leaves_nothing_behind(run, tmp_path, monkeypatch):
    monkeypatch.setenv("DESKCLERK_HOME", str(tmp_path / "untouched"))
    ran = run("demo")
    assert ran.code == 0
    assert "Ban user on sandbox" in ran.out
    assert "This tour signs for itself" in ran.out
    assert "revoked" in ran.out
    assert "the demo itself" in ran.out
    assert "did you mean user_id" in ran.out
    assert not (tmp_path / "untouched").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_this_program(run, shell):
    assert "_DESKCLERK_COMPLETE" in run("completion", shell).out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["users", "b"], "ban"),
        (["invitations", "list", "--status", "p"], "pending"),
        (["users", "list", "--order-by", "l"], "last_sign_in_at"),
        (["users", "update", "--null", "first"], "first-name"),
    ],
)
def test_completion_knows_commands_and_choices(run, monkeypatch, words, expected):
    monkeypatch.setenv("_DESKCLERK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["deskclerk", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert f",{expected}\n" in run().out


def test_the_sandbox_serves_clerks_backend_api(tmp_path):
    with serving("sandbox", "--db", str(tmp_path / "own.db")) as said:
        request = urllib.request.Request(f"{said['backend_api']}/sessions?user_id=user_1")
        request.add_header("Authorization", f"Bearer {said['secret_key']}")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            assert answer.status == 200
        assert (tmp_path / "own.db").exists()
        assert said["secret_key"] == "sk_test_sandbox"


@pytest.mark.promise("started-with-one-command")
def test_serve_says_where_and_gives_a_configuration_to_paste(tmp_path):
    with serving("serve", "--read-only") as said:
        assert said["http"]["mcpServers"]["deskclerk"] == {"type": "http", "url": said["url"]}
        started = said["stdio"]["mcpServers"]["deskclerk"]
        assert started["args"] == ["mcp", "--read-only", "--home", str(tmp_path / "home")]
        assert said["url"].endswith("/mcp")


@pytest.mark.promise("started-with-one-command")
def test_serve_tells_a_person_what_to_paste(monkeypatch):
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_not_to_be_shown")
    with on_a_terminal("serve", "--port", "0") as terminal:
        terminal.until("Ctrl-C stops it.")
        terminal.type("\x03")
        assert terminal.end() == 0
    assert "claude mcp add --transport http deskclerk http://127.0.0.1:" in terminal.shown
    assert "sk_test_not_to_be_shown" not in terminal.shown
    assert '"CLERK_SECRET_KEY": "<your secret key>"' in terminal.shown


def test_mcp_prints_nothing_but_protocol(tmp_path):
    ran = piped("mcp", stdin=subprocess.DEVNULL)
    assert (ran.returncode, ran.stdout) == (0, "")


LOADED = """
import sys
from deskclerk.faces.cli.main import main
for words in sys.argv[1:]:
    main(words.split())
print(*sys.modules)
"""


def modules_after(*command_lines):
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *command_lines], capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()[-1].split()


def test_the_command_line_never_loads_mcp(clerk):
    lines = ["--help", "users list", f"users ban {clerk.add()} --yes", "actions", "doctor"]
    modules = modules_after(*lines)
    assert clerk.writes
    assert not [name for name in modules if name.partition(".")[0] in ("mcp", "mcp_types")]


def test_the_version_waits_for_no_catalogue():
    assert not {"pydantic", "rich", "sqlalchemy", "httpx2"} & set(modules_after("--version"))
