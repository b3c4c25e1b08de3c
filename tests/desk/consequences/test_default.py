"""What is true of a write without an entry: by its verb, as far as its resource can be read."""

import httpx2
import pytest

from deskclerk.catalogue import (
    BanUser,
    CreateBlocklistEntry,
    CreateDomain,
    CreateOrgMembership,
    CreateUser,
    DeleteBlocklistEntry,
    DeleteDomain,
    DeleteUser,
    UpdateClient,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Creation, Removal, Update, default_for

pytestmark = pytest.mark.anyio
AT = 1_800_000_000_000
ENTRY = {"id": "blid_1", "identifier": "a@b.example", "created_at": AT + 1}


def clerk_of(answer):
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
    return Clerk("https://clerk.test", "sk_test_x", transport=transport)


def intent_of(kind, arguments, before=None):
    action = kind.spec.name
    return {"action": action, "arguments": arguments, "before": [before] if before else [], "at": AT}


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (CreateUser, Creation),
        (UpdateClient, Update),
        (DeleteDomain, Removal),
        (BanUser, Consequences),
    ],
)
def test_a_verb_says_what_a_write_does(kind, shape):
    assert type(default_for(kind)) is shape


def test_what_no_verb_explains_is_honestly_not_taken_back():
    consequences = default_for(BanUser)
    action = BanUser(user_id="user_1")
    assert consequences.reversible(action) == "deskclerk cannot take this back."
    intent = intent_of(BanUser, {"user_id": "user_1"}, {"id": "user_1", "banned": False})
    found = consequences.inverse(intent, {"after": {"banned": True}}, {"banned": True}, {})
    assert (found.action, found.cannot) == (None, ("deskclerk cannot take this back.",))


def test_what_was_created_is_taken_back_by_the_deletion_of_its_resource():
    consequences = default_for(CreateBlocklistEntry)
    assert consequences.reversible(CreateBlocklistEntry(identifier="a@b.example")) == (
        "Can be taken back with Delete block-list entry."
    )
    intent = intent_of(CreateBlocklistEntry, {"identifier": "a@b.example"})
    found = consequences.inverse(intent, {"after": ENTRY}, ENTRY, {})
    assert found.action == DeleteBlocklistEntry(identifier_id="blid_1")


@pytest.mark.parametrize(
    ("items", "outcome"), [([ENTRY], "done"), ([], "not_done"), ([ENTRY] * 2, "unknown")]
)
async def test_a_creation_is_proved_by_what_it_requires(items, outcome):
    intent = intent_of(CreateBlocklistEntry, {"identifier": "A@b.example"})
    async with clerk_of({"data": items, "total_count": len(items)}) as clerk:
        assert (await default_for(CreateBlocklistEntry).evidence(intent, clerk)).outcome == outcome


async def test_a_creation_whose_answer_does_not_show_what_it_requires_is_never_guessed():
    arguments = {"organization_id": "org_1", "user_id": "user_1", "role": "org:member"}
    item = {"id": "orgmem_1", "role": "org:member", "created_at": AT + 1}
    async with clerk_of({"data": [item], "total_count": 1}) as clerk:
        found = await default_for(CreateOrgMembership).evidence(
            intent_of(CreateOrgMembership, arguments), clerk
        )
    assert found.outcome == "unknown"


async def test_what_was_deleted_is_made_anew_where_its_creation_wants_nothing_else():
    consequences = default_for(DeleteBlocklistEntry)
    intent = intent_of(DeleteBlocklistEntry, {"identifier_id": "blid_1"}, ENTRY)
    assert "can make it anew" in consequences.reversible(DeleteBlocklistEntry(identifier_id="blid_1"))
    async with clerk_of({"data": [], "total_count": 0}) as clerk:
        assert await consequences.current(intent, {}, clerk) is None
    found = consequences.inverse(intent, {}, None, {})
    assert found.action == CreateBlocklistEntry(identifier="a@b.example")
    assert found.notes == ("It gets a new id.",)


async def test_what_is_there_again_is_found_by_what_its_creation_requires():
    intent = intent_of(DeleteDomain, {"domain_id": "dmn_1"}, {"id": "dmn_1", "name": "shop.example.com"})
    again = {"id": "dmn_2", "name": "shop.example.com"}
    async with clerk_of({"data": [again], "total_count": 1}) as clerk:
        current = await default_for(DeleteDomain).current(intent, {}, clerk)
    assert current == again
    found = default_for(DeleteDomain).inverse(intent, {}, current, {})
    assert found.cannot == ("There is such a domain again (dmn_2): there is nothing to undo.",)


def test_a_creation_that_requires_nothing_brings_nothing_back():
    intent = intent_of(DeleteUser, {"user_id": "user_1"}, {"id": "user_1", "first_name": "Ada"})
    assert default_for(DeleteUser).inverse(intent, {}, None, {}).action is None
    assert default_for(DeleteUser).reversible(DeleteUser(user_id="user_1")) == "This cannot be taken back."


async def test_a_creations_preview_has_no_old_values():
    changes = default_for(CreateDomain).changes(CreateDomain(name="shop.example.com"), [{"name": "other"}])
    assert {change.field: change.old for change in changes}["name"] is None
