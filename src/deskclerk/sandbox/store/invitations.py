"""Invitations, to the application and to its organizations."""

from typing import Any

from sqlalchemy import Boolean, Column, Index, String, Table, Text, text

from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)


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

_alone, _pending = text("status = 'pending' AND NOT beside_others"), text("status = 'pending'")
Index(
    "invitations_pending",
    invitations.c.instance_id,
    invitations.c.email_address,
    unique=True,
    sqlite_where=_alone,
    postgresql_where=_alone,
)
Index(
    "organization_invitations_pending",
    organization_invitations.c.organization_id,
    organization_invitations.c.email_address,
    unique=True,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
