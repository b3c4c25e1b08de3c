"""The instances that a sandbox holds."""

from sqlalchemy import Column, Integer, String, Table, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, metadata, time_column

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
