"""What the sandbox's controls keep: its time, the faults it was told to have, webhooks."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    json_column,
    metadata,
    reference,
    time_column,
)

sandbox_state = Table(
    "sandbox_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("clock_offset", BigInteger, nullable=False),
    time_column("clock_frozen_at", nullable=True),
)
"""One row. `revision` grows with every change of a control, so that other processes read them anew.

The sandbox's time is `clock_frozen_at`, or else the machine's plus `clock_offset`.
"""

faults = Table(
    "faults",
    metadata,
    id_column(),
    # Null where the fault is for every instance.
    reference("instance_id", "instances.id"),
    Column("method", String(8), nullable=False),
    Column("path", Text, nullable=False),
    json_column("effect"),
    Column("remaining", Integer),
    Column("hits", Integer, nullable=False),
    time_column("created_at"),
    Index("faults_instance", "instance_id"),
)
"""`remaining` counts the requests that will still meet it, all of them where it is null."""


webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    id_column(),
    instance_column(),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    json_column("events"),
    Column("enabled", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    Index("webhook_endpoints_instance", "instance_id", "created_at"),
)
"""`events` are names or globs; none means all."""

outbox = Table(
    "outbox",
    metadata,
    id_column(),
    instance_column(),
    Column("position", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    time_column("created_at"),
    Index("outbox_position", "instance_id", "position"),
)
"""`payload` is the body as it is sent and signed; `position` is the order in which things happened."""

deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    instance_column(),
    reference("message_id", "outbox.id", nullable=False),
    reference("endpoint_id", "webhook_endpoints.id", nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    time_column("due_at"),
    time_column("leased_until", nullable=True),
    Column("response_status", Integer),
    Column("error", Text),
    time_column("created_at"),
    time_column("updated_at"),
    Index("deliveries_due", "status", "due_at"),
    Index("deliveries_message", "message_id"),
    Index("deliveries_endpoint", "endpoint_id"),
    Index("deliveries_instance", "instance_id"),
)
"""One message on its way to one endpoint: `pending`, `delivered` or `failed`.

`due_at` is in the sandbox's time, `leased_until` in the machine's: whoever sends it has it until then.
"""
