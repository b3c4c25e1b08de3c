"""The form in which a model is shown an answer: what says nothing is left out, times are ISO 8601."""

import pytest

from deskclerk.catalogue import GetUser, ListOrgMemberships, ListUsers
from deskclerk.desk.view.answers import show
from deskclerk.desk.view.compact import OMITTED, Times, beside, compact_form, iso, one_of_many

MOMENT = 1777303829712
USER = {
    "id": "user_1",
    "object": "user",
    "first_name": "Ada",
    "last_name": None,
    "username": "",
    "banned": False,
    "locked": True,
    "email_addresses": [
        {"id": "idn_1", "email_address": "ada@example.com", "reserved": False, "created_at": MOMENT}
    ],
    "phone_numbers": [],
    "public_metadata": {"plan": "pro", "seats": None, "trial": False, "since_at": MOMENT},
    "totp_secret": "JBSWY3DP",
    "lockout_expires_in_seconds": 0,
    "created_at": MOMENT,
}


@pytest.mark.promise("brief")
def test_one_thing_in_brief():
    assert show(GetUser(user_id="user_1"), USER, 10_000, for_model=True).value == {
        "object": "user",
        "id": "user_1",
        "first_name": "Ada",
        "locked": True,
        "email_addresses": ["ada@example.com"],
        # The application's own: nothing in it is ours to leave out.
        "public_metadata": {"plan": "pro", "seats": None, "trial": False, "since_at": MOMENT},
        "created_at": "2026-04-27T15:30:29Z",
    }


@pytest.mark.promise("brief")
def test_of_many_a_model_is_shown_less():
    value = show(ListUsers(limit=2), [USER], 10_000, for_model=True).value
    assert value["items"] == [
        {
            "id": "user_1",
            "name": "Ada",
            "locked": True,
            "email_addresses": ["ada@example.com"],
            "created_at": "2026-04-27",
        }
    ]
    with_metadata = show(ListUsers(fields=["id", "public_metadata"]), [USER], 10_000, for_model=True).value
    assert with_metadata["items"] == [{"id": "user_1", "public_metadata": USER["public_metadata"]}]


def test_a_star_leaves_out_what_says_nothing_and_says_so_once():
    one = show(GetUser(user_id="user_1", fields=["*"]), USER, 10_000, for_model=True).value
    assert one.pop("omitted") == OMITTED
    assert one["email_addresses"] == [
        {"id": "idn_1", "email_address": "ada@example.com", "created_at": "2026-04-27T15:30:29.712Z"}
    ]
    assert one["lockout_expires_in_seconds"] == 0
    assert one["public_metadata"] == USER["public_metadata"]
    assert not {"last_name", "username", "banned", "phone_numbers", "totp_secret"} & one.keys()
    many = show(ListUsers(fields=["*"]), [USER], 10_000, for_model=True).value
    assert many["omitted"] == OMITTED
    assert many["items"] == [one]


def test_raw_is_clerks_document_without_its_secrets():
    value = show(GetUser(user_id="user_1", fields=["raw"]), USER, 10_000, for_model=True).value
    assert value == {key: item for key, item in USER.items() if key != "totp_secret"}


def test_what_hangs_in_an_object_stands_beside_the_rest():
    membership = {
        "id": "orgmem_1",
        "role": "org:admin",
        "public_user_data": {"user_id": "user_1", "identifier": "ada@example.com", "first_name": "Ada"},
        "organization": {"id": "org_1", "name": "Acme"},
        "public_metadata": {},
        "created_at": MOMENT,
    }
    lists = ListOrgMemberships(organization_id="org_1")
    assert show(lists, {"data": [membership], "total_count": 1}, 9_999, for_model=True).value["items"] == [
        {
            "role": "org:admin",
            "user_id": "user_1",
            "identifier": "ada@example.com",
            "name": "Ada",
            "created_at": "2026-04-27",
        }
    ]
    paths = ("id", "organization.id", "organization.name", "role")
    assert beside({"id": 1, "organization": {"id": "org_1", "name": "Acme"}, "role": "x"}, paths) == {
        "id": 1,
        "organization_id": "org_1",
        "organization_name": "Acme",
        "role": "x",
    }


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        ({"created_at": 0}, {"created_at": 0}),
        ({"created_at": -1}, {"created_at": -1}),
        ({"created_at": 10**20}, {"created_at": 10**20}),
        ({"created_at": True}, {"created_at": True}),
        ({"count": MOMENT}, {"count": MOMENT}),
        ({"a": {"b": {"c": None}}}, {}),
        ({"list": [{"x": None}, 0, None]}, {"list": [{}, 0, None]}),
    ],
)
def test_only_what_is_a_moment_becomes_one_and_only_what_is_empty_goes(item, shown):
    assert compact_form(item, Times.WHOLE) == shown


def test_a_moment_keeps_its_milliseconds_where_nothing_may_be_lost():
    assert iso(MOMENT, Times.WHOLE) == "2026-04-27T15:30:29.712Z"
    assert iso(MOMENT - 712, Times.WHOLE) == "2026-04-27T15:30:29Z"
    assert iso(MOMENT, Times.SECOND) == "2026-04-27T15:30:29Z"
    assert iso(MOMENT, Times.DAY) == "2026-04-27"


def test_what_repeats_another_key_is_left_out_where_it_does():
    item = {"created_at": MOMENT, "updated_at": MOMENT, "image_url": "a", "profile_image_url": "b"}
    assert compact_form(item, Times.SECOND) == {
        "created_at": "2026-04-27T15:30:29Z",
        "image_url": "a",
        "profile_image_url": "b",
    }


def test_the_name_of_one_of_many_stands_where_its_parts_did():
    item = {"id": 1, "first_name": "Ada", "last_name": "Byron", "username": "ada"}
    assert list(one_of_many(item).items()) == [("id", 1), ("name", "Ada Byron"), ("username", "ada")]
    assert one_of_many({"first_name": None, "last_name": ""}) == {}
