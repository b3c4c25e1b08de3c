import json

import pytest

from deskclerk.catalogue import (
    CreateClient,
    DeleteUser,
    GetUser,
    ListAllowlist,
    ListBlocklist,
    ListOrganizations,
    ListUsers,
)
from deskclerk.desk.secrets.handovers import hand_over
from deskclerk.desk.view.answers import project, show
from deskclerk.desk.view.cleaning import clean_text
from deskclerk.errors import InvalidRequest

USER = {
    "id": "user_1",
    "object": "user",
    "first_name": "Ada",
    "last_name": None,
    "banned": False,
    "email_addresses": [
        {"id": "idn_1", "email_address": "ada@example.com", "verification": {"status": "verified"}}
    ],
    "public_metadata": {"plan": "pro", "seats": None},
    "private_metadata": {"password": "kept: the application's own key"},
    "totp_secret": "JBSWY3DP",
    "created_at": 1,
}


def users(count):
    return [USER | {"id": f"user_{number}"} for number in range(count)]


@pytest.mark.promise("brief")
def test_an_answer_is_brief_and_empty_values_are_left_out():
    assert show(GetUser(user_id="user_1"), USER, 10_000).value == {
        "object": "user",
        "id": "user_1",
        "first_name": "Ada",
        "email_addresses": [{"email_address": "ada@example.com"}],
        "banned": False,
        "public_metadata": {"plan": "pro", "seats": None},
        "created_at": 1,
    }


@pytest.mark.promise("brief")
def test_fields_ask_for_more_by_path_and_keep_nulls():
    action = GetUser(user_id="user_1", fields=["last_name", "public_metadata.plan", "nothing"])
    assert show(action, USER, 10_000).value == {
        "object": "user",
        "last_name": None,
        "public_metadata": {"plan": "pro"},
    }


def test_a_star_asks_for_everything_but_secrets():
    value = show(GetUser(user_id="user_1", fields=["*"]), USER, 10_000).value
    assert value == {key: item for key, item in USER.items() if key != "totp_secret"}


@pytest.mark.parametrize("path", ["", ".", "a..b", "a."])
def test_a_field_that_is_no_path_is_refused(path):
    with pytest.raises(InvalidRequest, match="fields"):
        show(GetUser(user_id="user_1", fields=[path]), USER, 10_000)


def test_a_deletion_is_shown_whole():
    gone = {"object": "user", "id": "user_1", "deleted": True}
    assert show(DeleteUser(user_id="user_1"), gone, 10_000).value == gone


def test_a_bare_list_goes_on_while_pages_are_full():
    assert show(ListUsers(limit=3), users(3), 10_000).value["next"] == {"starting_after": "user_2"}
    assert show(ListUsers(limit=3), users(2), 10_000).value["next"] is None
    assert show(ListUsers(limit=3, order_by="username"), users(3), 10_000).value["next"] == {"offset": 3}


def test_a_counted_list_ends_where_its_total_says():
    answer = {"data": [{"id": "org_1"}, {"id": "org_2"}], "total_count": 4}
    assert show(ListOrganizations(limit=2), answer, 10_000).value["next"] == {"offset": 2}
    value = show(ListOrganizations(limit=2, offset=2), answer, 10_000).value
    assert (value["total"], value["next"]) == (4, None)


@pytest.mark.promise("brief")
def test_a_list_cut_to_its_budget_is_valid_and_says_how_to_go_on():
    answer = show(ListUsers(limit=100), users(100), 1_000)
    value = json.loads(answer.text)
    assert len(answer.text) < 1_200
    assert value["next"] == {"starting_after": value["items"][-1]["id"]}
    assert "of 100 items" in answer.notes[0]


def test_one_item_is_always_shown():
    value = show(ListAllowlist(), {"data": [{"id": "alid_1"}, {"id": "alid_2"}], "total_count": 2}, 1).value
    assert (len(value["items"]), value["next"]) == (1, {"offset": 1})


def test_a_list_that_clerk_gives_whole_is_paged_by_the_desk():
    answer = {"data": [{"id": f"blid_{number}"} for number in range(5)], "total_count": 5}
    value = show(ListBlocklist(limit=2, offset=2), answer, 10_000).value
    assert [item["id"] for item in value["items"]] == ["blid_2", "blid_3"]
    assert (value["total"], value["next"]) == (5, {"offset": 4})
    assert show(ListBlocklist(limit=2, offset=4), answer, 10_000).value["next"] is None


def test_a_large_object_is_cut_field_by_field():
    large = USER | {"public_metadata": {f"key{number}": "x" * 1_000 for number in range(20)}}
    answer = show(GetUser(user_id="user_1", fields=["*"]), large, 2_000)
    assert answer.value["first_name"] == "Ada"
    assert answer.value["public_metadata"].startswith("[cut: ")
    assert "public_metadata" in answer.notes[0]
    json.loads(answer.text)


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("a\x1b[31mb", "a[31mb"),
        ("a\u202eb\u2066c", "abc"),
        ("a\u200bb\ufeffc", "abc"),
        ("a\U000e0041b", "ab"),
        ("a\ud800b", "ab"),
        ("tab\tline\n", "tab\tline\n"),
        ("Zoë 李 🙂", "Zoë 李 🙂"),
        ("https://x?__clerk_ticket=eyJ.a.b&y=1", "https://x?__clerk_ticket=[secret]&y=1"),
    ],
)
def test_text_is_cleaned_of_what_cannot_be_seen_or_acts(dirty, expected):
    assert clean_text(dirty) == expected


def test_long_text_is_cut_with_a_mark():
    assert clean_text("x" * 2_100).endswith("… [100 more characters]")


def test_names_and_keys_come_out_clean():
    user = USER | {"first_name": "Ada\u202e", "public_metadata": {"a\x00b": ["\u2066x"]}}
    value = show(GetUser(user_id="user_1"), user, 10_000).value
    assert (value["first_name"], value["public_metadata"]) == ("Ada", {"ab": ["x"]})


def test_a_path_reaches_into_lists_and_ignores_what_is_not_there():
    assert project({"a": [{"b": 1, "c": 2}, 3]}, ["a.b", "x.y"]) == {"a": [{"b": 1}, 3]}


@pytest.mark.promise("shown-once-goes-to-the-person")
def test_what_is_shown_once_goes_to_a_file_for_the_person(tmp_path):
    answer = {"object": "oauth_application", "id": "oa_1", "client_secret": "s3cret"}
    rest, notes = hand_over(answer, tmp_path / "handover")
    (path,) = (tmp_path / "handover").iterdir()
    assert path.read_text() == "client_secret = s3cret\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(path) in notes[0]
    assert "s3cret" not in f"{rest}{notes}{show(CreateClient(name='x'), rest, 1_000)}"


def test_a_secret_that_cannot_be_written_is_said_to_be_lost(tmp_path):
    (tmp_path / "file").write_text("")
    rest, notes = hand_over({"id": "oa_1", "client_secret": "s3cret"}, tmp_path / "file")
    assert "is lost" in notes[0]
    assert "s3cret" not in f"{rest}{notes}"
