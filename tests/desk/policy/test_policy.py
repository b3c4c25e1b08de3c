from dataclasses import replace

import httpx2
import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import BanUser, DeleteUser, GetUser, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Desk
from deskclerk.desk.caller import PlacedRules
from deskclerk.desk.policy.policy import Policy
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ON_THIS_MACHINE, InvalidSettings, NextSteps, NotAllowed
from deskclerk.settings import Named, Rules, Settings

MCP = Caller("mcp", "Cursor")
CLI = Caller("cli")
KEY = "sk_test_x"


def refused(action, caller=MCP, **settings):
    with pytest.raises(NotAllowed) as caught:
        Policy(Settings(**settings)).check(action, caller)
    return str(caught.value)


def placed(where, **rules):
    return PlacedRules(where, Rules(**rules), f"Ask whoever sets them{where}.")


@pytest.mark.promise("read-only")
def test_read_only_beats_everything_else():
    settings = {"read_only": True, "access": "destructive", "tools": ("clerk_user_ban",), "confirm": "never"}
    assert "read_only" in refused(BanUser, **settings)
    assert Policy(Settings(read_only=True)).offered(MCP) == Policy(Settings(access="read")).offered(MCP)


@pytest.mark.promise("deny")
def test_what_is_denied_is_not_offered_although_it_is_listed_in_tools():
    text = refused(DeleteUser, tools=("clerk_user_*",), deny=("clerk_*_delete",))
    assert "denied" in text
    names = {action.spec.name for action in Policy(Settings(deny=("clerk_*_delete",))).offered(MCP)}
    assert not any(name.endswith("_delete") for name in names)
    assert "clerk_user_ban" in names


@pytest.mark.promise("rules-narrow")
def test_an_instance_narrows_what_the_settings_allow():
    instances = {"prod": Named(secret_key="sk_live_x", access="write", deny=("clerk_user_ban",))}
    settings = {"instance": "prod", "instances": instances}
    assert "for instance prod" in refused(DeleteUser, **settings)
    assert "denied for instance prod" in refused(BanUser, **settings)
    Policy(Settings(**settings, secret_key=KEY)).check(DeleteUser, MCP)


@pytest.mark.promise("rules-narrow")
@pytest.mark.parametrize("pattern", ["mcp", "Cursor", "Curs*"])
def test_a_caller_is_narrowed_by_its_face_or_name_and_others_are_not(pattern):
    settings = {"callers": {pattern: Rules(access="read")}}
    assert f"for caller {pattern}" in refused(BanUser, **settings)
    Policy(Settings(**settings)).check(BanUser, CLI)


@pytest.mark.promise("rules-narrow")
def test_rules_never_widen():
    settings = {"access": "read", "callers": {"mcp": Rules(access="destructive", tools=("clerk_*",))}}
    assert "access is set to read" in refused(BanUser, **settings)


@pytest.mark.promise("unknown-settings")
@pytest.mark.parametrize(
    "settings",
    [
        {"deny": ("clerk_user_bann",)},
        {"callers": {"mcp": Rules(tools=("users_*",))}},
        {"instances": {"a": Named(secret_key=KEY, deny=("x",))}},
    ],
)
def test_an_unknown_name_in_any_list_is_an_error(settings):
    with pytest.raises(InvalidSettings, match="matches no action"):
        Policy(Settings(**settings))


@pytest.mark.promise("pinned-instance")
@pytest.mark.anyio
async def test_a_pinned_instance_is_checked_before_the_first_write(open_desk, upstream):
    upstream.instance = "ins_other"
    async with open_desk(approver=Person(), pin="ins_mine") as desk:
        await desk.perform(ListUsers())
        with pytest.raises(NotAllowed, match="ins_other"):
            await desk.perform(BanUser(user_id="user_1"))
    assert upstream.writes == []


@pytest.mark.anyio
async def test_the_pinned_instance_itself_takes_writes(open_desk, upstream):
    upstream.instance = "ins_mine"
    async with open_desk(approver=Person(), pin="ins_mine") as desk:
        await desk.perform(BanUser(user_id="user_1"))
    assert len(upstream.writes) == 1


@pytest.mark.promise("pinned-instance")
@pytest.mark.anyio
async def test_an_instance_that_cannot_be_asked_takes_no_writes(open_desk, upstream):
    async with open_desk(approver=Person(), pin="ins_mine") as desk:
        with pytest.raises(Exception, match="not found"):
            await desk.perform(BanUser(user_id="user_1"))
    assert upstream.writes == []


@pytest.mark.promise("destructive-cap")
@pytest.mark.anyio
async def test_destructive_actions_are_capped_by_the_hour_and_over_restarts(open_desk, upstream):
    for _ in range(2):
        async with open_desk(approver=Person(), destructive_per_hour=2) as desk:
            await desk.perform(DeleteUser(user_id="user_1"))
    person = Person()
    async with open_desk(approver=person, destructive_per_hour=2) as desk:
        with pytest.raises(NotAllowed, match="in the last hour"):
            await desk.perform(DeleteUser(user_id="user_1"))
        await desk.perform(BanUser(user_id="user_1"))
        await desk.perform(GetUser(user_id="user_1"))
    assert [plan.action for plan in person.shown] == ["clerk_user_ban"]
    assert len(upstream.writes) == 3


