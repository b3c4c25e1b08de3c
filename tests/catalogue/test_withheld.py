"""What arguments hold that is neither shown nor kept, at any depth."""

import base64
import json

import pytest

from deskclerk.catalogue import (
    EVERY_ACTION,
    CreateActorToken,
    CreateEnterpriseConnection,
    ProposeBulk,
    ProposeChanges,
    SetUserProfileImage,
)
from deskclerk.catalogue.withheld import marks_in, put_in, secrets_in, shown

CANARY = "made-up-canary-value"
PNG = base64.b64encode(b"\x89PNG and the rest of a picture").decode()
OIDC = {"client_id": "acme", "client_secret": CANARY}
CONNECTION = {"name": "Acme", "provider": "oidc_custom", "domains": ["acme.test"], "oidc": OIDC}
PARAMETERS = CreateEnterpriseConnection.parameters()


@pytest.mark.promise("withheld-at-any-depth")
@pytest.mark.parametrize("oidc", [OIDC, json.dumps(OIDC)], ids=["object", "text"])
def test_a_secret_inside_an_object_is_found_by_its_place(oidc):
    values = CONNECTION | {"oidc": oidc}
    assert list(secrets_in(PARAMETERS, values)) == [("oidc.client_secret", CANARY)]
    assert CANARY not in str(shown(PARAMETERS, values))
    assert shown(PARAMETERS, values)["oidc"]["client_id"] == "acme"


def test_what_should_be_an_object_with_secrets_and_is_none_is_not_shown():
    assert shown(PARAMETERS, {"oidc": f"client_secret={CANARY}"}) == {"oidc": "[secret]"}
    assert shown(PARAMETERS, {"oidc": None}) == {"oidc": None}


def test_what_is_withheld_goes_back_to_its_place_and_leaves_no_mark():
    action = CreateEnterpriseConnection.parse(CONNECTION)
    marked = action.arguments()
    assert list(marks_in(PARAMETERS, marked)) == ["oidc.client_secret"]
    whole = put_in(marked, action.withheld())
    assert whole == CONNECTION
    assert list(marks_in(PARAMETERS, whole)) == []
    assert marked["oidc"]["client_secret"] == "[secret]"


def test_an_object_keeps_the_order_of_its_declaration_and_what_is_more_comes_last():
    actor = {"reason": "support", "sub": "user_1", "ticket": 7}
    action = CreateActorToken.parse({"user_id": "user_2", "actor": actor})
    assert list(action.arguments()["actor"].items()) == [
        ("sub", "user_1"),
        ("reason", "support"),
        ("ticket", 7),
    ]


def test_a_reference_is_not_withheld():
    action = CreateEnterpriseConnection.parse(CONNECTION | {"oidc": {"client_secret": "secret:oidc"}})
    assert action.withheld() == {}
    assert action.arguments()["oidc"] == {"client_secret": "secret:oidc"}


@pytest.mark.promise("withheld-at-any-depth")
def test_a_file_is_told_by_its_kind_its_size_and_its_hash():
    action = SetUserProfileImage(user_id="user_1", file=PNG)
    told = action.arguments()["file"]
    assert told.startswith("[image/png, 30 bytes, sha256 ")
    assert action.withheld() == {"file": PNG}
    assert list(marks_in(action.parameters(), action.arguments())) == ["file"]
    other = SetUserProfileImage(
        user_id="user_1", file=base64.b64encode(b"\x89PNG and another of the size 12").decode()
    )
    assert other.arguments()["file"] != told


@pytest.mark.promise("withheld-at-any-depth")
def test_a_proposal_shows_nothing_that_its_action_hides():
    bulk = ProposeBulk(action="clerk_enterprise_connection_create", values=CONNECTION, targets=["a"])
    step = json.dumps({"action": "clerk_enterprise_connection_create", "arguments": CONNECTION})
    changes = ProposeChanges(steps=[step])
    for asked in (bulk, changes):
        assert CANARY not in str(asked.arguments())
        assert "acme.test" in str(asked.arguments())


def test_of_what_is_no_action_nobody_can_say_what_is_secret():
    bulk = ProposeBulk(action="clerk_nothing", values={"code": CANARY}, targets=["a"])
    assert bulk.arguments()["values"] == {"code": "[secret]"}


def test_no_secret_stands_in_a_list_of_objects():
    """A place has a name for each key, and none for a number."""

    def below(item, *, many=False):
        assert not (item.secret and many), item.name
        for part in item.parts.values():
            below(part, many=many or "items" in item.schema)

    for action in EVERY_ACTION:
        for item in action.parameters().values():
            below(item)
