"""What is typed becomes an action's arguments, and the catalogue decides whether they are right."""

import json

import click
import pytest

from deskclerk.catalogue import ACTIONS, BY_NAME
from deskclerk.faces.cli.commands import action_command, resources
from deskclerk.faces.cli.main import cli
from deskclerk.faces.cli.options import arguments_of
from deskclerk.faces.command_words import flag, positional, usage


def typed(name, *words):
    """The arguments that a command line stands for."""
    action = BY_NAME[name]
    context = action_command(action).make_context(action.spec.verb, list(words))
    return arguments_of(action, context.params)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.spec.name)
def test_every_action_has_a_command_that_takes_each_of_its_parameters(action):
    group = cli.get_command(click.Context(cli), action.spec.resource.plural)
    command = group.commands[action.spec.verb]
    written = {word for item in command.params for word in item.opts}
    for name in action.parameters():
        assert {name, flag(name)} & written, name
    assert command.help == action.summary()


def test_ids_stand_in_order_without_options():
    assert usage(BY_NAME["clerk_user_ban"]) == "users ban USER_ID"
    assert usage(BY_NAME["clerk_org_membership_delete"]) == "org-memberships delete ORGANIZATION_ID USER_ID"
    assert positional(BY_NAME["clerk_org_membership_get"]) == ("organization_id", "user_id")
    assert positional(BY_NAME["clerk_domain_get"]) == ("domain_id",)


def test_required_options_stand_in_the_usage():
    assert usage(BY_NAME["clerk_org_membership_create"]) == (
        "org-memberships create ORGANIZATION_ID --user-id TEXT --role TEXT"
    )


def test_verbs_stand_in_the_catalogues_order(run):
    shown = run("users", "--help").out.partition("Commands:")[2].split("\n")
    verbs = [line.split()[0] for line in shown if line.strip()]
    assert verbs == [action.spec.verb for action in resources()["users"]]


def test_what_is_not_typed_is_left_out():
    assert typed("clerk_users_list") == {}
    assert typed("clerk_invitations_list") == {}


def test_lists_numbers_switches_and_choices():
    words = ["--email-address", "a@example.com", "--email-address", "b@example.com", "--limit", "20"]
    assert typed("clerk_users_list", *words, "--no-banned", "--order-by", "-created_at") == {
        "email_address": ["a@example.com", "b@example.com"],
        "limit": 20,
        "banned": False,
        "order_by": "-created_at",
    }
    assert typed("clerk_invitations_list", "--status", "pending") == {"status": "pending"}
    with pytest.raises(click.BadParameter, match="pending"):
        typed("clerk_invitations_list", "--status", "open")


def test_an_id_that_is_excluded_begins_with_a_dash():
    assert typed("clerk_users_list", "--user-id", "-user_1") == {"user_id": ["-user_1"]}


def test_fields_are_separated_by_commas():
    words = ["user_1", "--fields", "id, public_metadata.plan"]
    assert typed("clerk_user_get", *words)["fields"] == ["id", "public_metadata.plan"]


def test_a_time_goes_on_as_it_was_typed_and_the_catalogue_reads_it():
    arguments = typed("clerk_users_list", "--created-at-after", "2026-01-01")
    assert BY_NAME["clerk_users_list"].parse(arguments).created_at_after == 1_767_225_600_000


def test_null_is_sent_for_the_parameters_that_take_one():
    words = ["user_1", "--null", "first_name", "--null", "last-name", "--username", "ada"]
    expected = {"user_id": "user_1", "first_name": None, "last_name": None, "username": "ada"}
    assert typed("clerk_user_update", *words) == expected
    with pytest.raises(click.BadParameter, match="external-id"):
        typed("clerk_user_update", "user_1", "--null", "public_metadata")
    with pytest.raises(click.UsageError, match="exclude each other"):
        typed("clerk_user_update", "user_1", "--null", "username", "--username", "ada")


def test_an_empty_text_is_not_a_null():
    assert typed("clerk_user_update", "user_1", "--first-name", "")["first_name"] == ""


