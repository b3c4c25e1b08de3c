"""What processes send to an instance, for the rate budget that they share."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "rate_usage",
        sa.Column("instance", sa.String(32), primary_key=True),
        sa.Column("usage", sa.Text, nullable=False),
    )
