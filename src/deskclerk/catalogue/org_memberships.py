"""Organization memberships: who belongs to an organization, in which role."""

from typing import Annotated, Any

from deskclerk.catalogue.action import Action, ReadAction, Resource, items_of
from deskclerk.catalogue.fields import (
    Id,
    Json,
    Limit,
    Millis,
    Nullable,
    Offset,
    Query,
    Sorted,
    Texts,
    about,
    needed,
)
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE, Send
from deskclerk.catalogue.users import SIGNED_IDS
from deskclerk.errors import NotFound

ORG_MEMBERSHIPS = Resource(
    "org-memberships",
    "organization membership",
    (
        "id",
        "role",
        "public_user_data.user_id",
        "public_user_data.identifier",
        "public_user_data.first_name",
        "public_user_data.last_name",
        "organization.id",
        "organization.name",
        "public_metadata",
        "created_at",
    ),
    # No action takes a membership's own id, and whose organization it is stands in the call.
    in_lists=(
        "role",
        "public_user_data.user_id",
        "public_user_data.identifier",
        "public_user_data.first_name",
        "public_user_data.last_name",
        "created_at",
    ),
)

ROLE = "e.g. org:admin, org:member"


class ListOrgMemberships(
    ReadAction,
    name="clerk_org_memberships_list",
    resource=ORG_MEMBERSHIPS,
    route=GET("/organizations/{organization_id}/memberships"),
    effect=READ,
    wrapped=True,
):
    """List the members of an organization with their roles."""

    organization_id: Id
    order_by: (
        Annotated[
            str,
            Sorted("phone_number", "email_address", "created_at", "first_name", "last_name", "username"),
        ]
        | None
    ) = None
    user_id: Texts | None = about(SIGNED_IDS)
    email_address: Texts | None = None
    phone_number: Texts | None = None
    username: Texts | None = None
    web3_wallet: Texts | None = None
    role: Texts | None = about(ROLE)
    query: str | None = about("part of an email, phone, username, id or name")
    email_address_query: str | None = None
    phone_number_query: str | None = None
    username_query: str | None = None
    name_query: str | None = None
    last_active_at_before: Millis | None = None
    last_active_at_after: Millis | None = None
    created_at_before: Millis | None = None
    created_at_after: Millis | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetOrgMembership(
    ReadAction,
    name="clerk_org_membership_get",
    resource=ORG_MEMBERSHIPS,
    route=GET("/organizations/{organization_id}/memberships"),
    effect=READ,
    in_list=True,
):
    """Read one user's membership in an organization."""

    organization_id: Id
    user_id: Annotated[Id, Query()]

    async def perform(self, send: Send) -> Any:
        """Clerk has no route for one membership: filter the list, and believe only an exact match."""
        # By user and not by paging: an organization may have more members than any page.
        answer = await send(self.request())
        for membership in items_of(answer):
            if (membership.get("public_user_data") or {}).get("user_id") == self.user_id:
                return membership
        raise NotFound(
            f"User {self.user_id} is not a member of organization {self.organization_id}.",
            status=404,
            code="resource_not_found",
            next_step="clerk_org_memberships_list shows who is.",
        )


class CreateOrgMembership(
    Action,
    name="clerk_org_membership_create",
    resource=ORG_MEMBERSHIPS,
    route=POST("/organizations/{organization_id}/memberships"),
    effect=WRITE,
):
    """Add an existing user to an organization at once, without an invitation."""

    organization_id: Id
    user_id: str
    role: str = needed(ROLE)
    public_metadata: Nullable[Json] = None
    private_metadata: Nullable[Json] = None


class UpdateOrgMembership(
    Action,
    name="clerk_org_membership_update",
    resource=ORG_MEMBERSHIPS,
    route=PATCH("/organizations/{organization_id}/memberships/{user_id}"),
    effect=WRITE,
):
    """Change a member's role."""

    organization_id: Id
    user_id: Id
    role: str = needed(ROLE)


class DeleteOrgMembership(
    Action,
    name="clerk_org_membership_delete",
    resource=ORG_MEMBERSHIPS,
    route=DELETE("/organizations/{organization_id}/memberships/{user_id}"),
    effect=DESTRUCTIVE,
):
    """Remove a user from an organization; the user remains."""

    organization_id: Id
    user_id: Id
