"""A write waits for a person: what is shown, what signs, and what does not."""

import json
import sqlite3
import sys

import pytest

from tests.faces.cli.processes import on_a_terminal


def signed_by(tmp_path):
    with sqlite3.connect(tmp_path / "home" / "desk.db") as journal:
        found = journal.execute("SELECT kind, signed FROM events WHERE effect != 'read'").fetchall()
    journal.close()
    return found


def test_off_a_terminal_a_write_without_yes_sends_nothing_and_exits_8(run, clerk):
    user = clerk.add()
    ran = run("users", "ban", user)
    assert ran.code == 8
    assert clerk.writes == []
    assert "--yes" in ran.err


def test_input_that_says_yes_through_a_pipe_signs_nothing(run, clerk):
    ran = run("users", "ban", clerk.add(), stdin="yes\n")
    assert ran.code == 8
    assert clerk.writes == []


def test_yes_on_the_command_line_signs_and_the_journal_says_so(run, clerk, tmp_path):
    user = clerk.add()
    ran = run("users", "ban", user, "--yes")
    assert ran.code == 0
    assert ran.lines[0]["banned"] is True
    assert clerk.writes == [("POST", f"/users/{user}/ban")]
    assert signed_by(tmp_path) == [("intent", "command line --yes"), ("outcome", "command line --yes")]


def test_yes_before_the_command_is_not_accepted(run, clerk):
    assert run("--yes", "users", "ban", clerk.add()).code == 2
    assert clerk.requests == []


def test_a_typed_yes_signs(on_screen, clerk, tmp_path):
    user = clerk.add()
    ran = on_screen("users", "ban", user, types="yes\n")
    assert ran.code == 0
    assert clerk.writes == [("POST", f"/users/{user}/ban")]
    assert signed_by(tmp_path)[0] == ("intent", "terminal")


def test_a_typed_no_declines_and_exits_1(on_screen, clerk):
    ran = on_screen("users", "ban", clerk.add(), types="no\n")
    assert ran.code == 1
    assert "Declined. Nothing was sent." in ran.err
    assert clerk.writes == []


@pytest.mark.parametrize("typed", ["y\n", "YES!\n", "\n"])
def test_any_other_word_signs_nothing_and_can_be_typed_again(on_screen, clerk, typed):
    user = clerk.add()
    ran = on_screen("users", "ban", user, types=typed)
    assert ran.code == 8
    assert clerk.writes == []
    assert on_screen("users", "ban", user, types="yes\n").code == 0


def test_declined_is_final_and_is_not_shown_again(on_screen, run, clerk):
    user = clerk.add()
    assert on_screen("users", "ban", user, types="no\n").code == 1
    again = on_screen("users", "ban", user, types="yes\n")
    assert again.code == 1
    assert "the person declined" in again.err
    assert "Target:" not in again.err
    assert run("users", "ban", user, "--yes").code == 1
    assert clerk.writes == []


def test_a_closed_input_is_no_answer(on_screen, clerk):
    ran = on_screen("users", "ban", clerk.add(), types="")
    assert ran.code == 8
    assert clerk.writes == []


def test_a_preview_that_nobody_can_see_cannot_be_signed(on_screen, clerk, monkeypatch):
    monkeypatch.setattr(
        "deskclerk.faces.cli.terminal_signature.is_terminal", lambda stream: stream is not sys.stderr
    )
    assert on_screen("users", "ban", clerk.add(), types="yes\n").code == 8
    assert clerk.writes == []


def test_the_preview_shows_old_and_new(on_screen, clerk):
    user = clerk.add(first_name="Ada", external_id="a-1")
    words = ("users", "update", user, "--first-name", "Augusta", "--null", "external_id")
    ran = on_screen(*words, types="no\n")
    assert "first_name: Ada → Augusta" in ran.err
    assert "external_id: a-1 → null" in ran.err
    assert "on sandbox" in ran.err
    assert user in ran.err


