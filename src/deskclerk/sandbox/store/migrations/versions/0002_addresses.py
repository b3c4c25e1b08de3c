"""What e-mail addresses, phone numbers and users' further routes keep."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
