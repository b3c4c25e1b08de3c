"""What the writes to invitations to organizations do beyond their declaration."""

from typing import Any

from deskclerk.catalogue import CreateOrgInvitation, ListOrgInvitations, RevokeOrgInvitation
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Rebuilt, Values
from deskclerk.desk.consequences.inverse import METADATA, Event, seen_before
from deskclerk.desk.consequences.invitations import InvitationCreation, InvitationRevocation
from deskclerk.desk.consequences.targets import first_that


class CreateOrgInvitationConsequences(InvitationCreation, of=CreateOrgInvitation):
    """Found by its address among the organization's."""

    undone_by = RevokeOrgInvitation


class RevokeOrgInvitationConsequences(InvitationRevocation, of=RevokeOrgInvitation):
    """Made anew, it has its role and its inviter too."""

    undone_by = CreateOrgInvitation

    async def current(self, intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
        """A pending one for the same address, in the same organization."""
        del outcome
        before = seen_before(intent)
        if not before:
            return None
        address = before.get("email_address")
        every = ListOrgInvitations(
            organization_id=intent["arguments"]["organization_id"], status="pending", email_address=address
        )
        return await first_that(every, clerk, lambda item: item.get("email_address") == address)

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """As any invitation, with what an organization adds."""
        arguments, notes, cannot = super().rebuilt(intent, before, given)
        arguments |= {"organization_id": intent["arguments"]["organization_id"], "role": before["role"]}
        if before.get("inviter_id"):
            arguments["inviter_user_id"] = before["inviter_id"]
        metadata = {name: before[name] for name in METADATA[:2] if before.get(name)}
        return arguments | metadata, notes, cannot
