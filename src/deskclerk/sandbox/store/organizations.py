"""Organizations and what belongs to them: members, domains, roles, invitations of both kinds."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint, text

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
    # An organization outlives who made it.
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


organization_domains = Table(
    "organization_domains",
    metadata,
    id_column(),
    instance_column(),
    reference("organization_id", "organizations.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("enrollment_mode", String(32), nullable=False),
    Column("verified", Boolean, nullable=False),
    time_column("ownership_verified_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("organization_id", "name", name="organization_domains_name"),
    Index("organization_domains_created", "instance_id", "created_at", "id"),
)

# Many organizations may name a domain; verified, it belongs to one in its instance.
_verified = text("verified")
Index(
    "organization_domains_verified",
    organization_domains.c.instance_id,
    organization_domains.c.name,
    unique=True,
    sqlite_where=_verified,
)


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


def _common() -> list[Column[Any]]:
    """The columns that both kinds have."""
    return [
        Column("email_address", Text, nullable=False),
        Column("status", String(16), nullable=False),
        Column("ticket", Text, nullable=False),
        Column("redirect_url", Text),
        json_column("public_metadata"),
        time_column("expires_at"),
        time_column("created_at"),
        time_column("updated_at"),
    ]


invitations = Table(
    "invitations",
    metadata,
    id_column(),
    instance_column(),
    Column("beside_others", Boolean, nullable=False),
    *_common(),
    Index("invitations_created", "instance_id", "created_at", "id"),
    Index("invitations_email_address", "instance_id", "email_address"),
)
"""`status` is the last one set; a `pending` one whose time is over counts as `expired`.

`beside_others`: made although the address was invited already.
"""

organization_invitations = Table(
    "organization_invitations",
    metadata,
    id_column(),
    instance_column(),
    reference("organization_id", "organizations.id", nullable=False),
    reference("inviter_id", "users.id", ondelete="SET NULL"),
    Column("role", String(128), nullable=False),
    json_column("private_metadata"),
    *_common(),
    Index("organization_invitations_created", "organization_id", "created_at", "id"),
    Index("organization_invitations_email_address", "organization_id", "email_address"),
    Index("organization_invitations_inviter", "inviter_id"),
)

# An address has one pending invitation, however many requests come at once; those made beside others
# do not count.
_alone, _pending = text("status = 'pending' AND NOT beside_others"), text("status = 'pending'")
Index(
    "invitations_pending",
    invitations.c.instance_id,
    invitations.c.email_address,
    unique=True,
    sqlite_where=_alone,
)
Index(
    "organization_invitations_pending",
    organization_invitations.c.organization_id,
    organization_invitations.c.email_address,
    unique=True,
    sqlite_where=_pending,
)
