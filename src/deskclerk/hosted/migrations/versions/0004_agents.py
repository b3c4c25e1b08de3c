"""Agents, a workspace's own tokens, and the OAuth clients that came to it."""

import sqlalchemy as sa
from alembic import op

from deskclerk.hosted.isolation import DEFAULT, protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "agents",
        sa.Column("id", sa.String(40), primary_key=True),
        _workspace(),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(40), nullable=False),
        sa.UniqueConstraint("workspace", "name"),
    )
    op.create_table(
        "agent_tokens",
        sa.Column("id", sa.String(40), primary_key=True),
        _workspace(),
        sa.Column("agent", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("beginning", sa.String(16), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
    )
    op.create_index("agent_tokens_of_workspace", "agent_tokens", ["workspace", "agent"])
    op.create_table(
        "agent_clients",
        _workspace(key=True),
        sa.Column("issuer", sa.String(512), primary_key=True),
        sa.Column("client_id", sa.String(512), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("agent", sa.String(40)),
        sa.Column("calls_itself", sa.Text, nullable=False),
        sa.Column("first_by", sa.String(40), nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("decided_by", sa.String(40)),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
    )
    for table in ("agents", "agent_tokens", "agent_clients"):
        protect(table)


def _workspace(*, key: bool = False) -> "sa.Column[str]":
    return sa.Column(
        "workspace",
        sa.String(40),
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=key,
        nullable=False,
        server_default=sa.text(DEFAULT),
    )
