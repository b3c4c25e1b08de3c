"""`deskclerk pending`, `approve`, `reject`, `signer` at a real terminal; what a flag and a pipe cannot do."""

import asyncio
import json

import pytest

from deskclerk.catalogue import BanUser
from deskclerk.desk import Caller, Desk
from deskclerk.desk.jobs.requests import Change
from deskclerk.errors import ApprovalNeeded, ApprovalRefused
from deskclerk.settings import Settings
from tests.faces.cli.processes import on_a_terminal

PIN = "correct horse"
AGENT = Caller("mcp", "some-agent")


def with_desk(work):
    """Something done with a desk of its own, as another process would."""

    async def run():
        async with Desk.open(Settings.load(), caller=AGENT) as desk:
            return await work(desk)

    return asyncio.run(run())


@pytest.fixture
def real(clerk, monkeypatch):
    """The same stub behind a key that is not the sandbox's."""
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_of_the_stub")
    return clerk


@pytest.fixture
def plan(real):
    """The plan of a ban that an agent asked for, and the user."""
    user = real.add()

    async def ask(desk):
        with pytest.raises(ApprovalNeeded) as caught:
            await desk.perform(BanUser(user_id=user))
        return caught.value.plan_id

    return with_desk(ask), user


@pytest.fixture
def pin(real):
    with_desk(lambda desk: desk.signer.set(PIN))


def asked_again(user):
    return with_desk(lambda desk: desk.perform(BanUser(user_id=user)))


@pytest.mark.promise("signed-at-a-terminal")
def test_pending_shows_on_a_terminal_who_asks_for_what(plan):
    with on_a_terminal("pending", columns=160) as terminal:
        assert terminal.end() == 0
    for part in (
        plan[0],
        "some-agent, mcp",
        "Ban user",
        "Ada Lovelace",
        "test instance",
        "deskclerk approve ID",
    ):
        assert part in terminal.shown


def test_pending_in_a_pipe_is_one_plan_a_line_with_its_preview(run, plan):
    (line,) = run("pending").lines
    assert line["id"] == plan[0]
    assert line["asked_by"] == {"face": "mcp", "client": "some-agent"}
    assert line["preview"][0] == "Ban user on test instance"
    assert "digest" not in line


@pytest.mark.promise("signed-at-a-terminal")
def test_the_name_typed_at_a_terminal_signs_and_the_call_then_performs_once(real, plan):
    plan_id, user = plan
    with on_a_terminal("approve", plan_id) as terminal:
        terminal.until("type no.\n> ")
        assert "Asked by: some-agent, mcp" in terminal.shown
        terminal.type("Ada Lovelace\n")
        assert terminal.end() == 0
    assert real.writes == []
    asked_again(user)
    with pytest.raises(ApprovalNeeded):
        asked_again(user)
    assert len(real.writes) == 1


@pytest.mark.promise("bound-to-its-plan")
def test_what_is_typed_for_steps_that_are_struck_meanwhile_signs_nothing(real, run):
    changes = [Change(BanUser, {"user_id": real.add()}) for _ in range(2)]
    plan = with_desk(lambda desk: desk.jobs.propose_changes(changes, Caller("python")))
    with on_a_terminal("approve", plan.id) as terminal:
        terminal.until("type no.\n> ")
        with_desk(lambda desk: desk.jobs.strike(plan.id, [2]))
        terminal.type(f"{plan.words[0]}\n")
        assert terminal.end() == 1
    assert "not the plan that you were shown" in " ".join(terminal.shown.split())
    assert [line["id"] for line in run("pending").lines] == [plan.id]


@pytest.mark.parametrize("typed", ["yes\n", "\n", "\x04", "\x03"])
def test_what_is_not_the_name_leaves_the_plan_waiting(real, plan, run, typed):
    with on_a_terminal("approve", plan[0]) as terminal:
        terminal.until("\n> ")
        terminal.type(typed)
        assert terminal.end() == 8
    assert "Traceback" not in terminal.shown
    assert [line["id"] for line in run("pending").lines] == [plan[0]]


def test_a_no_at_the_terminal_is_final(real, plan):
    with on_a_terminal("approve", plan[0]) as terminal:
        terminal.until("\n> ")
        terminal.type("no\n")
        assert terminal.end() == 0
    assert "Declined for good" in terminal.shown
    with pytest.raises(ApprovalRefused, match="declined"):
        asked_again(plan[1])
    assert real.writes == []


