"""What the writes to memberships of organizations do beyond their declaration."""

from typing import Any

from deskclerk.catalogue import (
    Action,
    CreateOrgMembership,
    DeleteOrgMembership,
    GetOrgMembership,
    ListOrgMemberships,
    UpdateOrgMembership,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.default import Creation, Rebuilt, Removal, Search, Update, Values
from deskclerk.desk.consequences.inverse import METADATA, Event
from deskclerk.desk.consequences.targets import read
from deskclerk.desk.view.cleaning import line_of

_ADMIN = "org:admin"
_MOST_ADMINS = 2
"""Two tell whether somebody is the only one."""


async def is_only_admin(organization: str, user: str, clerk: Clerk) -> bool:
    """Whether a user is an organization's admin and nobody else is."""
    listing = ListOrgMemberships(organization_id=organization, role=[_ADMIN], limit=_MOST_ADMINS)
    admins = page_of(await clerk.perform(listing)).items
    return [(item.get("public_user_data") or {}).get("user_id") for item in admins] == [user]


async def last_admin(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Whether the organization is left without an admin."""
    organization, user = action.organization_id, action.user_id  # type: ignore[attr-defined]
    # Only an admin who stops being one can leave an organization without any.
    if target.get("role") != _ADMIN or getattr(action, "role", None) == _ADMIN:
        return []
    name = line_of((target.get("organization") or {}).get("name") or organization)
    only = await is_only_admin(organization, user, clerk)
    return [f"last admin of {name}"] if only else [f"{name} keeps other admins"]


async def _read(asked: Values, clerk: Clerk) -> dict[str, Any]:
    """The membership of the user and the organization that a write names."""
    return await read(GetOrgMembership, {name: asked[name] for name in ("organization_id", "user_id")}, clerk)


class CreateOrgMembershipConsequences(Creation, of=CreateOrgMembership):
    """A membership is known by its user, within its organization."""

    undone_by = DeleteOrgMembership

    def search(self, asked: Values) -> Search | None:
        """Among the organization's members, those of this user."""
        user = asked["user_id"]
        return Search(
            ListOrgMemberships,
            {"organization_id": asked.get("organization_id"), "user_id": [user]},
            lambda item: (item.get("public_user_data") or {}).get("user_id") == user,
        )

    async def made(self, made: str, asked: Values, clerk: Clerk) -> dict[str, Any] | None:
        """By user and organization: Clerk reads no membership by its id."""
        del made
        return await _read(asked, clerk)


class UpdateOrgMembershipConsequences(Update, of=UpdateOrgMembership):
    """The old role comes back."""

    undone_by = UpdateOrgMembership
    reach = (("admins", last_admin),)


class DeleteOrgMembershipConsequences(Removal, of=DeleteOrgMembership):
    """The user can be added again, in the same role and with the same metadata."""

    undone_by = CreateOrgMembership
    reach = (("admins", last_admin),)

    async def current(self, intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
        """Whether the user is a member again."""
        del outcome
        return await _read(intent["arguments"], clerk)

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """The ids from what was asked, the rest from what was there."""
        del given
        ids = {name: intent["arguments"][name] for name in ("organization_id", "user_id")}
        metadata = {name: before[name] for name in METADATA[:2] if before.get(name)}
        notes = ["The user's sessions do not have the organization active again by themselves."]
        return ids | {"role": before["role"]} | metadata, notes, []
