"""Destinations of notifications, and what is to be told to them."""

import sqlalchemy as sa
from alembic import op

from deskclerk.hosted.isolation import DEFAULT, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "destinations",
        sa.Column("id", sa.String(40), primary_key=True),
        _workspace(),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(40), nullable=False),
        sa.UniqueConstraint("workspace", "name"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(40), primary_key=True),
        _workspace(),
        sa.Column("destination", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("tried_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.String(16)),
        sa.Column("why", sa.Text),
    )
    op.create_index("notices_once", "notices", ["workspace", "destination", "subject"], unique=True)
    waits = sa.text("ended_at IS NULL")
    op.create_index("notices_due", "notices", ["next_at"], postgresql_where=waits)
    op.create_index("notices_waiting", "notices", ["workspace", "next_at", "id"], postgresql_where=waits)
    op.create_index("notices_tried", "notices", ["workspace", "tried_at"])
    for table in ("destinations", "notices"):
        protect(table)


def _workspace() -> "sa.Column[str]":
    return sa.Column(
        "workspace",
        sa.String(40),
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
        nullable=False,
        server_default=sa.text(DEFAULT),
    )
