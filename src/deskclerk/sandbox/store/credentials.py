"""What stands for a user elsewhere: passkeys, trusted devices, tokens of OAuth, tasks of agents."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

passkeys = Table(
    "passkeys",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("name", Text, nullable=False),
    time_column("last_used_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("passkeys_user", "user_id"),
)
"""Without their public keys: nobody signs in with one here."""

trusted_devices = Table(
    "trusted_devices",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("platform", String(8), nullable=False),
    Column("app_identifier", Text, nullable=False),
    Column("name", Text),
    Column("status", String(8), nullable=False),
    time_column("last_used_at", nullable=True),
    time_column("revoked_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    Index("trusted_devices_user", "user_id", "created_at", "id"),
)

external_account_tokens = Table(
    "external_account_tokens",
    metadata,
    reference("external_account_id", "external_accounts.id", nullable=False, primary_key=True),
    instance_column(),
    Column("token", Text, nullable=False),
    Column("token_secret", Text),
    Column("id_token", Text),
    Column("label", Text),
    json_column("scopes", nullable=True),
    Column("can_refresh", Boolean, nullable=False),
    time_column("expires_at", nullable=True),
)
"""What a provider gave to ask it with; whether it gave a refresh token, which itself is not kept."""

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    id_column(),
    instance_column(),
    reference("oauth_application_id", "oauth_applications.id", nullable=False),
    reference("user_id", "users.id", nullable=False),
    Column("grant_id", String(ID_LENGTH), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("refresh_digest", String(64)),
    json_column("refresh_scopes", nullable=True),
    time_column("refreshed_at", nullable=True),
    json_column("scopes"),
    time_column("expires_at", nullable=True),
    Column("revocation_reason", Text),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "digest", name="oauth_tokens_digest"),
    Index("oauth_tokens_refresh", "instance_id", "refresh_digest"),
    Index("oauth_tokens_grant", "oauth_application_id", "grant_id"),
    Index("oauth_tokens_user", "user_id"),
)
"""Access tokens of OAuth applications, of which only SHA-256 is kept; one that is revoked has a reason.

`refresh_scopes` are those of the refresh token where they are more than the access token's, `refreshed_at`
is when it was used: it is good once. Of a JWT nothing is kept: its `digest` is that of no token.
"""

oauth_codes = Table(
    "oauth_codes",
    metadata,
    id_column(),
    instance_column(),
    reference("oauth_application_id", "oauth_applications.id", nullable=False),
    reference("user_id", "users.id", nullable=False),
    Column("digest", String(64), nullable=False),
    Column("redirect_uri", Text),
    Column("code_challenge", String(64)),
    Column("nonce", Text),
    json_column("scopes"),
    time_column("used_at", nullable=True),
    time_column("expires_at"),
    time_column("created_at"),
    UniqueConstraint("instance_id", "digest", name="oauth_codes_digest"),
    Index("oauth_codes_application", "oauth_application_id"),
    Index("oauth_codes_user", "user_id"),
    Index("oauth_codes_expire", "instance_id", "expires_at"),
)
"""Authorization codes, of which only SHA-256 is kept; a code's id is the grant of the tokens that came of it.

`redirect_uri` is the one that was asked for, null where none was.
"""

agent_tasks = Table(
    "agent_tasks",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id", nullable=False),
    Column("agent_id", String(ID_LENGTH), nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("task_description", Text, nullable=False),
    Column("redirect_url", Text, nullable=False),
    Column("session_seconds", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    Index("agent_tasks_user", "user_id"),
)
"""Tickets that let an agent in as a user, for sessions of at most `session_seconds`."""
