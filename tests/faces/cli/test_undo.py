"""`deskclerk undo`: shown, signed, and exit code 1 for what does not come back."""

import sqlite3


def last_entry(tmp_path):
    with sqlite3.connect(tmp_path / "home" / "desk.db") as journal:
        (entry,) = journal.execute("SELECT entry FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    journal.close()
    return entry


def test_a_write_is_taken_back_by_its_entry(run, clerk, tmp_path):
    user = clerk.add(first_name="Ada")
    run("users", "update", user, "--first-name", "Eve", "--yes")
    entry = last_entry(tmp_path)
    ran = run("undo", entry, "--yes")
    assert ran.code == 0
    assert ran.lines[0]["first_name"] == "Ada"
    assert f"Takes back {entry}" in ran.err


def test_what_is_taken_back_is_shown_before_it_is_signed(on_screen, run, clerk, tmp_path):
    user = clerk.add(first_name="Ada")
    run("users", "update", user, "--first-name", "Eve", "--yes")
    sent = len(clerk.writes)
    ran = on_screen("undo", last_entry(tmp_path), types="no\n")
    assert ran.code == 1
    assert "Takes back" in ran.err
    assert "first_name: Eve → Ada" in ran.err
    assert "Declined. Nothing was sent." in ran.err
    assert len(clerk.writes) == sent


def test_what_does_not_come_back_exits_1_with_the_nearest_call(run, clerk, tmp_path):
    run("users", "delete", clerk.add(first_name="Ada"), "--yes")
    ran = run("undo", last_entry(tmp_path), "--yes", "--json")
    assert ran.code == 1
    assert ran.error["error"] == "cannot_undo"
    assert ran.error["offer"]["action"] == "clerk_user_create"
    assert ran.error["offer"]["arguments"]["first_name"] == "Ada"


def test_a_signing_key_is_not_taken_from_the_command_line(run, clerk):
    ran = run("undo", "ent_1", "--signing-key", "plain text")
    assert ran.code == 2
    assert "plain text" not in ran.err
    assert clerk.requests == []


def test_yes_alone_takes_nothing_back_where_a_pin_is_set(run, clerk, tmp_path, monkeypatch):
    run("users", "update", clerk.add(), "--first-name", "Eve", "--yes")
    sent = len(clerk.writes)

    async def is_set(_signer):
        return True

    monkeypatch.setattr("deskclerk.desk.approvals.pin.SignerPin.is_set", is_set)
    assert run("undo", last_entry(tmp_path), "--yes").code == 8
    assert len(clerk.writes) == sent
