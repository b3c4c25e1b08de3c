"""Indexes for search and for the orders of long lists."""

import warnings

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ORDERS = {
    "users_active": ("users", "instance_id", "last_active_at", "id"),
    "users_signed_in": ("users", "instance_id", "last_sign_in_at", "id"),
    "users_by_username": ("users", "instance_id", "username_folded", "id"),
    "users_by_first_name": ("users", "instance_id", "first_name", "id"),
    "users_by_last_name": ("users", "instance_id", "last_name", "id"),
    "users_updated": ("users", "instance_id", "updated_at", "id"),
    "users_banned": ("users", "instance_id", "banned", "created_at", "id"),
    "memberships_created": ("memberships", "organization_id", "created_at", "id"),
    "organizations_by_name": ("organizations", "instance_id", "name_folded", "id"),
}
_NULLABLE = tuple(_ORDERS)[:5]
_SEARCHED = {
    "email_addresses": "email_address",
    "phone_numbers": "phone_number",
    "web3_wallets": "web3_wallet",
}
_USER = {"name": "name_folded", "username": "username_folded", "user": "id"}
_TRIGRAMS = (
    ("users", "name_folded"),
    ("users", "username_folded"),
    ("users", "id"),
    *_SEARCHED.items(),
    ("organizations", "name_folded"),
    ("organizations", "slug"),
)
_ROWS = 1_000_000
_STATISTICS = {
    "users": {
        "sqlite_autoindex_users_1": (1,),
        "sqlite_autoindex_users_2": (100_000, 1),
        "sqlite_autoindex_users_3": (100_000, 1),
        "users_created": (100_000, 1, 1),
        "users_updated": (100_000, 1, 1),
        "users_active": (100_000, 2, 1),
        "users_signed_in": (100_000, 2, 1),
        "users_by_username": (100_000, 1, 1),
        "users_by_first_name": (100_000, 1_000, 1),
        "users_by_last_name": (100_000, 1_000, 1),
        "users_banned": (100_000, 50_000, 1, 1),
    },
    **{
        name: {
            f"sqlite_autoindex_{name}_1": (1,),
            f"sqlite_autoindex_{name}_2": (100_000, 1),
            f"{name}_user": (1,),
        }
        for name in _SEARCHED
    },
    "memberships": {
        "sqlite_autoindex_memberships_1": (1,),
        "sqlite_autoindex_memberships_2": (20, 1),
        "memberships_user": (2,),
        "memberships_created": (20, 1, 1),
    },
}
"""What SQLite's planner is to take for granted: how many rows share the first columns of each index.

Measured statistics would change plans with the data; these say that an instance is large and an id is not.
"""


def upgrade() -> None:
    """Indexes for orders on both; SQLite's table of trigrams, or PostgreSQL's indexes of them."""
    for name in ("users_active", "users_signed_in"):
        op.drop_index(name, "users")
    for name, (table, *columns) in _ORDERS.items():
        op.create_index(name, table, columns)
    for value in _SEARCHED.values():
        absent = sa.text(f"primary_{value}_id IS NULL")
        op.create_index(
            f"users_without_{value}",
            "users",
            ["instance_id", "id"],
            sqlite_where=absent,
            postgresql_where=absent,
        )
    if op.get_bind().dialect.name == "sqlite":
        _keep_trigrams()
        _tell_planner()
    else:
        _order_by_code_point()
        _index_trigrams()


def _keep_trigrams() -> None:
    """One row of `search_texts` for each row that is searched; its number is the row in `search_index`."""
    columns = (*_USER, *_SEARCHED.values())
    op.execute(
        "CREATE TABLE search_texts (number INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, "
        "user_id TEXT NOT NULL)"
    )
    op.execute(
        f"CREATE VIRTUAL TABLE search_index USING fts5({', '.join(columns)}, content='', tokenize='trigram')"
    )
    _keep("users", "id", _USER)
    for table, value in _SEARCHED.items():
        _keep(table, "user_id", {value: value})


