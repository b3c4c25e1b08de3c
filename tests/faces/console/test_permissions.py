"""What agents may do: the policy in force as a table, which says nothing else than the policy does."""

import re
from contextlib import asynccontextmanager
from html import unescape

import pytest

from deskclerk.catalogue import ACTIONS, BY_NAME, EVERY_BY_NAME, TOOLSETS, BanUser
from deskclerk.desk import Caller
from deskclerk.errors import DeskclerkError, NotAllowed
from deskclerk.faces.console.site import Console
from tests.faces.console.conftest import ORIGIN, Browser

pytestmark = pytest.mark.anyio
RULES = {
    "confirm": "destructive",
    "deny": ["clerk_user_delete"],
    "callers": {"Cursor*": {"access": "read"}, "ci": {"deny": ["clerk_organization_*"]}, "cli": {}},
    "tokens": {"ci": "a-very-long-token-of-thirty-two-letters"},
}


@asynccontextmanager
async def table(open_desk, query="", **settings):
    """The page's cells by action and caller, as `(permission, reason)`; the desk and the page."""
    async with open_desk(**settings) as desk:
        person = Browser(Console(desk, ORIGIN))
        async with person.http:
            await person.sign_in()
            answer = await person.get(f"/permissions{query}")
        page = unescape(answer.text)
        reasons = re.findall(r"<li>(.*?)</li>", page.partition('class="reasons"')[2].partition("</ol>")[0])
        found = {}
        for row in page.split("<tr data-words=")[1:]:
            name = re.search(r"<code>(\w+)</code>", row)[1]
            found[name] = {
                caller: (permission, reasons[int(number) - 1])
                for caller, permission, number in re.findall(
                    r'data-caller="([^"]+)"><span class="may may-(\w+)".*?<sup>(\d+)</sup>', row
                )
            }
        yield found, desk, answer


def outcome(desk, action, caller, why):
    """What becomes of an action at the desk's own check, which has to give the reason that the page does."""
    try:
        desk.policy.check(action, caller)
    except NotAllowed as error:
        return "deny" if f"not allowed here: {why}." in str(error) else str(error)
    return "ask" if desk.policy.asks(action.spec.effect) else "allow"


async def test_every_action_of_the_core_stands_beside_every_caller(open_desk):
    async with table(open_desk, **RULES) as (found, _, _):
        assert list(found) == [action.spec.name for action in ACTIONS]
        columns = ["Any agent", "Client Cursor*", "Token ci", "Command line", "This console", "Python"]
        assert all(list(row) == columns for row in found.values())


@pytest.mark.promise("what-agents-may-do")
async def test_each_cell_names_the_setting_that_makes_it_so(open_desk):
    async with table(open_desk, **RULES) as (found, _, _):
        ban, delete = found["clerk_user_ban"], found["clerk_user_delete"]
        assert ban["Any agent"] == ("allow", "its effect is write, and confirm is destructive: nobody signs")
        assert ban["Client Cursor*"] == (
            "deny",
            "its effect is write, and access is set to read for caller Cursor*",
        )
        assert set(delete.values()) == {("deny", "it is denied")}
        gone = found["clerk_organization_delete"]
        assert gone["Any agent"] == ("ask", "its effect is destructive, and confirm is destructive")
        assert gone["Token ci"] == ("deny", "it is denied for caller ci")


@pytest.mark.promise("what-agents-may-do")
async def test_the_table_says_what_the_desk_does(open_desk):
    callers = {
        "Any agent": Caller("mcp"),
        "Client Cursor*": Caller("mcp", "Cursor 1.0"),
        "Token ci": Caller("mcp", token="ci"),
        "This console": Caller("console"),
    }
    async with table(open_desk, "?toolset=all", **RULES) as (found, desk, _):
        assert len(found) == len(TOOLSETS["all"])
        for name, row in found.items():
            for title, caller in callers.items():
                permission, why = row[title]
                assert permission == outcome(desk, EVERY_BY_NAME[name], caller, why)


async def test_an_agents_toolsets_are_a_reason_and_a_persons_are_none(open_desk):
    async with table(open_desk, "?toolset=users-plus") as (found, _, _):
        assert set(found) == {action.spec.name for action in TOOLSETS["users-plus"]}
        for row in found.values():
            assert row["Any agent"] == ("deny", "users-plus is not among the toolsets set")
            assert row["This console"][0] != "deny"


async def test_read_only_is_the_reason_of_every_write(open_desk):
    async with table(open_desk, read_only=True) as (found, desk, _):
        with pytest.raises(DeskclerkError, match="read_only is set"):
            await desk.perform(BanUser(user_id="user_1"))
        writes = {row["Any agent"] for name, row in found.items() if BY_NAME[name].spec.effect != "read"}
        assert writes == {("deny", "read_only is set")}


async def test_a_tokens_value_is_nowhere(open_desk):
    async with table(open_desk, **RULES) as (_, _, answer):
        assert RULES["tokens"]["ci"] not in answer.text


async def test_a_glob_with_a_choice_of_letters_stands_for_those_it_matches(open_desk):
    async with table(open_desk, callers={"[Cc]laude*": {"access": "read"}}) as (found, _, _):
        assert found["clerk_user_ban"]["Client Claude*"][0] == "deny"


async def test_what_is_no_toolset_is_told(open_desk):
    async with table(open_desk, "?toolset=everything") as (found, _, answer):
        assert answer.status_code == 422
        assert "is no toolset" in answer.text
        assert "Choose one of those that the page offers." in answer.text
        assert found == {}


async def test_a_link_that_a_model_was_told_shows_no_policy(browser):
    plan = await browser.propose()
    await browser.sign_in(plan.id)
    assert (await browser.get("/permissions")).status_code == 403
