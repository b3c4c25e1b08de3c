"""Which toolsets a model is offered: the narrowest choice counts; a person has all."""

import pytest

from deskclerk.catalogue import ACTIONS, ALL, EVERY_ACTION, TOOLSETS, in_toolsets
from deskclerk.desk.caller import Caller
from deskclerk.desk.policy.policy import Policy
from deskclerk.errors import InvalidSettings
from deskclerk.settings import Named, Rules, Settings

KEY = "sk_test_x"
MODEL = Caller("mcp", client="Claude Code")


def offered(caller=MODEL, **settings):
    return Policy(Settings(**settings)).offered(caller)


def file_with(tmp_path, text):
    folder = tmp_path / "home"
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_text(text)
    return {"DESKCLERK_HOME": str(folder)}


@pytest.mark.promise("toolsets")
def test_a_model_is_offered_the_core_alone_unless_more_is_chosen():
    assert offered() == ACTIONS
    assert offered(toolsets=("core", "waitlist")) == in_toolsets(("core", "waitlist"))
    assert len(offered(toolsets=(ALL,))) == 255


@pytest.mark.promise("toolsets")
def test_a_person_has_everything_whatever_a_model_is_offered():
    assert offered(Caller("cli"), toolsets=("waitlist",)) == EVERY_ACTION
    assert offered(Caller("console")) == EVERY_ACTION


def test_an_instance_chooses_in_place_of_the_settings_and_a_caller_in_place_of_both():
    named = Named(secret_key=KEY, toolsets=("billing",))
    callers = {"Cursor*": Rules(toolsets=("machines",))}
    given = {"instance": "acme", "instances": {"acme": named}, "callers": callers}
    assert offered(**given) == TOOLSETS["billing"]
    assert offered(Caller("mcp", client="Cursor 3"), **given) == TOOLSETS["machines"]


def test_deny_access_and_tools_narrow_what_is_chosen():
    names = [
        action.spec.name for action in offered(toolsets=("waitlist",), deny=("*_delete",), access="write")
    ]
    assert names == [
        "clerk_waitlist_list",
        "clerk_waitlist_create",
        "clerk_waitlist_bulk_create",
        "clerk_waitlist_invite",
        "clerk_waitlist_reject",
    ]
    assert len(offered(toolsets=(ALL,), tools=("clerk_waitlist_*",))) == 6


def test_a_glob_may_name_what_is_beyond_the_core_and_one_that_names_nothing_is_an_error():
    Policy(Settings(deny=("clerk_api_key_*",)))
    with pytest.raises(InvalidSettings, match="matches no action"):
        Policy(Settings(deny=("clerk_api_kex_*",)))


def test_a_flag_outweighs_what_the_file_says_of_an_instance(tmp_path):
    environ = file_with(
        tmp_path,
        f'instance = "acme"\n[instances.acme]\nsecret_key = "{KEY}"\ntoolsets = ["billing"]\n',
    )
    assert Policy(Settings.load({}, environ)).toolsets(MODEL) == ("billing",)
    assert Policy(Settings.load({"toolsets": "core,oauth"}, environ)).toolsets(MODEL) == ("core", "oauth")
    variable = environ | {"DESKCLERK_TOOLSETS": "tokens"}
    assert Policy(Settings.load({}, variable)).toolsets(MODEL) == ("tokens",)


@pytest.mark.parametrize("place", ["", "[callers.mcp]\n", f'[instances.acme]\nsecret_key = "{KEY}"\n'])
def test_an_unknown_toolset_is_an_error_wherever_it_stands(tmp_path, place):
    environ = file_with(tmp_path, f'{place}toolsets = ["users"]\n')
    with pytest.raises(InvalidSettings, match="'users' is no toolset; accepted: core, users-plus"):
        Settings.load({}, environ)
