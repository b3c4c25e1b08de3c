"""Row-level security, as the migrations put it on every table whose rows belong to a workspace.

It holds for the role that every scoped transaction takes, whoever connects. The tables' owner is not kept
from anything: what has to look at all workspaces (who is signing in, whose token is it) does so as the owner.
"""

from alembic import op

from deskclerk.database.scoping import COLUMN, ROLE, SETTING

_MINE = f"{COLUMN} = current_setting('{SETTING}', true)"
DEFAULT = f"current_setting('{SETTING}')"
"""Whose a new row is, where the statement does not say: the transaction's. Without one it is an error."""


def protect(table: str) -> None:
    """Keep a table's rows to their workspace; it has the column already."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_of_workspace ON {table} TO {ROLE} USING ({_MINE}) WITH CHECK ({_MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")


def give_workspaces(table: str, key: tuple[str, ...] | None = None) -> None:
    """Give a table of the desk's the column, within its primary key where ids are unique in one alone."""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {COLUMN} varchar(40) NOT NULL CHECK ({COLUMN} <> '')")
    # By itself: with the column it would be worked out here and now.
    op.execute(f"ALTER TABLE {table} ALTER COLUMN {COLUMN} SET DEFAULT {DEFAULT}")
    if key:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({COLUMN}, {', '.join(key)})")
    protect(table)
