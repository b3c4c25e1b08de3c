"""Exit codes that scripts can rely on, and errors that say what to do."""

import pytest

from deskclerk.faces.cli import perform
from tests.faces.cli.processes import piped


def test_done_is_0(run, clerk):
    assert run("users", "get", clerk.add()).code == 0


def test_what_clerk_refuses_is_1(run, clerk):
    ran = run("users", "get", "user_nobody")
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("error: Clerk refused GET /users/user_nobody: Not found.")
    assert "\nnext: Check the ids" in ran.err


@pytest.mark.parametrize(
    "words", [["users", "bann"], ["nonsense"], ["users", "ban"], ["users", "list", "--x"]]
)
def test_a_command_line_that_cannot_be_read_is_2(run, words):
    ran = run(*words)
    assert ran.code == 2
    assert "--help" in ran.err


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["usres", "list"], "'users'"),
        (["users", "lst"], "'list'"),
        (["users", "list", "--emial-address", "a@example.com"], "'--email-address'"),
    ],
)
def test_an_unknown_command_or_option_is_answered_with_near_ones(run, words, near):
    ran = run(*words)
    assert "Did you mean" in ran.err
    assert near in ran.err


def test_wrong_arguments_are_2(run):
    assert run("users", "list", "--limit", "501").code == 2


def test_wrong_settings_are_2(run, monkeypatch):
    monkeypatch.setenv("CLERK_SECRET_KEY", "pk_test_publishable")
    assert run("users", "list").code == 2
    monkeypatch.setenv("DESKCLERK_ACESS", "read")
    ran = run("actions")
    assert ran.code == 2
    assert "DESKCLERK_ACESS is not a setting" in ran.err


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_4(run, clerk, status):
    clerk.status = status
    ran = run("users", "list")
    assert ran.code == 4
    assert "API Keys, Secret key" in ran.err
    assert "sk_test" not in ran.err


@pytest.mark.promise("nobody-there-nothing-happens")
def test_a_write_that_waits_is_8(run, clerk):
    assert run("users", "unban", clerk.add()).code == 8


def test_what_the_policy_forbids_is_1_and_not_sent(run, clerk):
    ran = run("--read-only", "users", "ban", clerk.add(), "--yes")
    assert ran.code == 1
    assert "not allowed" in ran.err
    assert run("--tools", "clerk_users_list", "users", "get", clerk.add()).code == 1
    assert clerk.requests == []


def test_an_error_as_json_is_one_line_with_what_clerk_said(run, clerk):
    ran = run("users", "get", "user_nobody", "--json")
    assert ran.error["error"] == "not_found"
    assert ran.error["status"] == 404
    assert ran.error["next_step"]


def test_a_usage_error_as_json_is_one_line_too(run):
    assert run("users", "list", "--limit", "many", "--json").error["error"] == "usage"
    assert run("users", "list", "--limit", "501", "--json").error["problems"][0]["argument"] == "limit"


def test_an_error_on_a_terminal_is_laid_out_and_inert(on_screen, clerk):
    ran = on_screen("users", "get", "user_nobody", columns=60)
    assert max(map(len, ran.err.splitlines())) <= 60
    assert ran.err.splitlines()[0].startswith("error: Clerk refused")


def test_an_unforeseen_failure_tells_no_secret_and_where_it_was(run, clerk, monkeypatch):
    def break_down(*_, **__):
        raise RuntimeError("sk_test_of_the_stub")

    monkeypatch.setattr(perform, "show_answer", break_down)
    user = clerk.add()
    ran = run("users", "get", user)
    assert ran.code == 1
    assert "RuntimeError" in ran.err
    assert "sk_test_of_the_stub" not in ran.err
    assert "Traceback" in run("--debug", "users", "get", user).err


def test_a_wait_for_clerk_is_said_on_standard_error_only(on_screen, run, monkeypatch):
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_nowhere")
    monkeypatch.setenv("CLERK_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DESKCLERK_RETRY_SECONDS", "0.3")
    ran = on_screen("users", "list")
    assert ran.code == 1
    assert ran.out == ""
    assert "No connection to" in ran.err
    assert run("users", "list").out == ""


def test_a_process_ends_with_the_same_code(clerk):
    assert piped("users", "ban", clerk.add()).returncode == 8
