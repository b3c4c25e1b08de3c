"""Users and what belongs to them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
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
