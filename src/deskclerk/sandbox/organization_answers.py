"""Organizations as Clerk answers them, alone or inside a membership."""

from typing import Any

from sqlalchemy import RowMapping

from deskclerk.sandbox.image_urls import DEFAULTS
from deskclerk.sandbox.organization_counts import COUNTS

_SAME = (
    "id",
    "name",
    "slug",
    "max_allowed_memberships",
    "admin_delete_enabled",
    "public_metadata",
    "private_metadata",
    "role_set_key",
    "created_at",
    "updated_at",
)
_WHERE_KNOWN = ("created_by", *COUNTS)
"""Keys that are left out where there is nothing to say."""


def organization_answer(row: RowMapping) -> dict[str, Any]:
    """An organization; counts are in it if the row has them."""
    return {
        "object": "organization",
        **{name: row[name] for name in _SAME},
        "image_url": f"{DEFAULTS}/{row['id']}",
        "has_image": False,
        **{name: row[name] for name in _WHERE_KNOWN if row.get(name) is not None},
    }
