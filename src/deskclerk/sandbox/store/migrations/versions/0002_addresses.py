"""What e-mail addresses, phone numbers and users' further routes keep."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Addresses that several may hold until one verifies them; codes; images; compromised passwords."""
    for table, value in (
        ("email_addresses", "email_address"),
        ("phone_numbers", "phone_number"),
        ("web3_wallets", "web3_wallet"),
    ):
        _let_several_hold(table, value)
    op.add_column(
        "users",
        sa.Column("password_compromised", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "images",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("images_instance", "images", ["instance_id"])
    _make_verifications()


def _let_several_hold(table: str, value: str) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(f"{table}_value", type_="unique")
        batch.add_column(sa.Column("held_by", sa.String(length=64), nullable=False, server_default=""))
        batch.add_column(sa.Column("verification", sa.JSON(none_as_null=True), nullable=True))
        batch.create_unique_constraint(f"{table}_value", ["instance_id", value, "held_by"])


def _make_verifications() -> None:
    op.create_table(
        "verifications",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("identification_id", sa.String(length=64), nullable=False),
        sa.Column("strategy", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("expire_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("verifications_user", "verifications", ["user_id", "identification_id"])
    op.create_index("verifications_instance", "verifications", ["instance_id"])
