"""Tickets that sign somebody in: a user's own, and those that let an actor in as a user."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

sign_in_tokens = Table(
    "sign_in_tokens",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    reference("organization_id", "organizations.id"),
    Column("status", String(16), nullable=False),
    time_column("expires_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("sign_in_tokens_user", "user_id"),
    Index("sign_in_tokens_organization", "organization_id"),
)

actor_tokens = Table(
    "actor_tokens",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    json_column("actor"),
    Column("session_seconds", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    time_column("expires_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("actor_tokens_user", "user_id"),
)
"""`actor` is who comes in as the user, for sessions of at most `session_seconds`."""
