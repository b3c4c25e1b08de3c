"""Machines, whom they may call, their keys and tokens; and API keys."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "machines",
        sa.Column("id", sa.String(length=64), nullable=False),
        *_instance(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("default_token_ttl", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("machines_created", "machines", ["instance_id", "created_at", "id"])
    op.create_index("machines_by_name", "machines", ["instance_id", "name_folded", "id"])
    op.create_table(
        "machine_scopes",
        *_instance(),
        *_reference("from_machine_id", "machines", nullable=False),
        *_reference("to_machine_id", "machines", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("from_machine_id", "to_machine_id"),
    )
    op.create_index("machine_scopes_instance", "machine_scopes", ["instance_id"])
    op.create_index("machine_scopes_to", "machine_scopes", ["to_machine_id"])
    op.create_table(
        "machine_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        *_instance(),
        *_reference("machine_id", "machines", nullable=False),
        *_secret(),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("machine_keys_instance", "machine_keys", ["instance_id"])
    op.create_index("machine_keys_machine", "machine_keys", ["machine_id"])
    _create_tokens()
    _create_api_keys()


def _create_tokens() -> None:
    op.create_table(
        "m2m_tokens",
        sa.Column("id", sa.String(length=64), nullable=False),
        *_instance(),
        *_reference("machine_id", "machines", nullable=False),
        sa.Column("claims", sa.JSON(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("contents_digest", sa.String(length=64), nullable=False),
        *_secret(),
        *_life(ends=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("m2m_tokens_instance", "m2m_tokens", ["instance_id"])
    op.create_index("m2m_tokens_created", "m2m_tokens", ["machine_id", "created_at", "id"])
    op.create_index("m2m_tokens_contents", "m2m_tokens", ["machine_id", "contents_digest", "expires_at"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        *_instance(),
        *_reference("user_id", "users"),
        *_reference("organization_id", "organizations"),
        *_reference("machine_id", "machines"),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("claims", sa.JSON(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        *_secret(),
        *_reference("created_by", "users", ondelete="SET NULL"),
        *_life(ends=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("api_keys_instance", "api_keys", ["instance_id"])
    op.create_index("api_keys_created_by", "api_keys", ["created_by"])
    for owner in ("user", "organization", "machine"):
        op.create_index(f"api_keys_{owner}", "api_keys", [f"{owner}_id", "created_at", "id"])


def _instance() -> Iterator[Any]:
    return _reference("instance_id", "instances", nullable=False)


def _reference(name: str, table: str, *, nullable: bool = True, ondelete: str = "CASCADE") -> Iterator[Any]:
    yield sa.Column(name, sa.String(length=64), nullable=nullable)
    yield sa.ForeignKeyConstraint([name], [f"{table}.id"], ondelete=ondelete)


def _secret() -> Iterator[Any]:
    yield sa.Column("secret", sa.Text(), nullable=False)
    yield sa.Column("secret_digest", sa.String(length=64), nullable=False)
    yield sa.UniqueConstraint("secret_digest")


def _life(*, ends: bool) -> Iterator[Any]:
    """Whether it was revoked, and its moments."""
    yield sa.Column("revoked", sa.Boolean(), nullable=False)
    yield sa.Column("revocation_reason", sa.Text(), nullable=True)
    yield sa.Column("expires_at", sa.BigInteger(), nullable=not ends)
    yield sa.Column("last_used_at", sa.BigInteger(), nullable=True)
    yield sa.Column("created_at", sa.BigInteger(), nullable=False)
    yield sa.Column("updated_at", sa.BigInteger(), nullable=False)
