"""Domains whose e-mail addresses belong to an organization."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text, UniqueConstraint, text

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, reference, time_column

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

_verified = text("verified")
Index(
    "organization_domains_verified",
    organization_domains.c.instance_id,
    organization_domains.c.name,
    unique=True,
    sqlite_where=_verified,
    postgresql_where=_verified,
)
