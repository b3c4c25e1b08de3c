"""`deskclerk notify test`, and what the doctor says of destinations."""

import apprise
import pytest
from apprise.decorators import notify as service


@pytest.fixture
def chat():
    """`clichat://` is a service of Apprise's that takes what does not go to a room called closed."""
    told = []

    @service(on="clichat")
    def tell(body, title, *_, meta, **__):
        told.append(body)
        return meta["host"] != "closed"

    yield told
    apprise.NotificationManager().remove("clichat")


@pytest.mark.usefixtures("clerk")
def test_a_test_message_arrives_and_the_doctor_knows(run, monkeypatch, chat):
    monkeypatch.setenv("DESKCLERK_NOTIFY", "clichat://open")
    (found,) = run("doctor").lines
    assert found["notifications"] == {"1 (clichat)": "nothing was told so far"}
    ran = run("notify", "test")
    assert ran.code == 0
    assert ran.lines == [{"destination": "1 (clichat)", "outcome": "delivered", "why": None}]
    assert "a test" in chat[0]
    (found,) = run("doctor").lines
    assert found["notifications"]["1 (clichat)"].startswith("delivered 2")


@pytest.mark.usefixtures("clerk", "chat")
def test_a_destination_that_fails_is_named_by_number_and_the_exit_code_says_so(run, on_screen, monkeypatch):
    monkeypatch.setenv("DESKCLERK_NOTIFY", "clichat://open clichat://closed/hidden")
    ran = on_screen("notify", "test")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0].split() == ["1", "(clichat)", "delivered"]
    assert lines[1].startswith("2 (clichat)  failed")
    assert "hidden" not in ran.out + ran.err
    (found,) = run("doctor").lines
    assert found["notifications"]["2 (clichat)"].startswith("failed 2")


@pytest.mark.usefixtures("clerk", "chat")
def test_the_doctor_names_an_address_that_is_no_service(run, monkeypatch):
    monkeypatch.setenv("DESKCLERK_NOTIFY", "nosuch://hidden")
    (found,) = run("doctor").lines
    assert found["notifications"]["1 (nosuch)"].startswith("Apprise knows no service by this address")


@pytest.mark.usefixtures("clerk")
def test_without_a_destination_it_is_said_how_one_is_set(run):
    ran = run("notify", "test", "--json")
    assert ran.code == 2
    assert "DESKCLERK_NOTIFY" in ran.error["next_step"]
    (found,) = run("doctor").lines
    assert "notifications" not in found


def test_a_write_that_nobody_signs_is_told_and_ends_as_it_would_without(run, clerk, monkeypatch, chat):
    alone = run("users", "ban", clerk.add(), "--json")
    monkeypatch.setenv("DESKCLERK_NOTIFY", "clichat://open")
    ran = run("users", "ban", clerk.add(), "--json")
    assert (ran.code, alone.code) == (8, 8)
    assert ran.error["error"] == alone.error["error"]
    assert f"deskclerk approve {ran.error['plan_id']}" in chat[0]


def test_a_script_whose_yes_signs_nothing_leaves_a_plan_of_which_people_are_told(
    run, clerk, monkeypatch, chat
):
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_live_of_the_stub")
    monkeypatch.setenv("DESKCLERK_NOTIFY", "clichat://open")
    ran = run("users", "ban", clerk.add(), "--yes", "--json")
    assert ran.code == 8
    assert "LIVE instance" in chat[0]
    assert f"deskclerk approve {ran.error['plan_id']}" in chat[0]
    assert "sk_live" not in chat[0]
