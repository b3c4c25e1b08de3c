"""Plans and their prices, and what payers were granted."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import (
    ID_LENGTH,
    id_column,
    instance_column,
    metadata,
    reference,
    time_column,
)

billing_plans = Table(
    "billing_plans",
    metadata,
    id_column(),
    instance_column(),
    Column("product_id", String(ID_LENGTH), nullable=False),
    Column("name", Text, nullable=False),
    Column("slug", String(128), nullable=False),
    Column("description", Text),
    Column("payer_type", String(8), nullable=False),
    Column("is_default", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "payer_type", "slug", name="billing_plans_slug"),
    Index("billing_plans_created", "instance_id", "created_at", "id"),
)
"""`payer_type` is `user` or `org`; whoever chose no plan is on the default one of their type."""

billing_prices = Table(
    "billing_prices",
    metadata,
    id_column(),
    instance_column(),
    reference("plan_id", "billing_plans.id", nullable=False),
    Column("amount", BigInteger),
    Column("annual_monthly_amount", BigInteger),
    Column("description", Text),
    Column("is_default", Boolean, nullable=False),
    time_column("created_at"),
    Index("billing_prices_created", "instance_id", "created_at", "id"),
    Index("billing_prices_plan", "plan_id"),
)
"""Cents for a month, paid by the month or by the year; null where a plan cannot be paid so."""

billing_credits = Table(
    "billing_credits",
    metadata,
    id_column(),
    instance_column(),
    reference("user_id", "users.id"),
    reference("organization_id", "organizations.id"),
    Column("source_id", String(ID_LENGTH), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("note", Text),
    time_column("created_at"),
    UniqueConstraint("user_id", "idempotency_key", name="billing_credits_user_key"),
    UniqueConstraint("organization_id", "idempotency_key", name="billing_credits_organization_key"),
    Index("billing_credits_instance", "instance_id"),
)
"""One of user and organization is given. Rows are never changed: their sum is the balance, in cents."""
