"""What an instance's settings are changed to."""

from sqlalchemy import Column, String, Table

from deskclerk.sandbox.store.columns import ID_LENGTH, json_column, metadata, reference

instance_settings = Table(
    "instance_settings",
    metadata,
    reference("instance_id", "instances.id", nullable=False, primary_key=True),
    Column("section", String(ID_LENGTH), primary_key=True),
    json_column("changed"),
)
"""One row for each section of the settings that was ever changed; `changed` holds what is not as it began."""
