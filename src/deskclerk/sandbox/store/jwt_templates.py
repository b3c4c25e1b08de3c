"""JWT templates."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, json_column, metadata, time_column

jwt_templates = Table(
    "jwt_templates",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    json_column("claims"),
    Column("lifetime", Integer, nullable=False),
    Column("allowed_clock_skew", Integer, nullable=False),
    Column("custom_signing_key", Boolean, nullable=False),
    Column("signing_algorithm", String(16), nullable=False),
    Column("signing_key", Text),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "name", name="jwt_templates_name"),
    Index("jwt_templates_created", "instance_id", "created_at", "id"),
)
"""`lifetime` and `allowed_clock_skew` are seconds; `signing_key` is never answered."""