def _keep(table: str, owner: str, fields: dict[str, str]) -> None:
    names, values = ", ".join(fields), list(fields.values())

    def add(row: str, source: str) -> str:
        texts = ", ".join(f"{row}.{value}" for value in values)
        return (
            f"INSERT INTO search_index (rowid, {names}) SELECT number, {texts} "  # noqa: S608 - our names
            f"FROM search_texts WHERE source = {source};"
        )

    def take(row: str) -> str:
        texts = ", ".join(f"{row}.{value}" for value in values)
        return (
            f"INSERT INTO search_index (search_index, rowid, {names}) "  # noqa: S608 - our names
            f"SELECT 'delete', number, {texts} FROM search_texts WHERE source = {row}.id;"
        )

    note = f"INSERT INTO search_texts (source, user_id) VALUES (NEW.id, NEW.{owner});"  # noqa: S608
    forget = "DELETE FROM search_texts WHERE source = OLD.id;"
    changed = " OR ".join(f"OLD.{value} IS NOT NEW.{value}" for value in [*values, owner])
    move = f"UPDATE search_texts SET user_id = NEW.{owner} WHERE source = NEW.id;"  # noqa: S608
    for verb, when, steps in (
        ("INSERT", "", note + add("NEW", "NEW.id")),
        ("DELETE", "", take("OLD") + forget),
        ("UPDATE", f"WHEN {changed}", take("OLD") + move + add("NEW", "NEW.id")),
    ):
        op.execute(
            f"CREATE TRIGGER search_{table}_{verb.lower()} AFTER {verb} ON {table} {when} BEGIN {steps} END"
        )
    texts = f"SELECT id, {owner} FROM {table}"  # noqa: S608
    op.execute(f"INSERT INTO search_texts (source, user_id) {texts}")
    op.execute(
        f"INSERT INTO search_index (rowid, {names}) SELECT number, {', '.join(values)} "  # noqa: S608
        f"FROM {table} JOIN search_texts ON source = {table}.id"
    )


def _tell_planner() -> None:
    op.execute("ANALYZE sqlite_schema")  # makes the table
    statistics = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.execute("DELETE FROM sqlite_stat1")
    op.bulk_insert(
        statistics,
        [
            {"tbl": table, "idx": index, "stat": " ".join(map(str, (_ROWS, *counts)))}
            for table, indexes in _STATISTICS.items()
            for index, counts in indexes.items()
        ],
    )
    op.execute("ANALYZE sqlite_schema")  # reads it


def _order_by_code_point() -> None:
    """Text sorts by code point, as in SQLite: ids by their time, and pages alike on every server."""
    found = op.get_bind().execute(
        sa.text(
            "SELECT table_name, column_name, character_maximum_length FROM information_schema.columns "
            "WHERE data_type IN ('text', 'character varying') AND table_schema = current_schema() "
            "AND collation_name IS NULL"
        )
    )
    changes: dict[str, list[str]] = {}
    for table, name, length in found:
        kind = f"varchar({length})" if length else "text"
        changes.setdefault(table, []).append(f'ALTER COLUMN "{name}" TYPE {kind} COLLATE "C"')
    for table, parts in changes.items():
        op.execute(f'ALTER TABLE "{table}" {", ".join(parts)}')


def _index_trigrams() -> None:
    for name in _NULLABLE:
        table, instance, value, key = _ORDERS[name]
        op.execute(
            f"CREATE INDEX descending_{name} ON {table} ({instance}, {value} DESC NULLS LAST, {key} DESC)"
        )
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        warnings.warn(
            f"Text search will be slow on large instances: pg_trgm cannot be created ({reason}). "
            "Have an administrator create it, then open a new database.",
            stacklevel=2,
        )
        return
    for table, value in _TRIGRAMS:
        # What waits to be sorted into the index is read through in every search: let it stay short.
        op.execute(
            f"CREATE INDEX search_{table}_{value} ON {table} USING gin ({value} gin_trgm_ops) "
            "WITH (gin_pending_list_limit = 256)"
        )
