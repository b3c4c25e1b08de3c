"""Directories: users and groups that a company's identity provider keeps up to date (SCIM and others)."""

from typing import Annotated

from annotated_types import Ge, MaxLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Offset, Part
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Answers

TOOLSET = "enterprise"

DIRECTORIES = Resource(
    "directories",
    "directory",
    (
        "id",
        "name",
        "enterprise_connection_id",
        "endpoint_url",
        "provider",
        "enabled",
        "group_role_mapping_enabled",
        "attribute_mapping",
        "custom_attributes",
        "api_key",
        "created_at",
    ),
)


class ListDirectories(
    ReadAction,
    name="clerk_directories_list",
    resource=DIRECTORIES,
    route=GET("/directories"),
    effect=READ,
    wrapped=True,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """List the directories that keep users up to date."""

    limit: Limit | None = None
    offset: Offset | None = None


class GetDirectory(
    ReadAction,
    name="clerk_directory_get",
    resource=DIRECTORIES,
    route=GET("/directories/{directory_id}"),
    effect=READ,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Read one directory."""

    directory_id: Id


class DirectoryGroup(Part):
    """A group of a directory and the role that it gives."""

    directory_group_id: str | None = None
    scim_group_id: str | None = None
    directory_group_display_name: Annotated[str, MaxLen(255)] | None = None
    scim_group_display_name: Annotated[str, MaxLen(255)] | None = None
    role_id: str
    precedence: Annotated[int, Ge(1)] | None = None


class CreateDirectory(
    Action,
    name="clerk_directory_create",
    resource=DIRECTORIES,
    route=POST("/directories"),
    effect=WRITE,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Connect a company's directory; its key goes to a person."""

    enterprise_connection_id: str
    provider: str
    name: str | None = None
    group_role_mappings: list[DirectoryGroup] | None = None


class UpdateDirectory(
    Action,
    name="clerk_directory_update",
    resource=DIRECTORIES,
    route=PATCH("/directories/{directory_id}"),
    effect=WRITE,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Change a directory, or turn it on or off."""

    directory_id: Id
    name: str | None = None
    enabled: bool | None = None
    provider: str | None = None
    attribute_mapping: Json | None = None
    group_role_mapping_enabled: bool | None = None


class DeleteDirectory(
    Action,
    name="clerk_directory_delete",
    resource=DIRECTORIES,
    route=DELETE("/directories/{directory_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete a directory: it keeps nobody up to date any more."""

    directory_id: Id


class RotateDirectoryKey(
    Action,
    name="clerk_directory_key_rotate",
    resource=DIRECTORIES,
    route=POST("/directories/{directory_id}/rotate_api_key"),
    effect=DESTRUCTIVE,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Give a directory a new key; the old one stops working."""

    directory_id: Id


DIRECTORY_GROUPS = Resource(
    "directory-group-roles",
    "directory group's role",
    (
        "id",
        "directory_id",
        "scim_directory_id",
        "directory_group_id",
        "scim_group_id",
        "directory_group_display_name",
        "scim_group_display_name",
        "role",
        "precedence",
        "created_at",
    ),
    object="directory_group_role_mapping",
)


class ListDirectoryGroupRoles(
    ReadAction,
    name="clerk_directory_group_roles_list",
    resource=DIRECTORY_GROUPS,
    route=GET("/directories/{directory_id}/group_role_mappings"),
    effect=READ,
    wrapped=True,
    paged=False,
    toolset=TOOLSET,
):
    """List which groups of a directory give which role."""

    directory_id: Id


class CreateDirectoryGroupRole(
    Action,
    name="clerk_directory_group_role_create",
    resource=DIRECTORY_GROUPS,
    route=POST("/directories/{directory_id}/group_role_mappings"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Let a group of a directory give a role."""

    directory_id: Id
    role_id: str
    directory_group_id: str | None = None
    scim_group_id: str | None = None
    precedence: Annotated[int, Ge(1)] | None = None


class DirectoryGroupRole(Part):
    """A group of a directory and the role that it gives; the first of the list counts most."""

    directory_group_id: str | None = None
    scim_group_id: str | None = None
    role_id: str


class ReplaceDirectoryGroupRoles(
    Action,
    name="clerk_directory_group_roles_replace",
    titled="Replace all groups' roles of directory",
    resource=DIRECTORY_GROUPS,
    route=PUT("/directories/{directory_id}/group_role_mappings"),
    effect=DESTRUCTIVE,
    answers=Answers("directory_group_role_mapping", many=True),
    toolset=TOOLSET,
):
    """Put new roles of groups in the place of all that a directory has."""

    directory_id: Id
    mappings: list[DirectoryGroupRole]


class DeleteDirectoryGroupRole(
    Action,
    name="clerk_directory_group_role_delete",
    resource=DIRECTORY_GROUPS,
    route=DELETE("/directories/{directory_id}/group_role_mappings/{mapping_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Let a group of a directory give its role no longer."""

    directory_id: Id
    mapping_id: Id


SCIM_DIRECTORIES = Resource(
    "scim-directories",
    "SCIM directory",
    (
        "id",
        "name",
        "enterprise_connection_id",
        "endpoint_url",
        "provider",
        "enabled",
        "group_role_mapping_enabled",
        "attribute_mapping",
        "custom_attributes",
        "api_key",
        "created_at",
    ),
)


class ListScimDirectories(
    ReadAction,
    name="clerk_scim_directories_list",
    resource=SCIM_DIRECTORIES,
    route=GET("/scim_directories"),
    effect=READ,
    wrapped=True,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """List the SCIM directories that keep users up to date."""

    limit: Limit | None = None
    offset: Offset | None = None


class GetScimDirectory(
    ReadAction,
    name="clerk_scim_directory_get",
    resource=SCIM_DIRECTORIES,
    route=GET("/scim_directories/{scim_directory_id}"),
    effect=READ,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Read one SCIM directory."""

    scim_directory_id: Id


class ScimGroup(Part):
    """A SCIM group and the role that it gives."""

    scim_group_id: str
    scim_group_display_name: Annotated[str, MaxLen(255)] | None = None
    role_id: str
    precedence: Annotated[int, Ge(1)] | None = None


class CreateScimDirectory(
    Action,
    name="clerk_scim_directory_create",
    resource=SCIM_DIRECTORIES,
    route=POST("/scim_directories"),
    effect=WRITE,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Connect a company's SCIM directory; its key goes to a person."""

    enterprise_connection_id: str
    provider: str
    name: str | None = None
    group_role_mappings: list[ScimGroup] | None = None


class UpdateScimDirectory(
    Action,
    name="clerk_scim_directory_update",
    resource=SCIM_DIRECTORIES,
    route=PATCH("/scim_directories/{scim_directory_id}"),
    effect=WRITE,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Change a SCIM directory, or turn it on or off."""

    scim_directory_id: Id
    name: str | None = None
    enabled: bool | None = None
    provider: str | None = None
    attribute_mapping: Json | None = None
    group_role_mapping_enabled: bool | None = None


class DeleteScimDirectory(
    Action,
    name="clerk_scim_directory_delete",
    resource=SCIM_DIRECTORIES,
    route=DELETE("/scim_directories/{scim_directory_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete a SCIM directory: it keeps nobody up to date any more."""

    scim_directory_id: Id


class RotateScimDirectoryKey(
    Action,
    name="clerk_scim_directory_key_rotate",
    resource=SCIM_DIRECTORIES,
    route=POST("/scim_directories/{scim_directory_id}/rotate_api_key"),
    effect=DESTRUCTIVE,
    hands_over=("api_key",),
    toolset=TOOLSET,
):
    """Give a SCIM directory a new key; the old one stops working."""

    scim_directory_id: Id


SCIM_GROUPS = Resource(
    "scim-group-roles",
    "SCIM group's role",
    (
        "id",
        "scim_directory_id",
        "directory_id",
        "scim_group_id",
        "directory_group_id",
        "scim_group_display_name",
        "directory_group_display_name",
        "role",
        "precedence",
        "created_at",
    ),
    object="scim_group_role_mapping",
)


class ListScimGroupRoles(
    ReadAction,
    name="clerk_scim_group_roles_list",
    resource=SCIM_GROUPS,
    route=GET("/scim_directories/{scim_directory_id}/group_role_mappings"),
    effect=READ,
    wrapped=True,
    paged=False,
    toolset=TOOLSET,
):
    """List which groups of a SCIM directory give which role."""

    scim_directory_id: Id


class CreateScimGroupRole(
    Action,
    name="clerk_scim_group_role_create",
    resource=SCIM_GROUPS,
    route=POST("/scim_directories/{scim_directory_id}/group_role_mappings"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Let a group of a SCIM directory give a role."""

    scim_directory_id: Id
    scim_group_id: str
    role_id: str
    precedence: Annotated[int, Ge(1)] | None = None


class ScimGroupRole(Part):
    """A SCIM group and the role that it gives; the first of the list counts most."""

    scim_group_id: str
    role_id: str


class ReplaceScimGroupRoles(
    Action,
    name="clerk_scim_group_roles_replace",
    titled="Replace all groups' roles of SCIM directory",
    resource=SCIM_GROUPS,
    route=PUT("/scim_directories/{scim_directory_id}/group_role_mappings"),
    effect=DESTRUCTIVE,
    answers=Answers("scim_group_role_mapping", many=True),
    toolset=TOOLSET,
):
    """Put new roles of groups in the place of all that a SCIM directory has."""

    scim_directory_id: Id
    mappings: list[ScimGroupRole]


class DeleteScimGroupRole(
    Action,
    name="clerk_scim_group_role_delete",
    resource=SCIM_GROUPS,
    route=DELETE("/scim_directories/{scim_directory_id}/group_role_mappings/{mapping_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Let a group of a SCIM directory give its role no longer."""

    scim_directory_id: Id
    mapping_id: Id
