"""Users' answers as text, and SQLite's index of trigrams, which new rows enter many at once.

The database forgets a text when anything changes that is in it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OWNERS = {
    "users": "id",
    "email_addresses": "user_id",
    "phone_numbers": "user_id",
    "web3_wallets": "user_id",
    "external_accounts": "user_id",
}
"""The tables that an answer is made of, and whose it is."""
_SEARCHED = {
    "users": {"name": "name_folded", "username": "username_folded", "user": "id"},
    "email_addresses": {"email_address": "email_address"},
    "phone_numbers": {"phone_number": "phone_number"},
    "web3_wallets": {"web3_wallet": "web3_wallet"},
}


def upgrade() -> None:
    """Create the table, and triggers on all that its texts are made of."""
    # As of all texts there since migration 0006: an index of another order would be of no use to a join.
    order = None if op.get_bind().dialect.name == "sqlite" else "C"
    op.create_table(
        "user_documents",
        sa.Column("user_id", sa.String(length=64, collation=order), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    for table, owner in _OWNERS.items():
        # A new user has no text yet, and that of one that is deleted goes with its row.
        verbs = ("UPDATE",) if table == "users" else ("INSERT", "UPDATE", "DELETE")
        for verb in verbs:
            if op.get_bind().dialect.name == "sqlite":
                _forget_each(table, owner, verb)
            else:
                _forget_all(table, owner, verb)
    if op.get_bind().dialect.name == "sqlite":
        _note_new_rows()
        # As migration 0006 tells it of the others: an instance is large.
        op.execute(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES "
            "('user_documents', 'sqlite_autoindex_user_documents_1', '1000000 1')"
        )
        op.execute("ANALYZE sqlite_schema")


def _note_new_rows() -> None:
    """A new row is noted only; `store.search_index` indexes many of them at once."""
    op.execute("ALTER TABLE search_texts ADD COLUMN indexed INTEGER NOT NULL DEFAULT 1")
    op.execute("CREATE INDEX search_waiting ON search_texts (number) WHERE indexed = 0")
    for table, fields in _SEARCHED.items():
        _replace_triggers(table, _OWNERS[table], ", ".join(fields), list(fields.values()))


def _replace_triggers(table: str, owner: str, names: str, values: list[str]) -> None:
    def texts(row: str) -> str:
        return ", ".join(f"{row}.{value}" for value in values)

    note = f"INSERT INTO search_texts (source, user_id, indexed) VALUES (NEW.id, NEW.{owner}, 0);"  # noqa: S608
    # A row that waits is in no index that has to forget it.
    take = (
        f"INSERT INTO search_index (search_index, rowid, {names}) "  # noqa: S608 - our names
        f"SELECT 'delete', number, {texts('OLD')} FROM search_texts WHERE source = OLD.id AND indexed = 1;"
    )
    add = (
        f"INSERT INTO search_index (rowid, {names}) SELECT number, {texts('NEW')} "  # noqa: S608 - our names
        "FROM search_texts WHERE source = NEW.id AND indexed = 1;"
    )
    move = f"UPDATE search_texts SET user_id = NEW.{owner} WHERE source = NEW.id;"  # noqa: S608
    forget = "DELETE FROM search_texts WHERE source = OLD.id;"
    searched = list(dict.fromkeys([*values, owner]))
    changed = " OR ".join(f"OLD.{value} IS NOT NEW.{value}" for value in searched)
    for verb, event, steps in (
        ("insert", "INSERT", note),
        ("delete", "DELETE", take + forget),
        # By columns: a statement whose triggers could touch the index costs as much as if they did.
        ("update", f"UPDATE OF {', '.join(searched)}", take + move + add),
    ):
        when = f"WHEN {changed}" if verb == "update" else ""
        op.execute(f"DROP TRIGGER search_{table}_{verb}")
        op.execute(f"CREATE TRIGGER search_{table}_{verb} AFTER {event} ON {table} {when} BEGIN {steps} END")


def _forget_each(table: str, owner: str, verb: str) -> None:
    sides = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}[verb]
    # Of a user's row the owner never changes: one look is enough.
    of = sides[-1:] if table == "users" else sides
    steps = " ".join(f"DELETE FROM user_documents WHERE user_id = {side}.{owner};" for side in of)  # noqa: S608
    op.execute(f"CREATE TRIGGER forget_{table}_{verb.lower()} AFTER {verb} ON {table} BEGIN {steps} END")


def _forget_all(table: str, owner: str, verb: str) -> None:
    # Once for a statement, not for each of its rows: a COPY brings thousands.
    sides = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}[verb]
    names = " ".join(f"{side} TABLE AS {side.lower()}_rows" for side in sides)
    steps = " ".join(
        f"DELETE FROM user_documents USING {side.lower()}_rows "  # noqa: S608 - our names
        f"WHERE user_documents.user_id = {side.lower()}_rows.{owner};"
        for side in sides
    )
    name = f"forget_{table}_{verb.lower()}"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$body$ BEGIN {steps} RETURN NULL; END $body$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {verb} ON {table} REFERENCING {names} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )
