"""The tables of destinations and of what is to be told to them. Times are in milliseconds since the epoch."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from deskclerk.hosted.schema import metadata, workspace_column

destinations = Table(
    "destinations",
    metadata,
    Column("id", String(40), primary_key=True),
    workspace_column(key=False),
    Column("name", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(40), nullable=False),
)
"""Where a workspace's people are told; address and secret are sealed together, bound to `id` and `kind`."""

notices = Table(
    "notices",
    metadata,
    Column("id", String(40), primary_key=True),
    workspace_column(key=False),
    Column("destination", String(40), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("tried_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("outcome", String(16)),
    Column("why", Text),
    Index("notices_once", "workspace", "destination", "subject", unique=True),
)
"""What is to be told, and was: of each subject (a plan, a pause of a job) once to each destination.

Nothing of the message stands here: it is made of the plan or job when it is sent. `id` is the message's, the
same in every try. `next_at` is when it may be taken; whoever takes it puts that off for as long as a try may
last, so that of who dies another takes it then. `why` is what the last try came to.
"""
