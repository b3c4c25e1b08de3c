"""The instances that a sandbox holds, and what each of them has set up."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, false

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

instances = Table(
    "instances",
    metadata,
    id_column(),
    Column("secret_key", String(255), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("user_quota", Integer),
    Column("lockout_seconds", Integer, nullable=False),
    Column("rate_limits", String(8)),
    time_column("created_at"),
    UniqueConstraint("secret_key", name="instances_secret_key"),
)
"""`slug` names the instance in addresses (`<slug>.clerk.accounts.dev`); no `user_quota`: no limit.

`rate_limits` is the kind of instance (`test`, `live`) whose limits are kept; null: none.
"""


instance_settings = Table(
    "instance_settings",
    metadata,
    reference("instance_id", "instances.id", nullable=False, primary_key=True),
    Column("section", String(ID_LENGTH), primary_key=True),
    json_column("changed"),
)
"""One row for each section of the settings that was ever changed; `changed` holds what is not as it began."""


signing_keys = Table(
    "signing_keys",
    metadata,
    reference("instance_id", "instances.id", nullable=False, primary_key=True),
    Column("private_key", Text, nullable=False),
    time_column("created_at"),
)
"""One for each instance, made when it is first needed; `private_key` is PKCS #8 in PEM, never answered."""


domains = Table(
    "domains",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    Column("is_satellite", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "name", name="domains_name"),
)


jwt_templates = Table(
    "jwt_templates",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    json_column("claims"),
    Column("lifetime", Integer, nullable=False),
    Column("allowed_clock_skew", Integer, nullable=False),
    Column("custom_signing_key", Boolean, nullable=False),
    Column("signing_algorithm", String(16), nullable=False),
    Column("signing_key", Text),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "name", name="jwt_templates_name"),
    Index("jwt_templates_created", "instance_id", "created_at", "id"),
)
"""`lifetime` and `allowed_clock_skew` are seconds; `signing_key` is never answered."""


oauth_applications = Table(
    "oauth_applications",
    metadata,
    id_column(),
    instance_column(),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("client_secret_digest", String(64)),
    json_column("redirect_uris"),
    Column("scopes", Text, nullable=False),
    Column("consent_screen_enabled", Boolean, nullable=False),
    Column("pkce_required", Boolean, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("logo_id", String(ID_LENGTH)),
    Column("client_uri", Text),
    Column("dynamically_registered", Boolean, nullable=False, server_default=false()),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("client_id", name="oauth_applications_client_id"),
    Index("oauth_applications_created", "instance_id", "created_at", "id"),
    Index("oauth_applications_name", "instance_id", "name_folded", "id"),
)
"""Of the client secret only its SHA-256 is kept; a public application has none."""


redirect_urls = Table(
    "redirect_urls",
    metadata,
    id_column(),
    instance_column(),
    Column("url", Text, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "url", name="redirect_urls_url"),
    Index("redirect_urls_created", "instance_id", "created_at", "id"),
)


def _identifiers(name: str, *more: Column[str]) -> Table:
    """A list of identifiers, each once in its instance."""
    return Table(
        name,
        metadata,
        id_column(),
        instance_column(),
        Column("identifier", Text, nullable=False),
        Column("identifier_type", String(16), nullable=False),
        *more,
        time_column("created_at"),
        time_column("updated_at"),
        UniqueConstraint("instance_id", "identifier", name=f"{name}_identifier"),
        Index(f"{name}_created", "instance_id", "created_at", "id"),
    )


allowlist_identifiers = _identifiers(
    "allowlist_identifiers", reference("invitation_id", "invitations.id", ondelete="SET NULL")
)
blocklist_identifiers = _identifiers("blocklist_identifiers")


waitlist_entries = Table(
    "waitlist_entries",
    metadata,
    id_column(),
    instance_column(),
    Column("email_address", Text, nullable=False),
    Column("status", String(16), nullable=False),
    reference("invitation_id", "invitations.id", ondelete="SET NULL"),
    time_column("invited_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "email_address", name="waitlist_entries_email_address"),
    Index("waitlist_entries_created", "instance_id", "created_at", "id"),
)
