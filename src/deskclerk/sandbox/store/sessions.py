"""Sessions of users."""

from sqlalchemy import Column, Index, String, Table

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("client_id", String(ID_LENGTH), nullable=False),
    Column("status", String(16), nullable=False),
    Column("last_active_organization_id", String(ID_LENGTH)),
    json_column("latest_activity", nullable=True),
    json_column("actor", nullable=True),
    time_column("last_active_at"),
    time_column("expire_at"),
    time_column("abandon_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("sessions_user", "user_id", "created_at"),
    Index("sessions_client", "client_id", "created_at"),
    Index("sessions_created", "instance_id", "created_at", "id"),
)
"""`status` is the last one set; an `active` one whose time is over counts as `expired` or `abandoned`."""
