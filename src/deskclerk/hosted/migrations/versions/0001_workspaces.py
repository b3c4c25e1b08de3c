"""Workspaces, and whose each row of the desk's tables is."""

import sqlalchemy as sa
from alembic import op

from deskclerk.database.scoping import ROLE
from deskclerk.errors import InvalidSettings
from deskclerk.hosted.isolation import DEFAULT, give_workspaces, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEYS = {"events": ("seq",), "heads": ("id",), "signer": ("id",)}
"""Primary keys that count anew in every workspace; the others are ids that no two rows ever share."""
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
    """Divide a new database; one that a desk of one machine has used is refused."""
    for used in ("events", "plans", "jobs"):
        if op.get_bind().execute(sa.text(f"SELECT 1 FROM {used} LIMIT 1")).first():  # noqa: S608 - ours
            raise InvalidSettings(
                "The database holds the plans and journal of a desk that is not hosted.",
                next_step="Give the hosted desk an empty PostgreSQL database.",
            )
    _role()
    for table in ("heads", "signer"):
        # The row of a desk with one journal; each workspace gets its own when it is made.
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
    for table in _TABLES:
        give_workspaces(table, _KEYS.get(table))
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON rate_usage TO {ROLE}")
    op.create_index("plans_of_workspace", "plans", ["workspace", "status", "created_at"])
    op.create_index("jobs_of_workspace", "jobs", ["workspace", "status", "created_at"])
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("slug", sa.String(40), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("policy", sa.JSON, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.Column("keep_days", sa.Integer),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "members",
        _workspace(),
        sa.Column("person", sa.String(40), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("members_by_person", "members", ["person"])
    op.create_table(
        "instances",
        _workspace(),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("instance", sa.String(32), nullable=False),
        sa.Column("secret_key", sa.Text, nullable=False),
        sa.Column("api_url", sa.Text),
        sa.Column("rules", sa.JSON, nullable=False),
    )
    protect("members")
    protect("instances")


def _workspace() -> "sa.Column[str]":
    return sa.Column(
        "workspace",
        sa.String(40),
        sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        server_default=sa.text(DEFAULT),
    )


def _role() -> None:
    """The role that scoped transactions take; it is the server's, and another database may have made it."""
    found = op.get_bind().execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ROLE})
    try:
        if not found.first():
            op.execute(f"CREATE ROLE {ROLE} NOLOGIN")
        op.execute(f"GRANT {ROLE} TO CURRENT_USER")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    except sa.exc.ProgrammingError as error:
        raise InvalidSettings(
            f"The database's user may not make the role {ROLE}, which keeps workspaces apart.",
            next_step=f"Have an administrator run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO the user.",
        ) from error
