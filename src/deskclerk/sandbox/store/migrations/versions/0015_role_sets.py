"""Role sets, and one with all its roles for every instance; sign-ups."""

import sqlalchemy as sa
from alembic import op

from deskclerk.sandbox.store.role_sets import add_missing_role_sets

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; every organization comes to be in its instance's first set."""
    op.create_table(
        "role_sets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("default_role_id", sa.String(length=64), nullable=False),
        sa.Column("creator_role_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["default_role_id"], ["organization_roles.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["creator_role_id"], ["organization_roles.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("instance_id", "key", name="role_sets_key"),
    )
    op.create_index("role_sets_created", "role_sets", ["instance_id", "created_at", "id"])
    op.create_index("role_sets_default_role", "role_sets", ["default_role_id"])
    op.create_index("role_sets_creator_role", "role_sets", ["creator_role_id"])
    op.create_index(
        "role_sets_initial",
        "role_sets",
        ["instance_id"],
        unique=True,
        sqlite_where=sa.text("type = 'initial'"),
        postgresql_where=sa.text("type = 'initial'"),
    )
    op.create_table(
        "role_set_roles",
        sa.Column("role_set_id", sa.String(length=64), nullable=False),
        sa.Column("role_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["role_set_id"], ["role_sets.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["organization_roles.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("role_set_id", "role_id"),
    )
    op.create_index("role_set_roles_role", "role_set_roles", ["role_id"])
    op.create_index("organizations_role_set", "organizations", ["instance_id", "role_set_key"])
    add_missing_role_sets(op.get_bind())
    op.create_table(
        "sign_ups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("email_address", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("web3_wallet", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("verified", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("password_enabled", sa.Boolean(), nullable=False),
        sa.Column("unsafe_metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("public_metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("custom_action", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_user_id", sa.String(length=64), nullable=True),
        sa.Column("created_session_id", sa.String(length=64), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("legal_accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("abandon_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["created_user_id"], ["users.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["created_session_id"], ["sessions.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sign_ups_instance", "sign_ups", ["instance_id"])
    op.create_index("sign_ups_user", "sign_ups", ["created_user_id"])
    op.create_index("sign_ups_session", "sign_ups", ["created_session_id"])
