"""Sign-ups: who is about to become a user, and who has."""

from sqlalchemy import Boolean, Column, Index, String, Table, Text

from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

sign_ups = Table(
    "sign_ups",
    metadata,
    id_column(),
    instance_column(),
    Column("status", String(32), nullable=False),
    Column("email_address", Text),
    Column("phone_number", Text),
    Column("web3_wallet", Text),
    Column("username", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    json_column("verified"),
    Column("password_enabled", Boolean, nullable=False),
    json_column("unsafe_metadata"),
    json_column("public_metadata"),
    Column("custom_action", Boolean, nullable=False),
    Column("external_id", Text),
    # What became of it is told as long as that is there.
    reference("created_user_id", "users.id", ondelete="SET NULL"),
    reference("created_session_id", "sessions.id", ondelete="SET NULL"),
    Column("locale", Text),
    time_column("legal_accepted_at", nullable=True),
    time_column("abandon_at"),
    time_column("created_at"),
    time_column("updated_at"),
    Index("sign_ups_instance", "instance_id"),
    Index("sign_ups_user", "created_user_id"),
    Index("sign_ups_session", "created_session_id"),
)
"""`status` is the last one set; one that lacks something when its time is over counts as `abandoned`.

`verified` names the identifiers that were proved.
"""
