"""Invitations: e-mails that ask somebody to sign up to the application."""

from typing import Annotated, Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Nullable, Offset, Sorted, about
from deskclerk.catalogue.org_invitations import Days, InvitationStatus
from deskclerk.catalogue.route import DESTRUCTIVE, GET, POST, READ, WRITE

INVITATIONS = Resource(
    "invitations",
    "invitation",
    ("id", "email_address", "status", "public_metadata", "expires_at", "created_at"),
)


class ListInvitations(
    ReadAction, name="clerk_invitations_list", resource=INVITATIONS, route=GET("/invitations"), effect=READ
):
    """List invitations to the application, newest first; revoked ones only with status revoked."""

    status: InvitationStatus | None = None
    query: str | None = about("part of an email or id")
    order_by: Annotated[str, Sorted("created_at", "email_address", "expires_at")] | None = None
    paginated: bool | None = about("false: no total", default=True)
    limit: Limit | None = None
    offset: Offset | None = None


class CreateInvitation(
    Action,
    name="clerk_invitation_create",
    resource=INVITATIONS,
    route=POST("/invitations"),
    effect=WRITE,
):
    """Invite an email address to sign up; an email is sent unless notify is false."""

    email_address: str
    public_metadata: Json | None = about("given to the user who signs up")
    redirect_url: str | None = None
    notify: Nullable[bool] = None
    ignore_existing: Nullable[bool] = about("even if invited or signed up already")
    expires_in_days: Nullable[Days] = None
    template_slug: Literal["invitation", "waitlist_invitation"] | None = None


class RevokeInvitation(
    Action,
    name="clerk_invitation_revoke",
    resource=INVITATIONS,
    route=POST("/invitations/{invitation_id}/revoke"),
    effect=DESTRUCTIVE,
):
    """Revoke an invitation: its link stops working."""

    invitation_id: Id
