"""Running consoles and their one-time links."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "consoles",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("instance", sa.String(32), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "console_links",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("plan", sa.String(40)),
    )
