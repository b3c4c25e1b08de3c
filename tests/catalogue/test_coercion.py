"""Arguments as clients spell them: what can mean one thing is taken as that, the rest is refused."""

import pytest

from deskclerk.catalogue import (
    ACTIONS,
    CreateClient,
    CreateUser,
    GetOrgMembership,
    GetUser,
    ListClients,
    ListOrganizations,
    ListUsers,
    UpdateOrganization,
    UpdateUser,
)
from deskclerk.catalogue.coercion import near_name
from deskclerk.errors import InvalidRequest


def refusal(action, **arguments):
    with pytest.raises(InvalidRequest) as caught:
        action.parse(arguments)
    return str(caught.value)


@pytest.mark.promise("taken-as-it-is-meant")
@pytest.mark.parametrize(
    ("action", "given", "meant"),
    [
        (ListUsers, {"limit": "5"}, {"limit": 5}),
        (ListUsers, {"limit": 5.0}, {"limit": 5}),
        (ListUsers, {"limit": " 5.0 "}, {"limit": 5}),
        (ListUsers, {"banned": "true"}, {"banned": True}),
        (ListUsers, {"banned": " False"}, {"banned": False}),
        (ListUsers, {"email_address": "ada@example.com"}, {"email_address": ["ada@example.com"]}),
        (ListUsers, {"email_address": '["a@x.org", "b@x.org"]'}, {"email_address": ["a@x.org", "b@x.org"]}),
        (ListUsers, {"email_address": "a@x.org, b@x.org"}, {"email_address": ["a@x.org", "b@x.org"]}),
        (ListUsers, {"user_id": [" user_1 "]}, {"user_id": ["user_1"]}),
        (ListUsers, {"fields": "id,first_name"}, {"fields": ["id", "first_name"]}),
        (ListUsers, {"fields": "*"}, {"fields": ["*"]}),
        (ListUsers, {"fields": "public_metadata.plan, id"}, {"fields": ["public_metadata.plan", "id"]}),
        (ListUsers, {"query": None, "limit": None}, {}),
        (ListUsers, {"query": "", "order_by": "", "banned": ""}, {}),
        (ListUsers, {"order_by": " -created_at "}, {"order_by": "-created_at"}),
        (ListUsers, {"created_at_after": " 2026-01-31 "}, {"created_at_after": 1769817600000}),
        (ListUsers, {"created_at_after": "1769817600000"}, {"created_at_after": 1769817600000}),
        (ListUsers, {"created_at_after": 1769817600000.0}, {"created_at_after": 1769817600000}),
        (GetUser, {"user_id": " user_1\n"}, {"user_id": "user_1"}),
        (GetUser, {"user_id": ["user_1"]}, {"user_id": "user_1"}),
        (ListUsers, {"limit": ["5"], "banned": ["true"]}, {"limit": 5, "banned": True}),
        (
            UpdateUser,
            {"user_id": "user_1", "public_metadata": '{"plan": "team"}'},
            {"user_id": "user_1", "public_metadata": {"plan": "team"}},
        ),
        (
            UpdateUser,
            {"user_id": "user_1", "clear": ["first_name", "username"]},
            {"user_id": "user_1", "first_name": None, "username": None},
        ),
        (UpdateUser, {"user_id": "user_1", "clear": "first_name"}, {"user_id": "user_1", "first_name": None}),
        (UpdateUser, {"user_id": "user_1", "first_name": None}, {"user_id": "user_1", "first_name": None}),
        (CreateUser, {"backup_codes": "secret:codes"}, {"backup_codes": ["secret:codes"]}),
        (CreateUser, {"first_name": " Ada ", "locked": "false"}, {"first_name": " Ada ", "locked": False}),
        (CreateUser, {"create_organizations_limit": "3"}, {"create_organizations_limit": 3}),
        (
            CreateClient,
            {"name": "App", "redirect_uris": "https://x.org/?a=1,2"},
            {"name": "App", "redirect_uris": ["https://x.org/?a=1,2"]},
        ),
    ],
)
def test_a_value_is_taken_as_what_it_can_only_mean(action, given, meant):
    assert action.parse(given).arguments() == meant


