"""The words of e-mails and text messages, where an instance changed them."""

from sqlalchemy import Boolean, Column, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, time_column

message_templates = Table(
    "message_templates",
    metadata,
    id_column(),
    instance_column(),
    Column("template_type", String(8), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("subject", Text),
    Column("markup", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("from_email_name", Text, nullable=False),
    Column("reply_to_email_name", Text, nullable=False),
    Column("delivered_by_clerk", Boolean, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "template_type", "slug", name="message_templates_slug"),
)
"""One row for each template that is not as every instance begins with it."""
