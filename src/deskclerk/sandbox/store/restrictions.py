"""Who may sign up, and who may not sign in."""

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint

from deskclerk.sandbox.store.columns import id_column, instance_column, metadata, reference, time_column


def _identifiers(name: str, *more: Column[str]) -> Table:
    """A list of identifiers, each once in its instance."""
    return Table(
        name,
        metadata,
        id_column(),
        instance_column(),
        Column("identifier", Text, nullable=False),
        Column("identifier_type", String(16), nullable=False),
        *more,
        time_column("created_at"),
        time_column("updated_at"),
        UniqueConstraint("instance_id", "identifier", name=f"{name}_identifier"),
        Index(f"{name}_created", "instance_id", "created_at", "id"),
    )


allowlist_identifiers = _identifiers(
    "allowlist_identifiers", reference("invitation_id", "invitations.id", ondelete="SET NULL")
)
blocklist_identifiers = _identifiers("blocklist_identifiers")
