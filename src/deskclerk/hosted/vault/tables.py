"""The tables of keys and of what is sealed."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from deskclerk.hosted.schema import metadata, workspace_column

data_keys = Table(
    "data_keys",
    metadata,
    workspace_column(),
    Column("version", Integer, primary_key=True),
    Column("wrapped", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""The versions of a workspace's data key, each wrapped by the vault key; the newest seals."""

sealed_secrets = Table(
    "sealed_secrets",
    metadata,
    workspace_column(),
    Column("instance", String(40), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("set_at", BigInteger, nullable=False),
    Column("sealed", Text, nullable=False),
)
"""What people store as `secret:NAME`, for one instance each; and, without one, the key of keyed hashes."""

handovers = Table(
    "handovers",
    metadata,
    workspace_column(),
    Column("id", String(40), primary_key=True),
    Column("instance", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("sealed", Text, nullable=False),
)
"""What Clerk showed once and nobody took yet; a row goes with whoever takes it."""
