"""Codes that were sent to an e-mail address or a phone number."""

from sqlalchemy import Column, Index, Integer, String, Table

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    metadata,
    reference,
    time_column,
)

verifications = Table(
    "verifications",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("identification_id", String(ID_LENGTH), nullable=False),
    Column("strategy", String(16), nullable=False),
    Column("code", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    time_column("expire_at"),
    time_column("created_at"),
    Index("verifications_user", "user_id", "identification_id"),
    Index("verifications_instance", "instance_id"),
)
"""`status` is the last one set; an `unverified` one whose time is over counts as `expired`."""
