"""What the further writes to organizations and memberships do beyond their declaration."""

from deskclerk.catalogue import MergeMembershipMetadata, ReplaceOrganizationMetadata
from deskclerk.desk.consequences.default import Update


class ReplaceOrganizationMetadataConsequences(Update, of=ReplaceOrganizationMetadata):
    """An update whose fields are whole: the old object comes back by replacing it again."""

    undone_by = ReplaceOrganizationMetadata


class MergeMembershipMetadataConsequences(Update, of=MergeMembershipMetadata):
    """A merge back: keys that it added go, those that it changed have their old values."""

    undone_by = MergeMembershipMetadata
