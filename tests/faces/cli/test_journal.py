"""`deskclerk journal`: what was asked, decided and done."""

import json
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.faces.cli.processes import on_a_terminal


@pytest.fixture
def banned(run, clerk, monkeypatch):
    """A user who was read, and banned without a signature."""
    monkeypatch.setenv("DESKCLERK_CONFIRM", "never")
    user_id = clerk.add()
    assert run("users", "get", user_id).code == 0
    assert run("users", "ban", user_id).code == 0
    return user_id


def test_the_journal_in_a_pipe_is_a_line_an_entry(run, banned):
    lines = run("journal").lines
    assert [(line["action"], line["target"], line["outcome"]) for line in lines] == [
        ("clerk_user_get", banned, "done"),
        ("clerk_user_ban", banned, "done"),
    ]
    assert lines[1]["face"] == "cli"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--action", "clerk_user_b*"), 1),
        (("--since", "2100-01-01"), 0),
        (("--until", "2100-01-01"), 2),
        (("--caller", "cli"), 2),
        (("--outcome", "unknown"), 0),
        (("--instance", "sandbox"), 2),
        (("--limit", "1"), 1),
    ],
)
def test_the_journal_is_filtered(run, banned, words, count):
    assert len(run("journal", *words).lines) == count
    assert len(run("journal", "--target", banned, *words).lines) == count


def test_a_time_that_is_none_is_a_usage_error(run):
    assert run("journal", "--since", "yesterday").code == 2


def test_the_journal_on_a_terminal_is_a_table(on_screen, banned):
    shown = on_screen("journal", columns=160).out
    assert "user_ban" in shown
    assert banned in shown


def test_one_entry_shows_what_changed(run, on_screen, banned):
    entry = run("journal", "--action", "clerk_user_ban").lines[0]["entry"]
    (found,) = run("journal", "--entry", entry).lines
    assert found["changes"] == [{"field": "banned", "before": False, "after": True}]
    assert "banned: no → yes" in on_screen("journal", "--entry", entry, columns=120).out


def test_an_entry_that_is_not_there_is_told(run):
    ran = run("journal", "--entry", "ent_x", "--json")
    assert (ran.code, ran.error["error"]) == (2, "invalid_request")


def test_verify_says_that_the_journal_is_whole_and_names_its_head(run, banned):
    ran = run("journal", "verify", "--json")
    assert ran.code == 0
    assert (ran.lines[0]["ok"], ran.lines[0]["lines"]) == (True, 3)
    assert run("journal", "verify", "--head", ran.lines[0]["head"]).code == 0


@pytest.mark.promise("the-journal")
def test_verify_names_the_first_bad_line_and_fails(run, banned, tmp_path):
    with closing(sqlite3.connect(tmp_path / "home" / "desk.db", isolation_level=None)) as database:
        database.execute("drop trigger events_no_update")
        database.execute("update events set target = 'user_9' where seq = 2")
    ran = run("journal", "verify")
    assert ran.code == 1
    assert json.loads(ran.out)["fault"]["seq"] == 2


def test_follow_shows_new_entries_and_ends_quietly(run, banned):
    with on_a_terminal("journal", "--follow", columns=160) as terminal:
        terminal.until("user_ban")
        assert run("users", "list").code == 0
        terminal.until("users_list")
        terminal.type("\x03")
        assert terminal.end() in (0, -signal.SIGINT)
        assert "Traceback" not in terminal.shown
