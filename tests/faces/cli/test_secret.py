"""`deskclerk secret`: typed without echo, piped or from a file; never shown again."""

import pytest

from tests.faces.cli.processes import on_a_terminal

VALUE = "made-up-horse-battery"


@pytest.mark.promise("secrets-by-reference")
def test_a_secret_is_stored_from_a_pipe_listed_by_name_used_and_removed(run, clerk):
    ran = run("secret", "set", "ada", stdin=f"{VALUE}\n")
    assert (ran.code, ran.out) == (0, "")
    ran = run("secret", "list", "--json")
    assert [line["name"] for line in ran.lines] == ["ada"]
    assert ran.lines[0]["set_at"].endswith("+00:00")
    assert VALUE not in ran.out
    assert (
        run("users", "create", "--password", "secret:ada", "--backup-codes", "secret:ada", "--yes").code == 0
    )
    assert clerk.bodies[-1] == {"password": VALUE, "backup_codes": [VALUE]}
    assert run("call", "clerk_user_create", '{"password": "secret:ada"}', "--yes").code == 0
    assert clerk.bodies[-1] == {"password": VALUE}
    assert run("secret", "remove", "ada").code == 0
    assert run("users", "create", "--password", "secret:ada", "--yes").code == 2
    assert run("secret", "remove", "ada").code == 2


def test_a_key_file_keeps_its_lines(run, clerk, tmp_path):
    pem = "-----BEGIN MADE UP-----\nabc\n-----END MADE UP-----"
    (tmp_path / "pem").write_text(pem + "\n")
    assert run("secret", "set", "pem", f"@{tmp_path / 'pem'}").code == 0
    words = ["--name", "x", "--claims", "{}", "--signing-key", "secret:pem", "--yes"]
    run("jwt-templates", "create", *words)
    assert clerk.bodies[-1]["signing_key"] == pem


@pytest.mark.parametrize("words", [["ada", VALUE], ["../ada"], ["ada", "@/nowhere"], ["ada"]])
def test_what_cannot_be_stored_is_a_usage_error_that_repeats_nothing(run, words):
    ran = run("secret", "set", *words, stdin="\n")
    assert ran.code == 2
    assert VALUE not in ran.err + ran.out
    assert run("secret", "list").out == ""


def test_at_a_terminal_it_is_asked_for_twice_without_echo(run):
    with on_a_terminal("secret", "set", "ada") as terminal:
        terminal.until("Secret:")
        terminal.type(f"{VALUE}\n")
        terminal.until("Once more:")
        terminal.type(f"{VALUE}\n")
        assert terminal.end() == 0
    assert VALUE not in terminal.raw
    assert "secret:ada" in terminal.shown
    assert [line["name"] for line in run("secret", "list").lines] == ["ada"]


def test_the_table_holds_names_and_times(on_screen, run):
    run("secret", "set", "ada", stdin=VALUE)
    shown = on_screen("secret", "list").out
    assert "ada" in shown
    assert VALUE not in shown
