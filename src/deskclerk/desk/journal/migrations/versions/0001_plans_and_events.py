"""Plans and events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the database itself refuses to change or delete an event."""
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("entry", sa.String(40), nullable=False),
        sa.Column("instance", sa.String(32), nullable=False),
        sa.Column("face", sa.String(16), nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("token", sa.Text),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("effect", sa.String(16), nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("plan", sa.String(40)),
        sa.Column("signed", sa.Text),
        sa.Column("outcome", sa.String(32)),
        sa.Column("status", sa.Integer),
        sa.Column("code", sa.Text),
        sa.Column("trace_id", sa.Text),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("undoes", sa.String(40)),
        sa.Column("note", sa.Text),
        sa.Column("owner", sa.String(40)),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("events_by_entry", "events", ["entry"])
    op.create_index("events_by_time", "events", ["at"])
    op.create_index("events_by_action", "events", ["instance", "action", "at"])
    heads = op.create_table(
        "heads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(heads, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER events_no_{verb} BEFORE {verb.upper()} ON events "
                "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
            "FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()"
        )
    op.create_table(
        "plans",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("instance", sa.String(32), nullable=False),
        sa.Column("face", sa.String(16), nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("preview", sa.JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("how", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
    )
    op.create_index("plans_by_status", "plans", ["status", "created_at"])
    op.create_index("plans_by_request", "plans", ["request"])
    signer = op.create_table(
        "signer",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(signer, [{"id": 1, "digest": None, "failures": 0, "locked_until": 0}])
