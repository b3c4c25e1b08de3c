"""The tables of checkpoints and of the keys that sign them."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from deskclerk.hosted.schema import metadata, workspace_column

checkpoints = Table(
    "checkpoints",
    metadata,
    workspace_column(),
    Column("seq", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("signature", Text, nullable=False),
)
"""Lines up to which a journal was cut off: what is left is chained behind `hash`, which is signed."""

checkpoint_keys = Table(
    "checkpoint_keys",
    metadata,
    workspace_column(),
    Column("sealed", Text, nullable=False),
)
"""The key that a workspace's checkpoints are signed with, sealed by the vault."""
