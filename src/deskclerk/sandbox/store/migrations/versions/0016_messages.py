"""Message templates, passkeys, trusted devices, tokens of OAuth, tasks of agents; logos of applications."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; a user's text is forgotten when a passkey comes or goes."""
    # As of all texts there since migration 0006: PostgreSQL compares none of two orders.
    order = None if op.get_bind().dialect.name == "sqlite" else "C"

    def text(length: int | None = None) -> sa.types.TypeEngine[str]:
        return sa.String(length=length, collation=order) if length else sa.Text(collation=order)

    def columns(*keys: str) -> list[sa.schema.SchemaItem]:
        """The columns of ids, of which the first is the primary key, and what they refer to."""
        found: list[sa.schema.SchemaItem] = [sa.Column(key, text(64), nullable=False) for key in keys]
        targets = {
            "instance_id": "instances",
            "user_id": "users",
            "oauth_application_id": "oauth_applications",
            "external_account_id": "external_accounts",
        }
        found += [
            sa.ForeignKeyConstraint([key], [f"{targets[key]}.id"], ondelete="CASCADE")
            for key in keys
            if key in targets
        ]
        return [*found, sa.PrimaryKeyConstraint(keys[0])]

    def times(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
        return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names]

    op.add_column("oauth_applications", sa.Column("logo_id", text(64), nullable=True))
    op.create_table(
        "message_templates",
        *columns("id", "instance_id"),
        sa.Column("template_type", text(8), nullable=False),
        sa.Column("slug", text(64), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("subject", text(), nullable=True),
        sa.Column("markup", text(), nullable=False),
        sa.Column("body", text(), nullable=False),
        sa.Column("from_email_name", text(), nullable=False),
        sa.Column("reply_to_email_name", text(), nullable=False),
        sa.Column("delivered_by_clerk", sa.Boolean(), nullable=False),
        *times("created_at", "updated_at"),
        sa.UniqueConstraint("instance_id", "template_type", "slug", name="message_templates_slug"),
    )
    op.create_table(
        "passkeys",
        *columns("id", "instance_id", "user_id"),
        sa.Column("name", text(), nullable=False),
        *times("last_used_at", "created_at", "updated_at"),
    )
    op.create_index("passkeys_user", "passkeys", ["user_id"])
    op.create_table(
        "trusted_devices",
        *columns("id", "instance_id", "user_id"),
        sa.Column("platform", text(8), nullable=False),
        sa.Column("app_identifier", text(), nullable=False),
        sa.Column("name", text(), nullable=True),
        sa.Column("status", text(8), nullable=False),
        *times("last_used_at", "revoked_at", nullable=True),
        *times("created_at", "updated_at"),
    )
    op.create_index("trusted_devices_user", "trusted_devices", ["user_id", "created_at", "id"])
    op.create_table(
        "external_account_tokens",
        *columns("external_account_id", "instance_id"),
        sa.Column("token", text(), nullable=False),
        sa.Column("token_secret", text(), nullable=True),
        sa.Column("id_token", text(), nullable=True),
        sa.Column("label", text(), nullable=True),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("can_refresh", sa.Boolean(), nullable=False),
        *times("expires_at", nullable=True),
    )
    op.create_table(
        "oauth_tokens",
        *columns("id", "instance_id", "oauth_application_id", "user_id"),
        sa.Column("grant_id", text(64), nullable=False),
        sa.Column("digest", text(64), nullable=False),
        sa.Column("refresh_digest", text(64), nullable=True),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        *times("expires_at", nullable=True),
        sa.Column("revocation_reason", text(), nullable=True),
        *times("created_at", "updated_at"),
        sa.UniqueConstraint("instance_id", "digest", name="oauth_tokens_digest"),
    )
    op.create_index("oauth_tokens_refresh", "oauth_tokens", ["instance_id", "refresh_digest"])
    op.create_index("oauth_tokens_grant", "oauth_tokens", ["oauth_application_id", "grant_id"])
    op.create_index("oauth_tokens_user", "oauth_tokens", ["user_id"])
    op.create_table(
        "agent_tasks",
        *columns("id", "instance_id", "user_id"),
        sa.Column("agent_id", text(64), nullable=False),
        sa.Column("agent_name", text(), nullable=False),
        sa.Column("task_description", text(), nullable=False),
        sa.Column("redirect_url", text(), nullable=False),
        sa.Column("session_seconds", sa.BigInteger(), nullable=False),
        sa.Column("status", text(16), nullable=False),
        *times("created_at", "updated_at"),
    )
    op.create_index("agent_tasks_user", "agent_tasks", ["user_id"])
    for verb in ("INSERT", "UPDATE", "DELETE"):
        _forget_texts(verb)


def _forget_texts(verb: str) -> None:
    """As of all else that a user's text is made of: see migration 0007."""
    sides = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}[verb]
    name = f"forget_passkeys_{verb.lower()}"
    if op.get_bind().dialect.name == "sqlite":
        steps = " ".join(f"DELETE FROM user_documents WHERE user_id = {side}.user_id;" for side in sides)  # noqa: S608
        op.execute(f"CREATE TRIGGER {name} AFTER {verb} ON passkeys BEGIN {steps} END")
        return
    names = " ".join(f"{side} TABLE AS {side.lower()}_rows" for side in sides)
    steps = " ".join(
        f"DELETE FROM user_documents USING {side.lower()}_rows "  # noqa: S608 - our names
        f"WHERE user_documents.user_id = {side.lower()}_rows.user_id;"
        for side in sides
    )
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$body$ BEGIN {steps} RETURN NULL; END $body$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {verb} ON passkeys REFERENCING {names} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )
