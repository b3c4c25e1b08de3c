"""A plan keeps the person who asked for it, where the desk knows people."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("plans", sa.Column("person", sa.String(40)))
