"""Rows of the desk's tables go with their workspace, and none comes after it is gone."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = (
    "events",
    "heads",
    "plans",
    "signer",
    "consoles",
    "console_links",
    "jobs",
    "job_items",
    "notifications",
)


def upgrade() -> None:
    """What is there is not gone through, so that nobody waits: it holds for what comes."""
    for table in _TABLES:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_workspace_stands FOREIGN KEY (workspace) "
            "REFERENCES workspaces (id) ON DELETE CASCADE NOT VALID"
        )