def test_a_secret_is_not_shown_in_the_preview(on_screen, clerk, tmp_path):
    (tmp_path / "password").write_text("correct horse\n")
    ran = on_screen("users", "create", "--password", f"@{tmp_path / 'password'}", types="yes\n")
    assert ran.code == 0
    assert clerk.bodies[-1]["password"] == "correct horse"
    assert "correct horse" not in ran.err + ran.out
    assert "[secret]" in ran.err


@pytest.mark.promise("destructive-is-typed")
def test_what_cannot_be_taken_back_wants_the_id(on_screen, clerk):
    user = clerk.add()
    assert on_screen("users", "delete", user, types="yes\n").code == 8
    assert clerk.writes == []
    ran = on_screen("users", "delete", user, types=f"{user}\n")
    assert ran.code == 0
    assert "This cannot be taken back." in ran.err
    assert clerk.writes == [("DELETE", f"/users/{user}")]


@pytest.mark.parametrize("typed", ["Ada Lovelace", "ada lovelace", "ada0@example.com"])
def test_what_cannot_be_taken_back_is_signed_by_the_name_or_address_too(on_screen, clerk, typed):
    user = clerk.add()
    assert on_screen("users", "delete", user, types=f"{typed}\n").code == 0
    assert clerk.writes == [("DELETE", f"/users/{user}")]


@pytest.mark.parametrize("name", ["yes", "y"])
def test_a_user_who_is_called_yes_is_not_deleted_by_a_habit(on_screen, clerk, name):
    user = clerk.add(first_name=name, last_name=None, email_addresses=[])
    assert on_screen("users", "delete", user, types=f"{name}\n").code == 8
    assert clerk.writes == []


def test_a_name_cannot_add_lines_to_the_preview(on_screen, clerk):
    user = clerk.add(first_name="Eve\nTarget: somebody harmless\x1b[2J", last_name=None)
    ran = on_screen("users", "ban", user, types="no\n")
    assert "\nTarget: somebody" not in ran.err
    assert "\x1b" not in ran.err


def test_markup_in_a_name_is_shown_as_it_is(on_screen, clerk):
    user = clerk.add(first_name="[bold]x[/bold] :bomb:", last_name="Lovelace", email_addresses=[])
    ran = on_screen("users", "delete", user, types="no\n")
    assert f"Target: [bold]x[/bold] :bomb: Lovelace ({user})" in " ".join(ran.err.split())
    assert f"{user} or [bold]x[/bold] :bomb: Lovelace." in " ".join(ran.err.split())


def test_confirm_never_asks_nobody(run, clerk, monkeypatch):
    monkeypatch.setenv("DESKCLERK_CONFIRM", "never")
    assert run("users", "ban", clerk.add()).code == 0


def test_a_waiting_write_as_json_names_its_plan(run, clerk):
    ran = run("users", "ban", clerk.add(), "--json")
    assert ran.error["error"] == "approval_needed"
    assert ran.error["plan_id"].startswith("plan_")


@pytest.mark.promise("a-person-signs")
def test_on_a_real_terminal_yes_is_typed_and_the_user_is_banned(clerk):
    user = clerk.add()
    with on_a_terminal("users", "ban", user) as terminal:
        terminal.until("type no.\n> ")
        assert clerk.writes == []
        terminal.type("yes\n")
        assert terminal.end() == 0
    assert clerk.writes == [("POST", f"/users/{user}/ban")]
    assert "Done: ban user." in terminal.shown


def test_ctrl_c_at_the_question_sends_nothing(clerk):
    with on_a_terminal("users", "ban", clerk.add()) as terminal:
        terminal.until("\n> ")
        terminal.type("\x03")
        assert terminal.end() == 8
    assert "Traceback" not in terminal.shown
    assert clerk.writes == []


def test_a_secret_is_asked_for_without_echo(clerk):
    with on_a_terminal("users", "create", "--password", "-", "--yes") as terminal:
        terminal.until("Password: ")
        terminal.type("correct horse\n")
        assert terminal.end() == 0
    assert clerk.bodies[-1] == {"password": "correct horse"}
    assert "correct horse" not in terminal.raw
    assert json.dumps("correct horse") not in terminal.raw
