"""Machines, whom they may call, their keys and tokens; and API keys, whoever they are of."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text

from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

_DIGEST_LENGTH = 64

machines = Table(
    "machines",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("default_token_ttl", BigInteger, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    Index("machines_created", "instance_id", "created_at", "id"),
    Index("machines_by_name", "instance_id", "name_folded", "id"),
)
"""`default_token_ttl` is in seconds."""

machine_scopes = Table(
    "machine_scopes",
    metadata,
    instance_column(),
    reference("from_machine_id", "machines.id", nullable=False, primary_key=True),
    reference("to_machine_id", "machines.id", nullable=False, primary_key=True),
    time_column("created_at"),
    Index("machine_scopes_instance", "instance_id"),
    Index("machine_scopes_to", "to_machine_id"),
)
"""Which machine may call which other one."""

machine_keys = Table(
    "machine_keys",
    metadata,
    id_column(),
    instance_column(),
    reference("machine_id", "machines.id", nullable=False),
    Column("secret", Text, nullable=False),
    Column("secret_digest", String(_DIGEST_LENGTH), nullable=False, unique=True),
    time_column("expires_at", nullable=True),
    time_column("created_at"),
    Index("machine_keys_instance", "instance_id"),
    Index("machine_keys_machine", "machine_id"),
)
"""The secret keys of machines: one of each that does not end, and those that it replaced until they end."""

m2m_tokens = Table(
    "m2m_tokens",
    metadata,
    id_column(),
    instance_column(),
    reference("machine_id", "machines.id", nullable=False),
    json_column("claims", nullable=True),
    json_column("scopes"),
    Column("contents_digest", String(_DIGEST_LENGTH), nullable=False),
    Column("secret", Text, nullable=False),
    Column("secret_digest", String(_DIGEST_LENGTH), nullable=False, unique=True),
    Column("revoked", Boolean, nullable=False),
    Column("revocation_reason", Text),
    time_column("expires_at"),
    time_column("last_used_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    Index("m2m_tokens_instance", "instance_id"),
    Index("m2m_tokens_created", "machine_id", "created_at", "id"),
    Index("m2m_tokens_contents", "machine_id", "contents_digest", "expires_at"),
)
"""Opaque ones alone; `contents_digest` is of claims and scopes: by it one is found that can be reused."""

api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id"),
    reference("organization_id", "organizations.id"),
    reference("machine_id", "machines.id"),
    Column("type", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("description", Text),
    json_column("claims", nullable=True),
    json_column("scopes"),
    Column("secret", Text, nullable=False),
    Column("secret_digest", String(_DIGEST_LENGTH), nullable=False, unique=True),
    Column("revoked", Boolean, nullable=False),
    Column("revocation_reason", Text),
    reference("created_by", "users.id", ondelete="SET NULL"),
    time_column("expires_at", nullable=True),
    time_column("last_used_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    Index("api_keys_instance", "instance_id"),
    Index("api_keys_user", "user_id", "created_at", "id"),
    Index("api_keys_organization", "organization_id", "created_at", "id"),
    Index("api_keys_machine", "machine_id", "created_at", "id"),
    Index("api_keys_created_by", "created_by"),
)
"""One of user, organization and machine is given: whose key it is."""
