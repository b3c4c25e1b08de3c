"""Metadata of organizations and memberships: shown key by key where it is merged, and taken back."""

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import (
    CreateOrganization,
    GetOrganization,
    GetOrgMembership,
    ListUsers,
    MergeMembershipMetadata,
    ReplaceOrganizationMetadata,
)
from deskclerk.desk import Desk
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
OLD = {"tier": "gold", "seats": 5}


@pytest.fixture
async def at_work(tmp_path):
    person = Person()
    async with Desk.open(Settings(home=tmp_path / "home"), approver=person) as desk:
        user = (await desk.perform(ListUsers(limit=1))).value["items"][0]
        made = await desk.perform(CreateOrganization(name="Seed", created_by=user["id"], public_metadata=OLD))
        yield desk, person, made.value["id"], user["id"]


async def undone(desk, action):
    (entry,) = await desk.journal.entries(EntryFilter(action=action))
    await desk.undo(entry["entry"])


async def test_replaced_metadata_comes_back_whole(at_work):
    desk, person, organization, _ = at_work

    async def metadata():
        read = GetOrganization(organization_id=organization, fields=["public_metadata"])
        return (await desk.perform(read)).value["public_metadata"]

    await desk.perform(ReplaceOrganizationMetadata(organization_id=organization, public_metadata={"tier": 1}))
    assert '→ {"tier": 1}' in person.shown[-1].text()
    assert await metadata() == {"tier": 1}
    await undone(desk, "clerk_organization_metadata_replace")
    assert await metadata() == OLD


async def test_merged_metadata_is_shown_key_by_key_and_what_was_added_goes_again(at_work):
    desk, person, organization, user = at_work
    ids = {"organization_id": organization, "user_id": user}

    async def metadata():
        read = GetOrgMembership(**ids, fields=["public_metadata"])
        return (await desk.perform(read)).value["public_metadata"]

    await desk.perform(MergeMembershipMetadata(**ids, public_metadata={"desk": 4, "team": "blue"}))
    first = person.shown[-1].text()
    more = {"desk": None, "team": "red", "lunch": 1}
    await desk.perform(MergeMembershipMetadata(**ids, public_metadata=more))
    shown = person.shown[-1].text()
    assert "public_metadata.desk: 4 (added)" in first
    for line in ("public_metadata.desk: 4 → removed", "public_metadata.team: blue → red", "lunch: 1 (added)"):
        assert line in shown
    entries = await desk.journal.entries(EntryFilter(action="clerk_org_membership_metadata_merge"))
    await desk.undo(entries[-1]["entry"])
    assert await metadata() == {"desk": 4, "team": "blue"}
