"""Roles in organizations, and the permissions that they give."""

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, reference, time_column

organization_permissions = Table(
    "organization_permissions",
    metadata,
    id_column(),
    instance_column(),
    Column("key", String(255), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(16), nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "key", name="organization_permissions_key"),
)
"""`type` is `system` for those that every instance has, else `user`."""

organization_roles = Table(
    "organization_roles",
    metadata,
    id_column(),
    instance_column(),
    Column("key", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "key", name="organization_roles_key"),
)

role_permissions = Table(
    "role_permissions",
    metadata,
    reference("role_id", "organization_roles.id", nullable=False, primary_key=True),
    reference("permission_id", "organization_permissions.id", nullable=False, primary_key=True),
    Index("role_permissions_permission", "permission_id"),
)
"""Which role gives which permission."""
