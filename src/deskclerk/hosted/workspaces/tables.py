"""The tables of workspaces, their members and instances."""

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, Text

from deskclerk.database.scoping import SHARED
from deskclerk.hosted.schema import metadata, workspace_column

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("slug", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("policy", JSON, nullable=False),
    Column("limits", JSON, nullable=False),
    Column("keep_days", Integer),
    Column("version", Integer, nullable=False),
    info={SHARED: True},
)
"""One row for each; the owner's transactions alone see it.

`policy` is a `WorkspacePolicy`, `limits` what differs from the limits that all have, `keep_days` for how long
the journal is kept (null: always). `version` is raised with every change that an open desk has to notice.
"""

members = Table(
    "members",
    metadata,
    workspace_column(),
    Column("person", String(40), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Who belongs to a workspace, as `owner`, `signer` or `viewer`."""

instances = Table(
    "instances",
    metadata,
    workspace_column(),
    Column("name", String(40), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("instance", String(32), nullable=False),
    Column("secret_key", Text, nullable=False),
    Column("api_url", Text),
    Column("rules", JSON, nullable=False),
    Column("clerk_id", String(64)),
)
"""The Clerk instances of a workspace; `instance` is the id that plans, jobs and the journal have for it.

It stays when the key does not. `secret_key` is sealed by the vault, bound to workspace and name; `clerk_id`
is the id that Clerk itself has for the instance, null where it has not said so.
"""
