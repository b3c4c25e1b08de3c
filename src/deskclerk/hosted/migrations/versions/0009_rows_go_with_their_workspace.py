"""Rows of the desk's tables go with their workspace, and none comes after it is gone."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# In the order in which writers come to them, as replicas of the version before write meanwhile.
_TABLES = (
    "jobs",
    "job_items",
    "plans",
    "signer",
    "consoles",
    "console_links",
    "notifications",
    "events",
    "heads",
)


def upgrade() -> None:
    """What is there is not gone through, so that nobody waits: it holds for what comes."""
    for table in _TABLES:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_workspace_stands FOREIGN KEY (workspace) "
            "REFERENCES workspaces (id) ON DELETE CASCADE NOT VALID"
        )
