"""Roles of organizations, the permissions in them, and the sets of roles that an organization offers."""

from typing import Annotated, Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Nullable, Offset, Sorted
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE, Answers

TOOLSET = "organizations-plus"

ORG_ROLES = Resource(
    "org-roles",
    "organization role",
    (
        "id",
        "name",
        "key",
        "description",
        "is_creator_eligible",
        "permissions",
        "created_at",
    ),
    object="role",
)


class ListOrgRoles(
    ReadAction,
    name="clerk_org_roles_list",
    resource=ORG_ROLES,
    route=GET("/organization_roles"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the roles that members of organizations can have, with their permissions."""

    query: str | None = None
    order_by: Annotated[str, Sorted("created_at", "name", "key")] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetOrgRole(
    ReadAction,
    name="clerk_org_role_get",
    resource=ORG_ROLES,
    route=GET("/organization_roles/{organization_role_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one role with its permissions."""

    organization_role_id: Id


class CreateOrgRole(
    Action,
    name="clerk_org_role_create",
    resource=ORG_ROLES,
    route=POST("/organization_roles"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Create a role for members of organizations."""

    name: str
    key: str
    description: Nullable[str] = None
    permissions: Nullable[list[str]] = None
    include_in_initial_role_set: Nullable[bool] = None


class UpdateOrgRole(
    Action,
    name="clerk_org_role_update",
    resource=ORG_ROLES,
    route=PATCH("/organization_roles/{organization_role_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change a role; `permissions` replaces all that it has."""

    organization_role_id: Id
    name: Nullable[str] = None
    key: Nullable[str] = None
    description: Nullable[str] = None
    permissions: Nullable[list[str]] = None


class DeleteOrgRole(
    Action,
    name="clerk_org_role_delete",
    resource=ORG_ROLES,
    route=DELETE("/organization_roles/{organization_role_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete a role; no member may have it any more."""

    organization_role_id: Id


class AssignRolePermission(
    Action,
    name="clerk_org_role_permission_assign",
    titled="Assign permission to organization role",
    resource=ORG_ROLES,
    route=POST("/organization_roles/{organization_role_id}/permissions/{permission_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Give a permission to all who have a role."""

    organization_role_id: Id
    permission_id: Id


class RemoveRolePermission(
    Action,
    name="clerk_org_role_permission_remove",
    titled="Remove permission from organization role",
    resource=ORG_ROLES,
    route=DELETE("/organization_roles/{organization_role_id}/permissions/{permission_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Take a permission from all who have a role."""

    organization_role_id: Id
    permission_id: Id


ORG_PERMISSIONS = Resource(
    "org-permissions",
    "organization permission",
    (
        "id",
        "name",
        "key",
        "description",
        "type",
        "created_at",
    ),
    object="permission",
)


class ListOrgPermissions(
    ReadAction,
    name="clerk_org_permissions_list",
    resource=ORG_PERMISSIONS,
    route=GET("/organization_permissions"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the permissions that roles can hold."""

    query: str | None = None
    order_by: Annotated[str, Sorted("created_at", "name", "key")] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetOrgPermission(
    ReadAction,
    name="clerk_org_permission_get",
    resource=ORG_PERMISSIONS,
    route=GET("/organization_permissions/{permission_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one permission."""

    permission_id: Id


class CreateOrgPermission(
    Action,
    name="clerk_org_permission_create",
    resource=ORG_PERMISSIONS,
    route=POST("/organization_permissions"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Create a permission that roles can hold."""

    name: str
    key: str
    description: str | None = None


class UpdateOrgPermission(
    Action,
    name="clerk_org_permission_update",
    resource=ORG_PERMISSIONS,
    route=PATCH("/organization_permissions/{permission_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change the name, key or description of a permission."""

    permission_id: Id
    name: str | None = None
    key: str | None = None
    description: str | None = None


class DeleteOrgPermission(
    Action,
    name="clerk_org_permission_delete",
    resource=ORG_PERMISSIONS,
    route=DELETE("/organization_permissions/{permission_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete a permission: every role loses it."""

    permission_id: Id


ROLE_SETS = Resource(
    "role-sets",
    "role set",
    (
        "id",
        "name",
        "key",
        "description",
        "roles",
        "default_role",
        "creator_role",
        "type",
        "role_set_migration",
        "created_at",
    ),
)


class ListRoleSets(
    ReadAction,
    name="clerk_role_sets_list",
    resource=ROLE_SETS,
    route=GET("/role_sets"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the sets of roles that organizations can offer their members."""

    query: str | None = None
    order_by: Annotated[str, Sorted("created_at", "name", "key")] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetRoleSet(
    ReadAction,
    name="clerk_role_set_get",
    resource=ROLE_SETS,
    route=GET("/role_sets/{role_set_key_or_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one role set by key or id."""

    role_set_key_or_id: Id


class CreateRoleSet(
    Action,
    name="clerk_role_set_create",
    resource=ROLE_SETS,
    route=POST("/role_sets"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Create a set of roles that organizations can offer."""

    name: str
    default_role_key: str
    creator_role_key: str
    roles: list[str]
    key: str | None = None
    description: Nullable[str] = None
    type: Literal["initial", "custom"] | None = None


class UpdateRoleSet(
    Action,
    name="clerk_role_set_update",
    resource=ROLE_SETS,
    route=PATCH("/role_sets/{role_set_key_or_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change a role set: its name, key, default role or creator's role."""

    role_set_key_or_id: Id
    name: Nullable[str] = None
    key: Nullable[str] = None
    description: Nullable[str] = None
    type: Nullable[Literal["initial"]] = None
    default_role_key: Nullable[str] = None
    creator_role_key: Nullable[str] = None


class ReplaceRoleSet(
    Action,
    name="clerk_role_set_replace",
    resource=ROLE_SETS,
    route=POST("/role_sets/{role_set_key_or_id}/replace"),
    effect=DESTRUCTIVE,
    answers=Answers(keys=("deleted",)),
    toolset=TOOLSET,
):
    """Move every organization of a role set to another one, and delete it."""

    role_set_key_or_id: Id
    dest_role_set_key: str
    reassignment_mappings: Json | None = None


class AddRoleSetRoles(
    Action,
    name="clerk_role_set_roles_add",
    titled="Add roles to role set",
    resource=ROLE_SETS,
    route=POST("/role_sets/{role_set_key_or_id}/roles"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Add roles to a role set."""

    role_set_key_or_id: Id
    role_keys: list[str]
    default_role_key: str | None = None
    creator_role_key: str | None = None


class ReplaceRoleSetRole(
    Action,
    name="clerk_role_set_role_replace",
    titled="Replace role in role set",
    resource=ROLE_SETS,
    route=POST("/role_sets/{role_set_key_or_id}/roles/replace"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Take a role out of a role set and give its members another one."""

    role_set_key_or_id: Id
    role_key: str
    to_role_key: str
