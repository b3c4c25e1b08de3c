"""Jobs: many writes under one signature."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and have the journal name the job that a write belongs to."""
    op.add_column("events", sa.Column("job", sa.String(40)))
    op.create_index("events_by_job", "events", ["job", "seq"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("instance", sa.String(32), nullable=False),
        sa.Column("face", sa.String(16), nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("token", sa.Text),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("plan", sa.String(40)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("wanted", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(80)),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("jobs_by_status", "jobs", ["status", "created_at"])
    op.create_table(
        "job_items",
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("secrets", sa.JSON(none_as_null=True)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("line", sa.Integer),
        sa.Column("target", sa.String(64)),
        sa.Column("undoes", sa.String(40)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("entry", sa.String(40)),
        sa.Column("made", sa.Text),
        sa.Column("error", sa.Text),
    )
    op.create_index("job_items_by_status", "job_items", ["job", "status", "number"])
