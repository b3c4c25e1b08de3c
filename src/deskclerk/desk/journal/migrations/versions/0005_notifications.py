"""Who was told of what waits, so that it is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "notifications",
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("destination", sa.String(80), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.String(16)),
        sa.Column("error", sa.Text),
    )
    op.create_index("notifications_by_destination", "notifications", ["destination", "created_at"])
