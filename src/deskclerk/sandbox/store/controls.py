"""What the sandbox's controls keep: its time, and the faults it was told to have."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from deskclerk.sandbox.store.columns import id_column, json_column, metadata, reference, time_column

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
