"""Signatures on plans that want more than one."""

import sqlalchemy as sa
from alembic import op

from deskclerk.hosted.isolation import DEFAULT, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "signatures",
        _workspace(),
        sa.Column("plan", sa.String(40), primary_key=True),
        sa.Column("person", sa.String(40), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
    )
    protect("signatures")


def _workspace() -> "sa.Column[str]":
    return sa.Column(
        "workspace",
        sa.String(40),
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        server_default=sa.text(DEFAULT),
    )
