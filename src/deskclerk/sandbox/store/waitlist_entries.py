"""Who waits to be invited to the application."""

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, reference, time_column

waitlist_entries = Table(
    "waitlist_entries",
    metadata,
    id_column(),
    instance_column(),
    Column("email_address", Text, nullable=False),
    Column("status", String(16), nullable=False),
    reference("invitation_id", "invitations.id", ondelete="SET NULL"),
    time_column("invited_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "email_address", name="waitlist_entries_email_address"),
    Index("waitlist_entries_created", "instance_id", "created_at", "id"),
)
