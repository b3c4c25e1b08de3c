"""Row-level security, as the migrations put it on every table whose rows belong to a workspace.

It holds for the role that every scoped transaction takes, whoever connects. The tables' owner is not kept
from anything: what has to look at all workspaces (who is signing in, whose token is it) does so as the owner.

That it is still there is looked at whenever the database is opened. The role is the server's and no dump has
it: on a server without it a dump is restored without policies and grants, and with all of the data.
"""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deskclerk.database.postgres import PostgresDatabase
from deskclerk.database.scoping import COLUMN, ROLE, SETTING
from deskclerk.errors import InvalidSettings

_MINE = f"{COLUMN} = current_setting('{SETTING}', true)"
DEFAULT = f"current_setting('{SETTING}')"
"""Whose a new row is, where the statement does not say: the transaction's. Without one it is an error."""


_AS_THE_ROLE = {"reads": True, "scope": f"SET LOCAL ROLE {ROLE}"}
# Asked as the role: security is not active for the owner of a table, nor for who bypasses it. Of policies of
# others' making none may hold for the role, since each lets more be seen.
_NOT_KEPT_APART = text(
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
    "AND a.attname = :column AND NOT a.attisdropped "
    "AND NOT (row_security_active(c.oid) "
    "AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') "
    "AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE') "
    "AND ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive "
    "AND p.polroles && ARRAY[0::oid, to_regrole(:role)::oid]) = ARRAY[c.relname || '_of_workspace']) "
    "ORDER BY c.relname"
).bindparams(column=COLUMN, role=ROLE)
_HAVE_THE_ROLE = (
    f"Have an administrator run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO the desk's user. A backup that "
    "was restored without the role has lost its policies: restore it once more then, into an empty database."
)
_RESTORE_AGAIN = (
    "Restore the backup into an empty database, privileges included, on a server that has the role "
    f"{ROLE} already: docs/hosted.md says how. This one keeps nobody from anybody's rows, and is not served."
)


async def check_isolation(database: PostgresDatabase) -> None:
    """Look whether the database still keeps workspaces apart; InvalidSettings with what is missing."""
    try:
        async with database.transaction(_AS_THE_ROLE) as connection:
            found = [name for (name,) in await connection.execute(_NOT_KEPT_APART)]
    except DBAPIError as error:
        said = str(error.orig).partition("\n")[0]
        raise InvalidSettings(
            f"The database's user cannot take the role {ROLE}, which keeps workspaces apart: {said}.",
            next_step=_HAVE_THE_ROLE,
        ) from None
    if found:
        raise InvalidSettings(
            "The database does not keep workspaces apart: row-level security, its policy or the grants are "
            f"not what they were made as, of {', '.join(found)}.",
            next_step=_RESTORE_AGAIN,
        )


def protect(table: str) -> None:
    """Keep a table's rows to their workspace; it has the column already."""
    from alembic import op  # noqa: PLC0415 - half a second, and migrations alone need it

    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_of_workspace ON {table} TO {ROLE} USING ({_MINE}) WITH CHECK ({_MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")


def give_workspaces(table: str, key: tuple[str, ...] | None = None) -> None:
    """Give a table of the desk's the column, within its primary key where ids are unique in one alone."""
    from alembic import op  # noqa: PLC0415 - as above

    op.execute(f"ALTER TABLE {table} ADD COLUMN {COLUMN} varchar(40) NOT NULL CHECK ({COLUMN} <> '')")
    # By itself: with the column it would be worked out here and now.
    op.execute(f"ALTER TABLE {table} ALTER COLUMN {COLUMN} SET DEFAULT {DEFAULT}")
    if key:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({COLUMN}, {', '.join(key)})")
    protect(table)
