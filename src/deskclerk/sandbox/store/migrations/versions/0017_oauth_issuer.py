"""The sandbox as an issuer: authorization codes, refresh tokens that are good once, registered clients."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the columns."""
    # As of all texts there since migration 0006: PostgreSQL compares none of two orders.
    order = None if op.get_bind().dialect.name == "sqlite" else "C"

    def text(length: int | None = None) -> sa.types.TypeEngine[str]:
        return sa.String(length=length, collation=order) if length else sa.Text(collation=order)

    op.add_column("oauth_applications", sa.Column("client_uri", text(), nullable=True))
    op.add_column(
        "oauth_applications",
        sa.Column("dynamically_registered", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("oauth_tokens", sa.Column("refresh_scopes", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("oauth_tokens", sa.Column("refreshed_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "oauth_codes",
        sa.Column("id", text(64), nullable=False),
        sa.Column("instance_id", text(64), nullable=False),
        sa.Column("oauth_application_id", text(64), nullable=False),
        sa.Column("user_id", text(64), nullable=False),
        sa.Column("digest", text(64), nullable=False),
        sa.Column("redirect_uri", text(), nullable=True),
        sa.Column("code_challenge", text(64), nullable=True),
        sa.Column("nonce", text(), nullable=True),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["oauth_application_id"], ["oauth_applications.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("instance_id", "digest", name="oauth_codes_digest"),
    )
    op.create_index("oauth_codes_application", "oauth_codes", ["oauth_application_id"])
    op.create_index("oauth_codes_user", "oauth_codes", ["user_id"])
    op.create_index("oauth_codes_expire", "oauth_codes", ["instance_id", "expires_at"])
