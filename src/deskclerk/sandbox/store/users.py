"""Users and what belongs to them: addresses, verifications, pictures, sessions, sign-in tickets."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

users = Table(
    "users",
    metadata,
    id_column(),
    instance_column(),
    Column("external_id", Text),
    Column("username", Text),
    Column("username_folded", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("name_folded", Text, nullable=False),
    Column("locale", Text),
    # No foreign keys: addresses refer to their user, and one of the two has to be inserted first.
    Column("primary_email_address_id", String(ID_LENGTH)),
    Column("primary_phone_number_id", String(ID_LENGTH)),
    Column("primary_web3_wallet_id", String(ID_LENGTH)),
    Column("profile_image_id", String(ID_LENGTH)),
    json_column("public_metadata"),
    json_column("private_metadata"),
    json_column("unsafe_metadata"),
    Column("password_digest", Text),
    Column("password_hasher", String(32)),
    Column("password_compromised", Boolean, nullable=False, server_default=false()),
    time_column("password_last_updated_at", nullable=True),
    Column("totp_secret", Text),
    json_column("backup_codes", nullable=True),
    time_column("mfa_enabled_at", nullable=True),
    time_column("mfa_disabled_at", nullable=True),
    Column("banned", Boolean, nullable=False),
    time_column("lockout_expires_at", nullable=True),
    Column("delete_self_enabled", Boolean, nullable=False),
    Column("create_organization_enabled", Boolean, nullable=False),
    Column("create_organizations_limit", BigInteger),
    Column("bypass_client_trust", Boolean, nullable=False),
    time_column("legal_accepted_at", nullable=True),
    time_column("last_sign_in_at", nullable=True),
    time_column("last_active_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "external_id", name="users_external_id"),
    UniqueConstraint("instance_id", "username_folded", name="users_username"),
    Index("users_created", "instance_id", "created_at", "id"),
    Index("users_active", "instance_id", "last_active_at", "id"),
    Index("users_signed_in", "instance_id", "last_sign_in_at", "id"),
)
"""A user is locked until `lockout_expires_at`.

`name_folded` is both names case-folded, to search in: SQLite itself folds ASCII only.
"""


def _identification(table: str, value: str, *more: Column[Any]) -> Table:
    """A kind of address that identifies a user.

    `held_by` is empty where the address is its user's alone, verified or reserved; else it is the user's
    id, and others may hold the address too. `verification` is what is shown when no admin verified it.
    """
    return Table(
        table,
        metadata,
        id_column(),
        instance_column(),
        reference("user_id", "users.id", nullable=False),
        Column("position", Integer, nullable=False),
        Column(value, Text, nullable=False),
        Column("verified", Boolean, nullable=False),
        # Empty and not null: to a unique constraint every null is another value.
        Column("held_by", String(ID_LENGTH), nullable=False, server_default=""),
        json_column("verification", nullable=True),
        *more,
        time_column("created_at"),
        time_column("updated_at"),
        UniqueConstraint("instance_id", value, "held_by", name=f"{table}_value"),
        Index(f"{table}_user", "user_id"),
    )


email_addresses = _identification("email_addresses", "email_address")
phone_numbers = _identification(
    "phone_numbers", "phone_number", Column("reserved_for_second_factor", Boolean, nullable=False)
)
web3_wallets = _identification("web3_wallets", "web3_wallet")

external_accounts = Table(
    "external_accounts",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("identification_id", String(ID_LENGTH), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("provider_user_id", Text, nullable=False),
    Column("approved_scopes", Text, nullable=False),
    Column("email_address", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("username", Text),
    json_column("public_metadata"),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "provider", "provider_user_id", name="external_accounts_value"),
    Index("external_accounts_user", "user_id"),
)
"""Accounts at OAuth providers that a user signs in with."""


user_documents = Table(
    "user_documents",
    metadata,
    reference("user_id", "users.id", nullable=False, primary_key=True),
    Column("document", Text, nullable=False),
)
"""Users' answers as text. Triggers delete one when anything changes that it was made of."""


verifications = Table(
    "verifications",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("identification_id", String(ID_LENGTH), nullable=False),
    Column("strategy", String(16), nullable=False),
    Column("code", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    time_column("expire_at"),
    time_column("created_at"),
    Index("verifications_user", "user_id", "identification_id"),
    Index("verifications_instance", "instance_id"),
)
"""`status` is the last one set; an `unverified` one whose time is over counts as `expired`."""


images = Table(
    "images",
    metadata,
    id_column(),
    instance_column(),
    Column("content_type", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    time_column("created_at"),
    Index("images_instance", "instance_id"),
)
"""An image goes with what shows it: who replaces or removes a reference removes the row."""


sessions = Table(
    "sessions",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("client_id", String(ID_LENGTH), nullable=False),
    Column("status", String(16), nullable=False),
    Column("last_active_organization_id", String(ID_LENGTH)),
    json_column("latest_activity", nullable=True),
    json_column("actor", nullable=True),
    time_column("last_active_at"),
    time_column("expire_at"),
    time_column("abandon_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("sessions_user", "user_id", "created_at"),
    Index("sessions_client", "client_id", "created_at"),
    Index("sessions_created", "instance_id", "created_at", "id"),
)
"""`status` is the last one set; an `active` one whose time is over counts as `expired` or `abandoned`."""


sign_in_tokens = Table(
    "sign_in_tokens",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    reference("organization_id", "organizations.id"),
    Column("status", String(16), nullable=False),
    time_column("expires_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("sign_in_tokens_user", "user_id"),
    Index("sign_in_tokens_organization", "organization_id"),
)

actor_tokens = Table(
    "actor_tokens",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    json_column("actor"),
    Column("session_seconds", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    time_column("expires_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("actor_tokens_user", "user_id"),
)
"""`actor` is who comes in as the user, for sessions of at most `session_seconds`."""