@pytest.mark.promise("taken-as-it-is-meant")
@pytest.mark.parametrize(
    ("action", "given", "words"),
    [
        (ListUsers, {"limit": "five"}, "limit: expected integer 1-500"),
        (ListUsers, {"limit": "5.5"}, "limit: expected integer"),
        (ListUsers, {"limit": 5.5}, "limit: expected integer"),
        (ListUsers, {"limit": True}, "limit: expected integer"),
        (ListUsers, {"limit": "501"}, "limit: expected integer 1-500"),
        (ListUsers, {"banned": "yes"}, "banned: expected boolean"),
        (ListUsers, {"banned": 1}, "banned: expected boolean"),
        (ListUsers, {"email_address": 5}, "email_address: expected a list"),
        (ListUsers, {"email_address": {"a": 1}}, "email_address: expected a list"),
        (GetUser, {"user_id": 5}, "user_id: expected string"),
        (GetUser, {"user_id": None}, "user_id: required"),
        (GetUser, {"user_id": ""}, "user_id: not an id"),
        (GetUser, {"user_id": ["user_1", "user_2"]}, "user_id: expected string"),
        (GetUser, {"user_id": []}, "user_id: expected string"),
        (UpdateUser, {"user_id": "u_1", "public_metadata": "{plan: team}"}, "expected JSON object"),
        (UpdateUser, {"user_id": "u_1", "public_metadata": "[1]"}, "expected JSON object"),
        (UpdateUser, {"user_id": "u_1", "public_metadata": '{"a": NaN}'}, "expected JSON object"),
        (UpdateUser, {"user_id": "u_1", "clear": ["frist_name"]}, "did you mean first_name?"),
        (UpdateUser, {"user_id": "u_1", "clear": ["user_id"]}, "user_id cannot be cleared"),
        (UpdateUser, {"user_id": "u_1", "clear": 5}, "clear: expected a list of names"),
        (
            UpdateUser,
            {"user_id": "u_1", "clear": ["first_name"], "first_name": "Ada"},
            "first_name is given a value in the same call",
        ),
        (ListUsers, {"clear": ["query"]}, "clear: unknown argument"),
    ],
)
def test_what_can_mean_several_things_is_refused_with_what_is_accepted(action, given, words):
    assert words in refusal(action, **given)


@pytest.mark.parametrize(
    ("action", "name", "near"),
    [
        (GetUser, "id", "user_id"),
        (GetUser, "userId", "user_id"),
        (GetUser, "user", "user_id"),
        (GetOrgMembership, "org", "organization_id"),
        (GetOrgMembership, "organization", "organization_id"),
        (ListUsers, "emails", "email_address"),
        (ListUsers, "email_addresses", "email_address"),
        (ListUsers, "phone", "phone_number"),
        (ListUsers, "q", "query"),
        (ListUsers, "search", "query"),
        (ListUsers, "page_size", "limit"),
        (ListUsers, "cursor", "starting_after"),
        (ListUsers, "sort_by", "order_by"),
        (ListOrganizations, "member", None),
        (UpdateOrganization, "metadata", "public_metadata"),
        (UpdateOrganization, "orgnization_id", "organization_id"),
    ],
)
def test_the_name_that_was_meant_is_found(action, name, near):
    assert near_name(name, action.parameters(), action.spec.resource.one) == near
    if near:
        assert f"did you mean {near}?" in refusal(action, **{name: "x"})


def test_what_can_be_cleared_is_what_an_update_takes_as_null():
    for action in ACTIONS:
        nullable = {item.name for item in action.parameters().values() if item.nullable}
        assert set(action.clearable()) == (nullable if action.spec.updates else set())
    assert ListClients.clearable() == []


def test_a_text_that_nests_without_end_is_no_object():
    assert "expected JSON object" in refusal(UpdateUser, user_id="u_1", public_metadata='{"a":' * 20_000)


def test_a_secret_is_what_it_is_to_the_last_blank():
    assert CreateUser.parse({"password": " blank "}).password == " blank "
    assert CreateUser.parse({"password": "5"}).password == "5"
