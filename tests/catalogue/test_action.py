import datetime as dt

import pytest

from deskclerk.catalogue import (
    ACTIONS,
    BY_NAME,
    BanUser,
    CreateJwtTemplate,
    CreateUser,
    GetOrgMembership,
    ListUsers,
    UpdateJwtTemplate,
    UpdateUser,
)
from deskclerk.errors import ClerkError, InvalidRequest, NotFound


def refusal(action, **arguments):
    with pytest.raises(InvalidRequest) as caught:
        action.parse(arguments)
    return caught.value


def test_there_are_48_actions_of_which_18_read_and_11_destroy():
    effects = [action.spec.effect for action in ACTIONS]
    assert len(ACTIONS) == 48
    assert len(BY_NAME) == 249
    assert effects.count("read") == 18
    assert effects.count("destructive") == 11


def test_every_action_has_a_one_line_summary():
    assert all(10 < len(action.summary()) <= 120 for action in BY_NAME.values())


@pytest.mark.promise("unknown-arguments")
def test_an_unknown_argument_is_named_with_the_nearest_one():
    error = refusal(ListUsers, quary="ada")
    assert error.problems[0][0] == "quary"
    assert "did you mean query?" in str(error)


def test_every_wrong_argument_is_named_at_once():
    error = refusal(ListUsers, limit=501, banned="yes", email_address=5)
    assert {name for name, _ in error.problems} == {"limit", "banned", "email_address"}
    assert "1-500" in str(error)


def test_a_refusal_never_repeats_the_value():
    assert "hunter2" not in str(refusal(CreateUser, password=["hunter2"], email_address="hunter2"))


@pytest.mark.promise("unknown-arguments")
@pytest.mark.parametrize(
    "value", ["", "..", "../orgs", "a/b", "a%2Fb", "a?b", "a#b", "a b", "-user_1", "a\nb", "é"]
)
def test_an_id_cannot_leave_its_path_segment(value):
    assert refusal(BanUser, user_id=value).problems[0][0] == "user_id"


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T09:30:00Z",
        "2026-01-31T10:30:00+01:00",
        "2026-01-31 09:30:00",
        1769851800000,
        "1769851800000",
        dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC),
    ],
)
def test_a_time_goes_out_as_clerk_wants_it_however_it_is_given(value):
    assert ListUsers(created_at_after=value).created_at_after == 1769851800000
    assert CreateUser(created_at=value).created_at == "2026-01-31T09:30:00.000Z"


def test_seconds_are_not_taken_for_milliseconds():
    assert "looks like seconds" in str(refusal(ListUsers, created_at_after=1769851800))


@pytest.mark.parametrize("value", ["yesterday", True, -1, 1.5, {}, [], 10**15])
def test_what_is_no_time_is_refused(value):
    assert refusal(ListUsers, created_at_after=value).problems[0][0] == "created_at_after"


@pytest.mark.parametrize(
    ("given", "sent"),
    [("-name_x", None), (" created_at", "created_at"), ("+username", "username"), ("-username", "-username")],
)
def test_an_order_is_one_of_the_documented_names(given, sent):
    if sent is None:
        assert "created_at" in str(refusal(ListUsers, order_by=given))
    else:
        assert ListUsers(order_by=given).order_by == sent


def test_a_null_is_sent_where_clerk_takes_one_and_left_out_elsewhere():
    assert UpdateUser.parse({"user_id": "user_1", "first_name": None}).given("body") == {"first_name": None}
    assert ListUsers.parse({"query": None}).request().query == ()


def test_in_python_none_means_not_given():
    assert ListUsers(query=None).request().query == ()


def test_lists_repeat_the_name_and_booleans_are_words():
    request = ListUsers(user_id=["a", "b"], banned=False).request()
    assert request.query == (("user_id", "a"), ("user_id", "b"), ("banned", "false"))


def test_an_update_of_nothing_is_refused():
    assert "nothing to change" in str(refusal(UpdateUser, user_id="user_1"))


@pytest.mark.parametrize(
    ("action", "given", "argument"),
    [
        (ListUsers, {"provider": "oauth_google"}, "provider_user_id"),
        (ListUsers, {"starting_after": "user_1", "order_by": "username"}, "starting_after"),
        (ListUsers, {"starting_after": "user_1", "offset": 5}, "offset"),
        (
            CreateUser,
            {"email_address": "", "email_address_identification_status": ["reserved"]},
            "email_address_identification_status",
        ),
        (UpdateUser, {"user_id": "user_1", "password_hasher": ""}, ""),
    ],
)
def test_a_rule_between_arguments_names_one_and_what_to_do(action, given, argument):
    error = refusal(action, **given)
    assert error.problems[0][0] == argument
    assert error.next_step


