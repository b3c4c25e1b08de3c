"""Connections to companies' identity providers, their domains, and links to the portal that sets them up."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

enterprise_connections = Table(
    "enterprise_connections",
    metadata,
    id_column(),
    instance_column(),
    # Whose connection it was can be linked again; its address at the identity provider could not.
    reference("organization_id", "organizations.id", ondelete="SET NULL"),
    Column("name", Text, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("sync_user_attributes", Boolean, nullable=False),
    Column("disable_additional_identifications", Boolean, nullable=False),
    Column("allow_organization_account_linking", Boolean, nullable=False),
    json_column("custom_attributes"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("enterprise_connections_created", "instance_id", "created_at", "id"),
    Index("enterprise_connections_organization", "organization_id"),
)
"""What all have; each has besides a row in one of `saml_connections` and `oidc_connections`."""

enterprise_connection_domains = Table(
    "enterprise_connection_domains",
    metadata,
    reference("instance_id", "instances.id", nullable=False, primary_key=True),
    Column("name", String(253), primary_key=True),
    reference("connection_id", "enterprise_connections.id", nullable=False),
    Column("position", Integer, nullable=False),
    Index("enterprise_connection_domains_connection", "connection_id"),
)
"""By its key a domain belongs to one connection of its instance."""

saml_connections = Table(
    "saml_connections",
    metadata,
    id_column(),
    instance_column(),
    reference("connection_id", "enterprise_connections.id", nullable=False),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("idp_entity_id", Text),
    Column("idp_sso_url", Text),
    Column("idp_certificate", Text),
    time_column("idp_certificate_issued_at", nullable=True),
    time_column("idp_certificate_expires_at", nullable=True),
    Column("idp_metadata_url", Text),
    Column("idp_metadata", Text),
    json_column("attribute_mapping"),
    Column("allow_subdomains", Boolean, nullable=False),
    Column("allow_idp_initiated", Boolean, nullable=False),
    Column("force_authn", Boolean, nullable=False),
    json_column("login_hint"),
    UniqueConstraint("connection_id", name="saml_connections_connection"),
    Index("saml_connections_instance", "instance_id"),
)

oidc_connections = Table(
    "oidc_connections",
    metadata,
    id_column(),
    instance_column(),
    reference("connection_id", "enterprise_connections.id", nullable=False),
    Column("client_id", Text),
    Column("client_secret_digest", String(64)),
    Column("discovery_url", Text),
    Column("auth_url", Text),
    Column("token_url", Text),
    Column("user_info_url", Text),
    Column("requires_pkce", Boolean, nullable=False),
    UniqueConstraint("connection_id", name="oidc_connections_connection"),
    Index("oidc_connections_instance", "instance_id"),
)
"""Of the client secret only its SHA-256 is kept: nothing here signs in with it."""

admin_portal_link_tokens = Table(
    "admin_portal_link_tokens",
    metadata,
    id_column(),
    instance_column(),
    Column("admin_portal_link_id", String(ID_LENGTH), nullable=False),
    reference("organization_id", "organizations.id"),
    Column("it_contact_id", Text),
    json_column("scopes", nullable=True),
    Column("token_digest", String(64), nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("revocation_reason", Text),
    time_column("expires_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("admin_portal_link_tokens_organization", "organization_id"),
    Index("admin_portal_link_tokens_instance", "instance_id"),
)
