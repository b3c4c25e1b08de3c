"""Tables for a person, JSON lines for a program, and nothing that an end user wrote has power."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.faces.cli.processes import PROGRAM, on_a_terminal

HOSTILE = "[red]x[/] [link=https://example.com]y[/link] :bomb: \x1b[31mz\u202e"


def test_a_pipe_gets_one_json_line_for_each_item(run, clerk):
    users = [clerk.add() for _ in range(3)]
    ran = run("users", "list")
    assert [line["id"] for line in ran.lines] == users
    assert ran.err == ""
    assert run("users", "get", users[0]).lines[0]["created_at"] == 1_767_225_600_000


def test_json_is_printed_on_a_terminal_too_where_asked_for(on_screen, clerk):
    user = clerk.add()
    for words in (("users", "list", "--json"), ("--json", "users", "list")):
        assert json.loads(on_screen(*words).out)["id"] == user


def test_a_terminal_gets_a_table_with_times_in_utc(on_screen, clerk):
    user = clerk.add(banned=True, last_sign_in_at=1_767_261_600_000)
    header, row = on_screen("users", "list", columns=140).out.splitlines()
    assert header.split()[:3] == ["id", "name", "email"]
    assert "last sign in UTC" in header
    for cell in (user, "Ada Lovelace", "ada0@example.com", "banned", "2026-01-01 10:00"):
        assert cell in row


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_a_table_fits_its_terminal_and_never_cuts_an_id(on_screen, clerk, columns):
    users = [clerk.add(first_name="Wolfeschlegelsteinhausen" * 2, username=f"u{n}" * 9) for n in range(3)]
    ran = on_screen("users", "list", columns=columns)
    lines = ran.out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= columns
    for line, user in zip(lines[1:], users, strict=True):
        assert line.startswith(user)
    if columns <= 80:
        assert "No room for:" in ran.err


def test_fields_choose_the_columns(on_screen, clerk):
    clerk.add(external_id="a-1", public_metadata={"plan": "pro"})
    ran = on_screen("users", "list", "--fields", "id,external_id,public_metadata.plan")
    assert ran.out.split()[:6] == ["public", "id", "external", "id", "metadata", "plan"]
    assert ran.out.splitlines()[-1].split()[1:] == ["a-1", "pro"]


def test_fields_reach_into_lists(on_screen, clerk):
    clerk.add(email_addresses=[{"id": "idn_1", "email_address": "a@example.com"}, {"id": "idn_2"}])
    ran = on_screen("users", "list", "--fields", "id,email_addresses.email_address,nothing")
    assert ran.out.splitlines()[-1].split()[1] == "a@example.com"


def test_fields_star_gives_everything(run, clerk):
    user = clerk.add(private_metadata={"a": 1})
    assert run("users", "get", user, "--fields", "*").lines[0]["private_metadata"] == {"a": 1}


def test_one_object_is_keys_and_values(on_screen, clerk):
    user = clerk.add(public_metadata={"plan": "pro"})
    shown = dict(line.split(maxsplit=1) for line in on_screen("users", "get", user).out.splitlines())
    assert shown["id"].strip() == user
    assert shown["created_at"].strip() == "2026-01-01 00:00:00 UTC"
    assert json.loads(shown["public_metadata"]) == {"plan": "pro"}


def test_an_empty_list_says_so(on_screen, run, clerk):
    assert "Nothing found." in on_screen("users", "list").err
    assert run("users", "list").out == ""


def test_a_page_says_how_to_go_on(on_screen, clerk):
    users = [clerk.add() for _ in range(5)]
    ran = on_screen("users", "list", "--limit", "2")
    assert f"--starting-after {users[1]}, or --all" in " ".join(ran.err.split())


def test_all_follows_every_page(run, on_screen, clerk):
    users = [clerk.add() for _ in range(25)]
    assert [line["id"] for line in run("users", "list", "--all", "--limit", "10").lines] == users
    assert clerk.requests == [("GET", "/users")] * 3
    ran = on_screen("users", "list", "--all", "--limit", "10")
    assert all(user in ran.out for user in users)
    assert "25; that is all." in ran.err


def test_progress_goes_away_at_its_end(clerk):
    clerk.add()
    with on_a_terminal("users", "list", "--all") as terminal:
        assert terminal.end() == 0
    assert "\x1b[2K" in terminal.raw  # the bar is wiped away at its end
    assert clerk.users.popitem()[0] in terminal.shown


def test_an_answer_is_not_cut_to_a_models_budget_unless_it_is_set(run, clerk, monkeypatch):
    for _ in range(60):
        clerk.add(public_metadata={"note": "x" * 900})
    assert len(run("users", "list", "--limit", "100").lines) == 60
    monkeypatch.setenv("DESKCLERK_ANSWER_CHARACTERS", "2000")
    ran = run("users", "list", "--limit", "100")
    assert len(ran.lines) < 60
    assert "Cut to" in ran.err


def test_what_end_users_wrote_is_printed_as_it_is_without_power(on_screen, run, clerk):
    user = clerk.add(first_name=HOSTILE, last_name=None)
    inert = "[red]x[/] [link=https://example.com]y[/link] :bomb: [31mz"
    for words in (("users", "list"), ("users", "get", user)):
        ran = on_screen(*words, columns=200)
        assert inert in ran.out
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out
    assert run("users", "get", user).lines[0]["first_name"] == inert


def test_what_end_users_wrote_is_inert_on_a_real_terminal(clerk):
    clerk.add(first_name=HOSTILE, last_name=None)
    with on_a_terminal("users", "list", columns=160) as terminal:
        assert terminal.end() == 0
    assert "[red]x[/] [link=https://example.com]y[/link] :bomb: [31mz" in terminal.shown
    assert "\x1b[31mz" not in terminal.raw


def test_nobody_sees_progress_in_a_pipe(run, clerk):
    clerk.add()
    assert run("users", "list", "--all").err == ""


def test_a_line_break_in_a_name_does_not_break_the_table(on_screen, clerk):
    clerk.add(first_name="Ada\nuser_forged", last_name=None)
    assert len(on_screen("users", "list").out.splitlines()) == 2


def test_a_secret_in_an_answer_goes_to_a_file_that_is_named(run, clerk, tmp_path):
    ran = run("clients", "create", "--name", "Shop", "--yes")
    assert ran.code == 0
    assert "very-secret" not in ran.out + ran.err
    (path,) = (tmp_path / "home" / "handover").iterdir()
    assert str(path) in ran.err
    assert path.read_text() == "client_secret = very-secret\n"


def test_a_reader_that_has_enough_ends_it_quietly(clerk):
    for _ in range(400):
        clerk.add(public_metadata={"note": "x" * 1000})
    with subprocess.Popen(
        [*PROGRAM, "users", "list", "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


@pytest.mark.promise("without-a-key-the-sandbox")
def test_without_a_key_a_terminal_is_told_that_this_is_the_sandbox(on_screen, run):
    assert "this is the sandbox" in " ".join(on_screen("sessions", "list", "--user-id", "user_1").err.split())
    assert run("sessions", "list", "--user-id", "user_1").err == ""


@pytest.mark.promise("one-folder")
def test_home_holds_everything(run, tmp_path, monkeypatch):
    monkeypatch.setenv("DESKCLERK_HOME", str(tmp_path / "untouched"))
    run("--home", str(tmp_path / "elsewhere"), "sessions", "list", "--user-id", "user_1")
    assert (tmp_path / "elsewhere" / "desk.db").exists()
    assert not Path(tmp_path / "untouched").exists()


def test_a_limit_of_none_prints_the_total_alone(run, on_screen):
    (line,) = run("organizations", "list", "--limit", "0").lines
    assert line == {"total": 6}
    assert "total  6" in on_screen("organizations", "list", "--limit", "0").out


def test_a_user_is_named_as_people_name_them(run):
    (by_address,) = run("users", "get", "aino.virtanen@example.com").lines
    (by_name,) = run("users", "get", "aino_v98").lines
    assert by_address == by_name
    assert by_name["first_name"] == "Aino"
    assert "no user is called nobody@example.com" in run("users", "get", "nobody@example.com").err
