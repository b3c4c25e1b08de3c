"""Checkpoints, behind which a journal is cut off, and the one way in which its lines may go."""

import sqlalchemy as sa
from alembic import op

from deskclerk.database.scoping import ROLE
from deskclerk.hosted.isolation import DEFAULT, protect
from deskclerk.hosted.retention.pruning import PRUNING

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of checkpoints; the journal stays append-only for everybody but the database's owner."""
    op.create_table(
        "checkpoints",
        sa.Column(
            "workspace",
            sa.String(40),
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            primary_key=True,
            server_default=sa.text(DEFAULT),
        ),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
    )
    protect("checkpoints")
    op.create_table(
        "checkpoint_keys",
        sa.Column(
            "workspace",
            sa.String(40),
            sa.ForeignKey("workspaces.id", ondelete="CASCADE"),
            primary_key=True,
            server_default=sa.text(DEFAULT),
        ),
        sa.Column("sealed", sa.Text, nullable=False),
    )
    protect("checkpoint_keys")
    op.execute(
        "CREATE OR REPLACE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND current_setting('{PRUNING}', true) = 'on' AND current_user <> '{ROLE}' "
        "THEN RETURN NULL; END IF; "
        "RAISE EXCEPTION 'the journal is append-only'; END $$"
    )
