"""Organization invitations: e-mails that ask somebody to join an organization."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Nullable, Offset, Sorted, about, needed
from deskclerk.catalogue.org_memberships import ROLE
from deskclerk.catalogue.route import DESTRUCTIVE, GET, POST, READ, WRITE

ORG_INVITATIONS = Resource(
    "org-invitations",
    "organization invitation",
    (
        "id",
        "email_address",
        "role",
        "status",
        "organization_id",
        "inviter_id",
        "public_metadata",
        "expires_at",
        "created_at",
    ),
)

InvitationStatus = Literal["pending", "accepted", "revoked", "expired"]
Days = Annotated[int, Ge(1), Le(365)]


class ListOrgInvitations(
    ReadAction,
    name="clerk_org_invitations_list",
    resource=ORG_INVITATIONS,
    route=GET("/organizations/{organization_id}/invitations"),
    effect=READ,
    wrapped=True,
):
    """List the invitations of an organization, newest first."""

    organization_id: Id
    status: InvitationStatus | None = None
    email_address: str | None = None
    order_by: Annotated[str, Sorted("created_at", "email_address")] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class CreateOrgInvitation(
    Action,
    name="clerk_org_invitation_create",
    resource=ORG_INVITATIONS,
    route=POST("/organizations/{organization_id}/invitations"),
    effect=WRITE,
):
    """Invite an email address to an organization; an email is sent unless notify is false."""

    organization_id: Id
    email_address: str
    inviter_user_id: Nullable[str] = about("an admin of the organization")
    role: str = needed(ROLE)
    public_metadata: Nullable[Json] = None
    private_metadata: Nullable[Json] = None
    redirect_url: Nullable[str] = None
    expires_in_days: Nullable[Days] = None
    notify: Nullable[bool] = None


class RevokeOrgInvitation(
    Action,
    name="clerk_org_invitation_revoke",
    resource=ORG_INVITATIONS,
    route=POST("/organizations/{organization_id}/invitations/{invitation_id}/revoke"),
    effect=DESTRUCTIVE,
):
    """Revoke a pending organization invitation: its link stops working."""

    organization_id: Id
    invitation_id: Id
    requesting_user_id: Nullable[str] = about("an admin of the organization")
