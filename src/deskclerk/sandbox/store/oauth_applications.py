"""OAuth applications."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, json_column, metadata, time_column

oauth_applications = Table(
    "oauth_applications",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("client_secret_digest", String(64)),
    json_column("redirect_uris"),
    Column("scopes", Text, nullable=False),
    Column("consent_screen_enabled", Boolean, nullable=False),
    Column("pkce_required", Boolean, nullable=False),
    Column("public", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("client_id", name="oauth_applications_client_id"),
    Index("oauth_applications_created", "instance_id", "created_at", "id"),
    Index("oauth_applications_name", "instance_id", "name_folded", "id"),
)
"""Of the client secret only its SHA-256 is kept; a public application has none."""
