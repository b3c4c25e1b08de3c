"""Organizations and their members."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

organizations = Table(
    "organizations",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("slug", Text, nullable=False),
    reference("created_by", "users.id", ondelete="SET NULL"),
    Column("max_allowed_memberships", BigInteger, nullable=False),
    Column("admin_delete_enabled", Boolean, nullable=False),
    json_column("public_metadata"),
    json_column("private_metadata"),
    Column("role_set_key", Text),
    Column("logo_id", String(ID_LENGTH)),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "slug", name="organizations_slug"),
    Index("organizations_created", "instance_id", "created_at", "id"),
)
"""`max_allowed_memberships` 0: no limit. `name_folded` is the name case-folded, to search in."""

memberships = Table(
    "memberships",
    metadata,
    id_column(),
    instance_column(),
    reference("organization_id", "organizations.id", nullable=False),
    reference("user_id", "users.id", nullable=False),
    Column("role", String(128), nullable=False),
    json_column("public_metadata"),
    json_column("private_metadata"),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("organization_id", "user_id", name="memberships_member"),
    Index("memberships_user", "user_id"),
)
