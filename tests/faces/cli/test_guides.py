import json

import pytest

from tests.promises import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(file.stem for file in (*DOCS.glob("*.md"), *DOCS.glob("clients/*.md")) if file.stem != "index")


def test_help_lists_every_page_of_the_documentation(run):
    ran = run("--json", "help")
    assert ran.code == 0
    assert [line["topic"] for line in ran.lines] == PAGES
    assert {"topic": "jobs", "title": "Jobs: many at once, under one signature"} in ran.lines


def test_the_list_is_readable_without_json(run):
    out = run("help").out
    assert all(name in out for name in PAGES)


def test_a_page_goes_into_a_pipe_as_it_is(run):
    assert run("help", "jobs").out == (ROOT / "docs" / "jobs.md").read_text("utf-8")


def test_a_page_is_one_object_where_json_is_asked_for(run):
    assert json.loads(run("--json", "help", "clients").out)["topic"] == "clients"


def test_a_page_is_set_for_a_screen_and_shown_by_the_pager_without_codes(on_screen, monkeypatch, capfd):
    monkeypatch.setenv("PAGER", "cat")
    assert on_screen("help", "jobs").code == 0
    shown = capfd.readouterr().out
    assert "Jobs: many at once" in shown
    assert "# Jobs" not in shown
    assert "\x1b[" not in shown


@pytest.mark.parametrize("words", [("users", "ban"), ("users",), ("journal", "verify"), ("import",)])
def test_help_of_a_command_is_what_the_command_says_of_itself(run, words):
    assert run("help", *words).out == run(*words, "--help").out


@pytest.mark.parametrize(("words", "near"), [(("jbos",), "jobs"), (("reliabilty",), "reliability")])
def test_what_there_is_not_is_answered_with_what_is_near(run, words, near):
    ran = run("help", *words)
    assert ran.code == 2
    assert near in ran.err


def test_words_behind_a_command_that_has_none_are_an_error(run):
    ran = run("help", "users", "ban", "ada")
    assert ran.code == 2
    assert "users ban has no commands" in ran.err
