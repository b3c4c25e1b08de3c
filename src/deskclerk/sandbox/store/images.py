"""Pictures that were uploaded."""

from sqlalchemy import Column, Index, LargeBinary, String, Table

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, time_column

images = Table(
    "images",
    metadata,
    id_column(),
    instance_column(),
    Column("content_type", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    time_column("created_at"),
    Index("images_instance", "instance_id"),
)
"""An image goes with what shows it: who replaces or removes a reference removes the row."""
