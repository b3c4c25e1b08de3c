"""Data keys, sealed secrets and hand-overs."""

import sqlalchemy as sa
from alembic import op

from deskclerk.hosted.isolation import DEFAULT, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "data_keys",
        _workspace(),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("wrapped", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sealed_secrets",
        _workspace(),
        sa.Column("instance", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    op.create_table(
        "handovers",
        _workspace(),
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("instance", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    for table in ("data_keys", "sealed_secrets", "handovers"):
        protect(table)


def _workspace() -> "sa.Column[str]":
    return sa.Column(
        "workspace",
        sa.String(40),
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        server_default=sa.text(DEFAULT),
    )