@pytest.mark.promise("unconfirmed-live")
def test_python_cannot_leave_a_live_key_unsigned_by_one_setting_either(tmp_path):
    given = {"home": tmp_path, "secret_key": "sk_live_x", "confirm": "never"}
    with pytest.raises(InvalidSettings, match="confirm = never"):
        Desk(Settings(**given))
    Desk(Settings(**given, allow_unconfirmed_live=True))


def test_what_a_caller_brings_along_narrows_it_alone_and_never_widens():
    bot = Caller("mcp", token="bot", rules=(placed(" for agent bot", access="read"),))
    assert "access is set to read for agent bot" in refused(BanUser, bot)
    Policy(Settings()).check(BanUser, Caller("mcp", token="other"))
    wide = Caller("mcp", rules=(placed(" for agent wide", access="destructive"),))
    assert "access is set to read" in refused(BanUser, wide, access="read")
    both = Caller(
        "mcp", rules=(placed(" for agent a", deny=("clerk_user_ban",)), placed(" by b", access="write"))
    )
    assert "it is denied for agent a" in refused(BanUser, both)
    assert "access is set to write by b" in refused(DeleteUser, both)


OTHERS = NextSteps(rules="Ask Ada.", caller_rules="Ask Ben.", higher="have Ada raise it")
BOT = Caller("mcp", token="bot")


@pytest.mark.parametrize(
    ("settings", "caller", "elsewhere"),
    [
        ({"read_only": True}, BOT, "Ask Ada."),
        ({"deny": ("clerk_user_ban",)}, BOT, "Ask Ada."),
        ({"toolsets": ("billing",)}, BOT, "Ask Ada."),
        ({"callers": {"bot": Rules(deny=("clerk_user_ban",))}}, BOT, "Ask Ben."),
        ({"callers": {"bot": Rules(toolsets=("billing",))}}, BOT, "Ask Ben."),
        # What forbids it for all comes first.
        ({"access": "read", "callers": {"bot": Rules(access="read")}}, BOT, "Ask Ada."),
    ],
)
def test_who_changes_a_rule_is_told_by_where_it_stands(settings, caller, elsewhere):
    assert refused(BanUser, caller, **settings).endswith("Only the operator can change this setting.")
    hosted = Policy(Settings(**settings), OTHERS)
    with pytest.raises(NotAllowed) as caught:
        hosted.check(BanUser, caller)
    assert caught.value.next_step == f"Nothing was sent. {elsewhere}"
    assert hosted.step(BanUser, caller) == elsewhere
    viewer = Caller("mcp", rules=(placed(" for a viewer", access="read"),))
    assert refused(BanUser, viewer).endswith("Nothing was sent. Ask whoever sets them for a viewer.")


@pytest.mark.anyio
@pytest.mark.parametrize("steps", [ON_THIS_MACHINE, OTHERS])
async def test_who_raises_a_number_is_told_by_whose_desk_it_is(upstream, tmp_path, steps):
    settings = Settings(home=tmp_path, secret_key=KEY, destructive_per_hour=0)
    whose = replace(Workspace.of_this_machine(settings), steps=steps)
    transport = httpx2.MockTransport(upstream)
    async with (
        Clerk("https://clerk.test", KEY, transport=transport) as clerk,
        Desk(settings, clerk=clerk, workspace=whose, approver=Person()) as desk,
    ):
        with pytest.raises(NotAllowed) as caught:
            await desk.perform(DeleteUser(user_id="user_1"))
    told = "have the operator raise the setting" if steps is ON_THIS_MACHINE else "have Ada raise it"
    assert caught.value.next_step == f"Nothing was sent. Wait, or {told}."
    assert upstream.writes == []


@pytest.mark.anyio
@pytest.mark.parametrize("steps", [ON_THIS_MACHINE, OTHERS])
async def test_who_may_not_see_a_plan_is_told_who_changes_the_rule_that_hides_it(upstream, tmp_path, steps):
    rules = {"mcp": Rules(deny=("clerk_user*",))}
    settings = Settings(home=tmp_path, secret_key=KEY, callers=rules)
    whose = replace(Workspace.of_this_machine(settings), steps=steps)
    transport = httpx2.MockTransport(upstream)
    async with (
        Clerk("https://clerk.test", KEY, transport=transport) as clerk,
        Desk(settings, clerk=clerk, workspace=whose) as desk,
    ):
        plan = await desk.propose(BanUser(user_id="user_1"), CLI)
        with pytest.raises(NotAllowed, match="it is about users, which you may not read") as caught:
            await desk.disclosure.plan(plan.id, MCP)
    assert caught.value.next_step == steps.caller_rules
