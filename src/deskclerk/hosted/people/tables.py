"""The tables of people. A change here needs a migration in `hosted/migrations/versions`.

Of what opens something (a session's cookie, an invitation's link, a challenge) only a hash is kept. Times are
in milliseconds since the epoch. What is a person's belongs to no workspace: they may be members of several.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text

from deskclerk.database.scoping import SHARED
from deskclerk.hosted.schema import metadata, workspace_column

people = Table(
    "people",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("email", Text),
    Column("email_verified", Boolean, nullable=False),
    Column("name", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("signed_in_at", BigInteger, nullable=False),
    Index("people_by_subject", "issuer", "subject", unique=True),
    info={SHARED: True},
)
"""A person is a subject of an issuer; name and address are what the issuer said at the last sign-in."""

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state", String(64), primary_key=True),
    Column("browser", String(64), nullable=False),
    Column("return_to", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    info={SHARED: True},
)
"""Sign-ins under way: hashes of the state and of the cookie of the browser that began it."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("person", String(40), nullable=False),
    Column("browser", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("sessions_by_digest", "digest", unique=True),
    Index("sessions_by_person", "person"),
    info={SHARED: True},
)
"""Browsers that are in; `digest` is the hash of the cookie."""

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(40), primary_key=True),
    workspace_column(key=False),
    Column("email", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("invited_by", String(40), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Index("invitations_by_digest", "digest", unique=True),
    Index("invitations_by_workspace", "workspace", "created_at"),
)
"""Who was asked to join a workspace; `email` is `comparable`, `digest` that of the link's secret part."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("credential", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Index("passkeys_by_credential", "credential", unique=True),
    Index("passkeys_by_person", "person"),
    info={SHARED: True},
)
"""What a person holds in the hand: the public half of each key."""

challenges = Table(
    "passkey_challenges",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("person", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    info={SHARED: True},
)
"""What passkeys were asked and have not answered: whose, and the digest of what about (see `passkeys.py`)."""

signatures = Table(
    "signatures",
    metadata,
    workspace_column(),
    Column("plan", String(40), primary_key=True),
    Column("person", String(40), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("how", Text, nullable=False),
)
"""Signatures on plans that want more than one; `digest` is that of the plan as it was shown."""
