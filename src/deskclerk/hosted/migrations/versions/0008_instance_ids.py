"""What Clerk itself calls an instance: by it another key is known to be of the same."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those that are there it is asked when they get another key."""
    op.add_column("instances", sa.Column("clerk_id", sa.String(64)))
