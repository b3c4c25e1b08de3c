"""Domains: one primary one for each instance, and its satellites."""

from sqlalchemy import Boolean, Column, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, time_column

domains = Table(
    "domains",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    Column("is_satellite", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "name", name="domains_name"),
)
