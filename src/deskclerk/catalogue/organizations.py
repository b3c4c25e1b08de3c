"""Organizations: the companies or teams that users belong to."""

from typing import Annotated, Any

from annotated_types import Ge

from deskclerk.catalogue.action import Action, ReadAction, Resource, in_turn
from deskclerk.catalogue.fields import (
    Id,
    Json,
    Limit,
    Metadata,
    Name,
    Nullable,
    Offset,
    Rfc3339,
    Sorted,
    Texts,
    about,
    needed,
)
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE, Send
from deskclerk.catalogue.users import SIGNED_IDS, fields_and_metadata

ORGANIZATIONS = Resource(
    "organizations",
    "organization",
    (
        "id",
        "name",
        "slug",
        "members_count",
        "max_allowed_memberships",
        "public_metadata",
        "created_by",
        "created_at",
    ),
    in_lists=("id", "name", "slug", "members_count"),
)


class ListOrganizations(
    ReadAction,
    name="clerk_organizations_list",
    resource=ORGANIZATIONS,
    route=GET("/organizations"),
    effect=READ,
    wrapped=True,
):
    """Find organizations by text, id or member; newest first."""

    include_members_count: bool | None = None
    include_missing_member_with_elevated_permissions: bool | None = None
    query: str | None = about("id, or part of a name or slug")
    user_id: Texts | None = about(f"with these members; {SIGNED_IDS}")
    organization_id: Texts | None = about(SIGNED_IDS)
    order_by: Annotated[str, Sorted("name", "created_at", "members_count")] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetOrganization(
    ReadAction,
    name="clerk_organization_get",
    resource=ORGANIZATIONS,
    route=GET("/organizations/{organization_id}"),
    effect=READ,
):
    """Read one organization by id or slug."""

    organization_id: Id = needed("or slug")
    include_members_count: bool | None = None
    include_missing_member_with_elevated_permissions: bool | None = None


class CreateOrganization(
    Action,
    name="clerk_organization_create",
    resource=ORGANIZATIONS,
    route=POST("/organizations"),
    effect=WRITE,
):
    """Create an organization; `created_by` becomes its first admin."""

    name: Name
    created_by: Nullable[str] = about("user id")
    private_metadata: Nullable[Json] = None
    public_metadata: Nullable[Json] = None
    slug: Nullable[str] = about("a-z, 0-9, '-'; unique")
    max_allowed_memberships: Nullable[Annotated[int, Ge(0)]] = about("0: no limit")
    created_at: Nullable[Rfc3339] = None
    role_set_key: Nullable[str] = None


class UpdateOrganization(
    Action,
    name="clerk_organization_update",
    resource=ORGANIZATIONS,
    route=PATCH("/organizations/{organization_id}"),
    also=(PATCH("/organizations/{organization_id}/metadata"),),
    effect=WRITE,
):
    """Change fields of an organization. Metadata is merged deeply, null deletes a key."""

    organization_id: Id
    name: Nullable[Name] = None
    slug: Nullable[str] = None
    max_allowed_memberships: Nullable[Annotated[int, Ge(0)]] = None
    admin_delete_enabled: Nullable[bool] = about("admins may delete it themselves")
    created_at: Nullable[Rfc3339] = None
    role_set_key: Nullable[str] = None
    public_metadata: Annotated[Json | None, Metadata()] = None
    private_metadata: Annotated[Json | None, Metadata()] = None

    async def perform(self, send: Send) -> Any:
        """Fields and metadata are two routes since API version 2026-05-12."""
        return await in_turn(send, fields_and_metadata(self))


class DeleteOrganization(
    Action,
    name="clerk_organization_delete",
    resource=ORGANIZATIONS,
    route=DELETE("/organizations/{organization_id}"),
    effect=DESTRUCTIVE,
):
    """Delete an organization for good, with its memberships and invitations."""

    organization_id: Id
