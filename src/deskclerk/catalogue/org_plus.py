"""What can be asked of organizations beyond the core: logos, metadata, memberships and invitations of all."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import (
    FileText,
    Id,
    Json,
    Limit,
    Merges,
    Nullable,
    Offset,
    Part,
    Sorted,
    Whole,
)
from deskclerk.catalogue.org_invitations import ORG_INVITATIONS
from deskclerk.catalogue.org_memberships import ORG_MEMBERSHIPS
from deskclerk.catalogue.organizations import ORGANIZATIONS
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Answers

TOOLSET = "organizations-plus"


class ReplaceOrganizationMetadata(
    Action,
    name="clerk_organization_metadata_replace",
    resource=ORGANIZATIONS,
    route=PUT("/organizations/{organization_id}/metadata"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Put new metadata in the place of the old; what is left out stays. To merge, update the organization."""

    organization_id: Id
    public_metadata: Json | None = None
    private_metadata: Json | None = None


class SetOrganizationLogo(
    Action,
    name="clerk_organization_logo_set",
    resource=ORGANIZATIONS,
    route=PUT("/organizations/{organization_id}/logo"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Set an organization's logo."""

    organization_id: Id
    file: FileText
    uploader_user_id: str | None = None


class DeleteOrganizationLogo(
    Action,
    name="clerk_organization_logo_delete",
    resource=ORGANIZATIONS,
    route=DELETE("/organizations/{organization_id}/logo"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Remove an organization's logo."""

    organization_id: Id


class ListAllMemberships(
    ReadAction,
    name="clerk_all_org_memberships_list",
    titled="List memberships of all organizations",
    resource=ORG_MEMBERSHIPS,
    route=GET("/organization_memberships"),
    effect=READ,
    wrapped=True,
    called="list-all",
    toolset=TOOLSET,
):
    """List the memberships of all organizations."""

    order_by: (
        Annotated[
            str, Sorted("phone_number", "email_address", "created_at", "first_name", "last_name", "username")
        ]
        | None
    ) = None
    limit: Limit | None = None
    offset: Offset | None = None


class MergeMembershipMetadata(
    Action,
    name="clerk_org_membership_metadata_merge",
    resource=ORG_MEMBERSHIPS,
    route=PATCH("/organizations/{organization_id}/memberships/{user_id}/metadata"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Merge metadata of a membership deeply; null deletes a key."""

    organization_id: Id
    user_id: Id
    public_metadata: Annotated[Json | None, Merges()] = None
    private_metadata: Annotated[Json | None, Merges()] = None


class ListAllOrgInvitations(
    ReadAction,
    name="clerk_all_org_invitations_list",
    titled="List invitations of all organizations",
    resource=ORG_INVITATIONS,
    route=GET("/organization_invitations"),
    effect=READ,
    wrapped=True,
    called="list-all",
    toolset=TOOLSET,
):
    """List the invitations of all organizations."""

    order_by: Annotated[str, Sorted("created_at", "email_address")] | None = None
    status: Literal["pending", "accepted", "revoked", "expired"] | None = None
    query: str | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class ListPendingOrgInvitations(
    ReadAction,
    name="clerk_org_invitations_pending_list",
    titled="List pending organization invitations",
    resource=ORG_INVITATIONS,
    route=GET("/organizations/{organization_id}/invitations/pending"),
    effect=READ,
    wrapped=True,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: list an organization's invitations with status pending instead."""

    organization_id: Id
    limit: Limit | None = None
    offset: Offset | None = None


class GetOrgInvitation(
    ReadAction,
    name="clerk_org_invitation_get",
    resource=ORG_INVITATIONS,
    route=GET("/organizations/{organization_id}/invitations/{invitation_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one invitation of an organization."""

    organization_id: Id
    invitation_id: Id


class OrgInvitationDraft(Part):
    """One invitation of many to an organization."""

    email_address: str
    inviter_user_id: Nullable[str] = None
    role: str
    public_metadata: Nullable[Json] = None
    private_metadata: Nullable[Json] = None
    redirect_url: Nullable[str] = None
    expires_in_days: Nullable[Annotated[int, Ge(1), Le(365)]] = None
    notify: Nullable[bool] = None


class CreateOrgInvitations(
    Action,
    name="clerk_org_invitations_bulk_create",
    titled="Create several organization invitations",
    resource=ORG_INVITATIONS,
    route=POST("/organizations/{organization_id}/invitations/bulk"),
    effect=WRITE,
    answers=Answers("organization_invitation", many=True),
    toolset=TOOLSET,
):
    """Invite several people to an organization at once."""

    organization_id: Id
    invitations: Annotated[Annotated[list[OrgInvitationDraft], MinLen(1), MaxLen(10)], Whole()]


ORG_DOMAINS = Resource(
    "org-domains",
    "organization domain",
    (
        "id",
        "organization_id",
        "name",
        "enrollment_mode",
        "affiliation_email_address",
        "affiliation_verification",
        "ownership_verification",
        "verification",
        "total_pending_invitations",
        "total_pending_suggestions",
        "public_organization_data",
        "created_at",
    ),
)


class ListOrgDomains(
    ReadAction,
    name="clerk_org_domains_list",
    resource=ORG_DOMAINS,
    route=GET("/organizations/{organization_id}/domains"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the domains whose users an organization takes."""

    organization_id: Id
    verified: str | None = None
    enrollment_mode: str | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class ListAllOrgDomains(
    ReadAction,
    name="clerk_all_org_domains_list",
    titled="List domains of all organizations",
    resource=ORG_DOMAINS,
    route=GET("/organization_domains"),
    effect=READ,
    wrapped=True,
    called="list-all",
    toolset=TOOLSET,
):
    """List the domains of all organizations."""

    organization_id: str | None = None
    verified: Literal["true", "false"] | None = None
    enrollment_mode: (
        list[
            Literal[
                "manual_invitation",
                "automatic_invitation",
                "automatic_suggestion",
                "enterprise_sso",
                "-manual_invitation",
                "-automatic_invitation",
                "-automatic_suggestion",
                "-enterprise_sso",
            ]
        ]
        | None
    ) = None
    query: str | None = None
    domains: list[str] | None = None
    order_by: Annotated[str, Sorted("name", "created_at")] | None = None
    offset: Offset | None = None
    limit: Limit | None = None


class CreateOrgDomain(
    Action,
    name="clerk_org_domain_create",
    resource=ORG_DOMAINS,
    route=POST("/organizations/{organization_id}/domains"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Add a domain to an organization: who has an address there may be enrolled."""

    organization_id: Id
    name: str | None = None
    enrollment_mode: str | None = None
    verified: Nullable[bool] = None


class UpdateOrgDomain(
    Action,
    name="clerk_org_domain_update",
    resource=ORG_DOMAINS,
    route=PATCH("/organizations/{organization_id}/domains/{domain_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change how people of a domain are enrolled in an organization, or whether it is verified."""

    organization_id: Id
    domain_id: Id
    enrollment_mode: Nullable[str] = None
    verified: Nullable[bool] = None


class DeleteOrgDomain(
    Action,
    name="clerk_org_domain_delete",
    resource=ORG_DOMAINS,
    route=DELETE("/organizations/{organization_id}/domains/{domain_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Remove a domain from an organization."""

    organization_id: Id
    domain_id: Id


class VerifyOrgDomain(
    Action,
    name="clerk_org_domain_verify",
    titled="Mark organization domain as verified",
    resource=ORG_DOMAINS,
    route=POST("/organizations/{organization_id}/domains/{domain_id}/verify_ownership"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Mark an organization's domain as its own."""

    organization_id: Id
    domain_id: Id
