"""The keys that instances sign tokens with."""

from sqlalchemy import Column, Table, Text

from deskclerk.sandbox.store.columns import metadata, reference, time_column

signing_keys = Table(
    "signing_keys",
    metadata,
    reference("instance_id", "instances.id", nullable=False, primary_key=True),
    Column("private_key", Text, nullable=False),
    time_column("created_at"),
)
"""One for each instance, made when it is first needed; `private_key` is PKCS #8 in PEM, never answered."""
