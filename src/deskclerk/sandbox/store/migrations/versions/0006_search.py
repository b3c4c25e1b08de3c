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
_ROWS, _IN_INSTANCE, _OF_ONE = 1_000_000, 100_000, 20


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
    """What SQLite's planner is to take for granted: how many rows share the first columns of each index.

    Measured statistics would change plans with the data, and without any SQLite takes an instance for
    small. These say that an instance is large, and that a user or an organization has few of anything.
    """
    inspector, found = sa.inspect(op.get_bind()), []
    for table in inspector.get_table_names():
        if table.startswith(("search_", "sqlite_", "alembic_")):
            continue
        for _, index, *_ in op.get_bind().exec_driver_sql(f'PRAGMA index_list("{table}")'):
            rows = op.get_bind().exec_driver_sql(f'PRAGMA index_info("{index}")')
            counts = _shared([name or "" for _, _, name in rows])
            found.append({"tbl": table, "idx": index, "stat": " ".join(map(str, (_ROWS, *counts)))})
    op.execute("ANALYZE sqlite_schema")  # makes the table
    op.execute("DELETE FROM sqlite_stat1")
    statistics = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.bulk_insert(statistics, found)
    op.execute("ANALYZE sqlite_schema")  # reads it


def _shared(columns: list[str]) -> list[int]:
    """How many rows there are with the same first column, the same first two, and so on."""
    counts: list[int] = []
    for name in columns:
        before = counts[-1] if counts else _ROWS
        if name == "instance_id":
            counts.append(_IN_INSTANCE)
        elif name in ("status", "banned"):
            counts.append(before // 2)
        else:
            counts.append(min(before, _OF_ONE if name.endswith("_id") else 1))
    return counts


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
