"""Directories that identity providers keep users up to date with, and the roles that their groups give."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

GROUP_LENGTH = 255

directories = Table(
    "directories",
    metadata,
    id_column(),
    instance_column(),
    # Its key and what its groups give outlive the connection.
    reference("enterprise_connection_id", "enterprise_connections.id", ondelete="SET NULL"),
    Column("name", Text, nullable=False),
    Column("provider", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("group_role_mapping_enabled", Boolean, nullable=False),
    json_column("attribute_mapping"),
    Column("api_key_digest", String(64), nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("enterprise_connection_id", name="directories_connection"),
    Index("directories_created", "instance_id", "created_at", "id"),
)
"""A connection has one directory."""

directory_group_roles = Table(
    "directory_group_roles",
    metadata,
    id_column(),
    instance_column(),
    reference("directory_id", "directories.id", nullable=False),
    Column("group_id", String(GROUP_LENGTH), nullable=False),
    Column("group_display_name", String(GROUP_LENGTH), nullable=False),
    reference("role_id", "organization_roles.id", nullable=False),
    Column("precedence", BigInteger, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("directory_id", "group_id", name="directory_group_roles_group"),
    Index("directory_group_roles_precedence", "directory_id", "precedence", "id"),
    Index("directory_group_roles_role", "role_id"),
    Index("directory_group_roles_instance", "instance_id"),
)
"""A group gives one role; of somebody's groups, the one with the least `precedence` counts."""