def test_json_is_typed_or_read_from_a_file_or_the_input(tmp_path, run, clerk):
    path = tmp_path / "metadata.json"
    path.write_text('{"plan": "pro", "seats": [1, 2]}')
    for value in ('{"plan": "pro", "seats": [1, 2]}', f"@{path}", "-"):
        ran = run("users", "create", "--public-metadata", value, "--yes", stdin=path.read_text())
        assert ran.code == 0
        assert clerk.bodies[-1] == {"public_metadata": {"plan": "pro", "seats": [1, 2]}}


@pytest.mark.parametrize("value", ["{", "[]", "@/nowhere/at/all"])
def test_what_is_no_json_object_is_a_usage_error(run, clerk, value):
    assert run("users", "create", "--public-metadata", value, "--yes").code == 2
    assert clerk.requests == []


SECRETS = [(action, item.name) for action in ACTIONS for item in action.parameters().values() if item.secret]


@pytest.mark.parametrize(("action", "name"), SECRETS, ids=str)
def test_a_secret_in_plain_words_is_refused_and_not_repeated(run, clerk, action, name):
    words = usage(action).split()[:2] + ["id_1"] * len(positional(action))
    ran = run(*words, flag(name), "hunter2", "--yes")
    assert ran.code == 2
    assert "hunter2" not in ran.err + ran.out
    assert "@FILE" in ran.err
    assert clerk.requests == []


def test_a_secret_is_read_from_a_file_or_the_input(tmp_path, run, clerk):
    path = tmp_path / "secret"
    path.write_text("correct horse\n")
    for value in (f"@{path}", "-"):
        assert run("users", "create", "--password", value, "--yes", stdin="correct horse\n").code == 0
        assert clerk.bodies[-1] == {"password": "correct horse"}


def test_several_secrets_are_lines(tmp_path, run, clerk):
    path = tmp_path / "codes"
    path.write_text("one\ntwo\n")
    assert run("users", "create", "--backup-codes", f"@{path}", "--yes").code == 0
    assert clerk.bodies[-1] == {"backup_codes": ["one", "two"]}


def test_an_empty_secret_is_refused(run, clerk):
    assert run("users", "create", "--password", "-", "--yes", stdin="\n").code == 2
    assert clerk.requests == []


def test_what_the_catalogue_refuses_is_not_sent(run, clerk):
    for words in (["--limit", "501"], ["--created-at-after", "yesterday"], ["--order-by", "shoe_size"]):
        assert run("users", "list", *words).code == 2
    assert run("users", "get", "../users").code == 2
    assert clerk.requests == []


def test_the_help_of_an_action_names_bounds_and_what_is_required(run):
    ran = run("org-memberships", "create", "--help")
    assert "e.g. org:admin, org:member  [required]" in ran.out
    assert "1-500" in run("users", "list", "--help").out
    assert "clerk_user_ban" in run("users", "ban", "--help").out


def test_call_takes_the_same_arguments_as_json(run, clerk):
    user = clerk.add()
    assert run("call", "clerk_user_get", json.dumps({"user_id": user})).lines[0]["id"] == user
    assert run("call", "clerk_user_get", "-", stdin=json.dumps({"user_id": user})).lines[0]["id"] == user
    assert run("call", "clerk_user_ban", json.dumps({"user_id": user})).code == 8
    assert run("call", "clerk_user_ban", json.dumps({"user_id": user}), "--yes").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("call", "clerk_user_create", '{"password": "hunter2"}'),
        ("call", "clerk_enterprise_connection_update", '{"oidc": {"client_secret": "hunter2"}}'),
        ("call", "clerk_enterprise_connection_update", '{"oidc": "{\\"client_secret\\": \\"hunter2\\"}"}'),
        ("enterprise-connections", "update", "ent_1", "--oidc", '{"client_secret": "hunter2"}'),
    ],
)
def test_secrets_in_plain_words_are_refused_at_any_depth(run, clerk, words):
    ran = run(*words, "--yes")
    assert ran.code == 2
    assert "hunter2" not in ran.err
    assert "client_secret: " in ran.err or "password: " in ran.err


def test_call_takes_secrets_from_its_input(run, clerk):
    assert run("call", "clerk_user_create", "-", "--yes", stdin='{"password": "hunter2"}').code == 0


def test_call_of_an_unknown_name_suggests_one(run):
    assert "clerk_users_list" in run("call", "clerk_user_list").err
    assert run("call", "clerk_user_get", "[]").code == 2