def test_a_secret_is_not_in_repr_or_arguments():
    action = CreateUser(email_address=["a@example.com"], password="hunter22", backup_codes=["abc123"])
    assert "hunter22" not in repr(action) + str(action.arguments())
    assert "abc123" not in repr(action) + str(action.arguments())
    assert action.request().body["password"] == "hunter22"


def test_half_a_provider_filter_is_refused():
    assert "go together" in str(refusal(ListUsers, provider="oauth_google"))


def test_a_cursor_needs_the_order_it_was_made_for():
    assert "order_by" in str(refusal(ListUsers, starting_after="user_1", order_by="username"))
    assert "exclude" in str(refusal(ListUsers, starting_after="user_1", offset=10))


def test_a_custom_signing_key_needs_key_and_algorithm():
    error = refusal(CreateJwtTemplate, name="a", claims={}, custom_signing_key=True)
    assert {name for name, _ in error.problems} == {"signing_key", "signing_algorithm"}


class Recorder:
    """A `send` that answers from a list and keeps what was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.anyio
async def test_a_user_update_splits_fields_and_metadata():
    send = Recorder({}, {"id": "user_1"})
    action = UpdateUser(user_id="user_1", first_name="Ada", public_metadata={"plan": None})
    assert await action.perform(send) == {"id": "user_1"}
    assert [(request.path, request.body) for request in send.requests] == [
        ("/users/user_1", {"first_name": "Ada"}),
        ("/users/user_1/metadata", {"public_metadata": {"plan": None}}),
    ]


@pytest.mark.anyio
async def test_an_update_of_metadata_alone_is_one_request():
    send = Recorder({"id": "user_1"})
    await UpdateUser(user_id="user_1", unsafe_metadata={"a": 1}).perform(send)
    assert [request.path for request in send.requests] == ["/users/user_1/metadata"]


@pytest.mark.anyio
async def test_a_failure_of_the_second_request_says_what_was_done():
    send = Recorder({}, ClerkError("no", status=422))
    with pytest.raises(ClerkError, match="Already done: first_name changed"):
        await UpdateUser(user_id="user_1", first_name="Ada", public_metadata={}).perform(send)


@pytest.mark.anyio
async def test_a_template_update_keeps_what_is_left_out():
    send = Recorder({"name": "api", "claims": {"a": 1}, "lifetime": 60}, {"id": "jtmp_1"})
    await UpdateJwtTemplate(template_id="jtmp_1", lifetime=90).perform(send)
    assert send.requests[1].body == {"name": "api", "claims": {"a": 1}, "lifetime": 90}


@pytest.mark.anyio
async def test_a_membership_of_somebody_else_is_not_found():
    send = Recorder({"data": [{"public_user_data": {"user_id": "user_2"}}], "total_count": 1})
    with pytest.raises(NotFound, match="user_1 is not a member"):
        await GetOrgMembership(organization_id="org_1", user_id="user_1").perform(send)
    assert send.requests[0].query == (("user_id", "user_1"),)


NUL_VALUES = {"string": "a\0b", "array": ["a\0b"], "object": {"note": "a\0b"}}


@pytest.mark.parametrize("action", BY_NAME.values(), ids=BY_NAME)
def test_a_character_that_nothing_is_stored_with_is_refused_by_its_arguments_name(action):
    for item in action.parameters().values():
        kinds = item.schema.get("type", ())
        value = NUL_VALUES.get(kinds if isinstance(kinds, str) else kinds[0])
        if value is not None:
            with pytest.raises(InvalidRequest) as caught:
                action.parse({item.name: value})
            told = dict(caught.value.problems)[item.name]
            # Sorting orders and the like are refused before as none that there is.
            assert "U+0000" in told or "accepted" in told or "expected" in told, told
            assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    "metadata",
    [{"a": {"b": ["x", {"c": "\0"}]}}, {"a\0": 1}, '{"a": "\\u0000"}'],
    ids=["deep", "key", "JSON text"],
)
def test_it_is_found_however_deep_it_stands(metadata):
    error = refusal(UpdateUser, user_id="user_1", public_metadata=metadata)
    assert [name for name, _ in error.problems] == ["public_metadata"]
    assert "Nothing was sent." in error.next_step


def test_it_is_refused_in_python_too():
    with pytest.raises(InvalidRequest, match=r"first_name: .*U\+0000"):
        UpdateUser(user_id="user_1", first_name="a\0b")
