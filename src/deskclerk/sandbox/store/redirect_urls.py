"""Where users may be sent back to."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, time_column

redirect_urls = Table(
    "redirect_urls",
    metadata,
    id_column(),
    instance_column(),
    Column("url", Text, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "url", name="redirect_urls_url"),
    Index("redirect_urls_created", "instance_id", "created_at", "id"),
)
