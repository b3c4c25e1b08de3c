"""The tables of agents, their tokens and their OAuth clients."""

from sqlalchemy import JSON, BigInteger, Column, String, Table, Text

from deskclerk.hosted.schema import metadata, workspace_column

agents = Table(
    "agents",
    metadata,
    Column("id", String(40), primary_key=True),
    workspace_column(key=False),
    Column("name", String(40), nullable=False),
    Column("rules", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(40), nullable=False),
)
"""The named agents of a workspace; `rules` is an `AgentRules`. A name is there once in a workspace."""

agent_tokens = Table(
    "agent_tokens",
    metadata,
    Column("id", String(40), primary_key=True),
    workspace_column(key=False),
    Column("agent", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("beginning", String(16), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("made_by", String(40), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
)
"""A workspace's own tokens: the SHA-256 of each, and as much of its beginning as tells one from another."""

agent_clients = Table(
    "agent_clients",
    metadata,
    workspace_column(),
    Column("issuer", String(512), primary_key=True),
    Column("client_id", String(512), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("agent", String(40)),
    Column("calls_itself", Text, nullable=False),
    Column("first_by", String(40), nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("decided_by", String(40)),
    Column("decided_at", BigInteger),
    Column("last_used_at", BigInteger),
)
"""OAuth clients that came to a workspace: `waiting`, then `allowed` (as an `agent`) or `refused`.

An id says which client only together with the issuer that gave it. `first_by` is the member who came with it
first.
"""