@pytest.mark.promise("signed-at-a-terminal")
def test_reject_needs_no_terminal_and_tells_the_reason(run, real, plan):
    assert run("reject", plan[0], "--reason", "not today").code == 0
    with pytest.raises(ApprovalRefused, match="not today"):
        asked_again(plan[1])
    assert run("approve", plan[0]).code == 1
    assert run("pending").lines == []


def test_reject_at_a_terminal_shows_what_is_declined(plan):
    with on_a_terminal("reject", plan[0]) as terminal:
        assert terminal.end() == 0
    assert "Ada Lovelace" in terminal.shown
    assert "Declined for good" in terminal.shown


@pytest.mark.promise("the-pin")
def test_where_a_pin_is_set_the_name_alone_signs_nothing(real, plan, pin, run):
    with on_a_terminal("approve", plan[0]) as terminal:
        terminal.until("\n> ")
        terminal.type("ada lovelace\n")
        terminal.until("Signer's PIN: ")
        terminal.type("wrong one\n")
        assert terminal.end() == 1
    assert "The PIN is wrong" in terminal.shown
    assert "wrong one" not in terminal.shown
    assert len(run("pending").lines) == 1


@pytest.mark.parametrize("command", [["approve"], ["users", "ban"]])
def test_yes_spares_the_typing_where_the_pin_is_entered(real, plan, pin, command):
    with on_a_terminal(*command, plan[0] if command == ["approve"] else plan[1], "--yes") as terminal:
        terminal.until("Signer's PIN: ")
        assert "\n> " not in terminal.shown
        terminal.type(f"{PIN}\n")
        assert terminal.end() == 0
    assert len(real.writes) == (0 if command == ["approve"] else 1)


@pytest.mark.promise("yes-signs-on-the-sandbox-only")
@pytest.mark.parametrize("key", ["sk_test_of_the_stub", "sk_live_of_the_stub"])
def test_yes_alone_signs_nothing_on_an_instance_and_leaves_a_plan(run, clerk, monkeypatch, key):
    monkeypatch.setenv("CLERK_SECRET_KEY", key)
    ran = run("users", "ban", clerk.add(), "--yes", "--json", stdin="yes\n")
    assert ran.code == 8
    assert "--yes alone signs nothing" in ran.error["message"]
    assert "--yes" not in ran.error["next_step"]
    assert [line["id"] for line in run("pending").lines] == [ran.error["plan_id"]]
    assert clerk.writes == []


@pytest.mark.promise("yes-signs-on-the-sandbox-only")
def test_on_an_instance_a_write_at_a_terminal_wants_the_name_with_yes_too(real):
    user = real.add()
    for typed, code in (("yes", 8), (user, 0)):
        with on_a_terminal("users", "ban", user, "--yes") as terminal:
            terminal.until("\n> ")
            terminal.type(f"{typed}\n")
            assert terminal.end() == code
    assert len(real.writes) == 1


def test_a_pin_is_wanted_on_the_sandbox_too(run, clerk):
    with_desk(lambda desk: desk.signer.set(PIN))
    ran = run("users", "ban", clerk.add(), "--yes")
    assert ran.code == 8
    assert "a signer's PIN is set, and --yes alone signs nothing" in ran.err
    assert clerk.writes == []


def entered(*answers, words):
    """A run of `deskclerk signer` at a terminal, each answer typed at its question."""
    with on_a_terminal("signer", *words) as terminal:
        for question, answer in answers:
            terminal.until(question)
            terminal.type(f"{answer}\n")
        return terminal.end(), terminal.shown


def test_a_pin_is_set_changed_and_removed_at_a_terminal_without_echo(run, real):
    new = "New PIN (at least 6 characters): "
    code, shown = entered((new, PIN), ("Once more: ", PIN), words=["set"])
    assert code == 0
    assert PIN not in shown
    assert json.loads(run("signer", "status").out) == {"pin": True, "locked_for_seconds": 0}
    twice = (("Old PIN: ", PIN), (new, "another one"), ("Once more: ", "another two"))
    assert entered(*twice, words=["set"])[0] == 1
    assert entered(("PIN: ", "wrong one"), words=["remove"])[0] == 1
    assert entered(("PIN: ", PIN), words=["remove"])[0] == 0
    assert json.loads(run("signer", "status").out)["pin"] is False


@pytest.mark.parametrize("verb", ["set", "remove"])
def test_a_pipe_neither_sets_nor_removes_a_pin(run, pin, verb):
    ran = run("signer", verb, stdin=f"{PIN}\n{PIN}\n{PIN}\n")
    assert ran.code == 1
    assert "at a terminal" in ran.err
    assert json.loads(run("signer", "status").out)["pin"] is True
