"""What the writes to the allow-list and the block-list do beyond their declaration."""

from deskclerk.catalogue import (
    CreateAllowlistEntry,
    CreateBlocklistEntry,
    DeleteAllowlistEntry,
    DeleteBlocklistEntry,
)
from deskclerk.desk.consequences.default import Creation, Rebuilt, Removal, Values
from deskclerk.desk.consequences.inverse import Event


class CreateAllowlistEntryConsequences(Creation, of=CreateAllowlistEntry):
    """An entry may send an invitation, which outlives it."""

    undone_by = DeleteAllowlistEntry

    def sent_with_it(self, asked: Values, made: Values) -> list[str]:
        """The invitation is a thing of its own."""
        del asked
        invitation = made.get("invitation_id")
        if not invitation:
            return []
        return [f"The invitation {invitation} that it sent stays: clerk_invitation_revoke ends it."]


class DeleteAllowlistEntryConsequences(Removal, of=DeleteAllowlistEntry):
    """Made anew silently, unless a person asks for an e-mail."""

    undone_by = CreateAllowlistEntry

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """The identifier is all that there is to it."""
        del intent
        return {"identifier": before["identifier"], "notify": bool(given.get("notify"))}, [], []


class CreateBlocklistEntryConsequences(Creation, of=CreateBlocklistEntry):
    """Known by what it blocks."""

    undone_by = DeleteBlocklistEntry


class DeleteBlocklistEntryConsequences(Removal, of=DeleteBlocklistEntry):
    """The identifier is all that there is to it."""

    undone_by = CreateBlocklistEntry
