"""What the writes to organizations do beyond their declaration."""

from typing import Any

from deskclerk.catalogue import (
    Action,
    CreateOrganization,
    DeleteOrganization,
    GetOrganization,
    ListOrganizations,
    ListOrgInvitations,
    ListOrgMemberships,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.default import Creation, Removal, Search, Values, count_of, same_text
from deskclerk.desk.consequences.inverse import METADATA, Event, Inverse, known, offer, seen_before
from deskclerk.desk.consequences.targets import read


async def members(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Its memberships go with it."""
    del target
    listing = ListOrgMemberships(organization_id=action.organization_id, limit=1)  # type: ignore[attr-defined]
    page = page_of(await clerk.perform(listing))
    return [f"removes {count_of(page, 'member', 'members')}; the users remain"]


async def pending_invitations(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Its invitations go with it, and their links stop working."""
    del target
    organization = action.organization_id  # type: ignore[attr-defined]
    listing = ListOrgInvitations(organization_id=organization, status="pending", limit=1)
    page = page_of(await clerk.perform(listing))
    return [f"withdraws {count_of(page, 'pending invitation', 'pending invitations')}"]


class CreateOrganizationConsequences(Creation, of=CreateOrganization):
    """A slug is unique, a name is not: the slug is looked for where there is one."""

    undone_by = DeleteOrganization

    def search(self, asked: Values) -> Search | None:
        """By slug, else by name."""
        key = "slug" if asked.get("slug") else "name"
        return Search(ListOrganizations, {"query": asked[key]}, same_text(key, asked[key]))

    async def made(self, made: str, asked: Values, clerk: Clerk) -> dict[str, Any] | None:
        """With its count of members, which Clerk answers only when it is asked."""
        del asked
        return await read(GetOrganization, {"organization_id": made, "include_members_count": True}, clerk)

    def come_of_it(self, asked: Values, current: Values) -> list[str]:
        """Who has joined loses it; its creator joined with the creation itself."""
        members = current.get("members_count") or 0
        if members > (1 if asked.get("created_by") else 0):
            return [f"It has {members} members by now, who lose it."]
        return []


class DeleteOrganizationConsequences(Removal, of=DeleteOrganization):
    """An empty organization of the same name can be made, and nothing else."""

    lost = "Its id, memberships and invitations are gone for good."
    reach = (("members", members), ("pending invitations", pending_invitations))

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """No inverse; the creation of an empty one is offered."""
        del outcome, current, given
        before = seen_before(intent)
        names = ("name", "slug", "max_allowed_memberships", "created_by", *METADATA[:2])
        return Inverse(
            None,
            cannot=("A deleted organization's id, memberships and invitations are gone for good.",),
            offer=offer(CreateOrganization, known(before, *names)) if before else None,
            nearest="Create a new organization, with a new id, and add its members again.",
        )
