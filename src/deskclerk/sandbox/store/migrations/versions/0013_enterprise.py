"""Connections to companies' identity providers, their domains, and links to the portal that sets them up."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "enterprise_connections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sync_user_attributes", sa.Boolean(), nullable=False),
        sa.Column("disable_additional_identifications", sa.Boolean(), nullable=False),
        sa.Column("allow_organization_account_linking", sa.Boolean(), nullable=False),
        sa.Column("custom_attributes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "enterprise_connections_created", "enterprise_connections", ["instance_id", "created_at", "id"]
    )
    op.create_index("enterprise_connections_organization", "enterprise_connections", ["organization_id"])
    op.create_table(
        "enterprise_connection_domains",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["connection_id"], ["enterprise_connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("instance_id", "name"),
    )
    op.create_index(
        "enterprise_connection_domains_connection", "enterprise_connection_domains", ["connection_id"]
    )
    op.create_table(
        "saml_connections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("idp_entity_id", sa.Text(), nullable=True),
        sa.Column("idp_sso_url", sa.Text(), nullable=True),
        sa.Column("idp_certificate", sa.Text(), nullable=True),
        sa.Column("idp_certificate_issued_at", sa.BigInteger(), nullable=True),
        sa.Column("idp_certificate_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("idp_metadata_url", sa.Text(), nullable=True),
        sa.Column("idp_metadata", sa.Text(), nullable=True),
        sa.Column("attribute_mapping", sa.JSON(), nullable=False),
        sa.Column("allow_subdomains", sa.Boolean(), nullable=False),
        sa.Column("allow_idp_initiated", sa.Boolean(), nullable=False),
        sa.Column("force_authn", sa.Boolean(), nullable=False),
        sa.Column("login_hint", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["connection_id"], ["enterprise_connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", name="saml_connections_connection"),
    )
    op.create_index("saml_connections_instance", "saml_connections", ["instance_id"])
    op.create_table(
        "oidc_connections",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("client_secret_digest", sa.String(length=64), nullable=True),
        sa.Column("discovery_url", sa.Text(), nullable=True),
        sa.Column("auth_url", sa.Text(), nullable=True),
        sa.Column("token_url", sa.Text(), nullable=True),
        sa.Column("user_info_url", sa.Text(), nullable=True),
        sa.Column("requires_pkce", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["connection_id"], ["enterprise_connections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", name="oidc_connections_connection"),
    )
    op.create_index("oidc_connections_instance", "oidc_connections", ["instance_id"])
    op.create_table(
        "admin_portal_link_tokens",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("admin_portal_link_id", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=True),
        sa.Column("it_contact_id", sa.Text(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("revocation_reason", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instances.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("admin_portal_link_tokens_organization", "admin_portal_link_tokens", ["organization_id"])
    op.create_index("admin_portal_link_tokens_instance", "admin_portal_link_tokens", ["instance_id"])
