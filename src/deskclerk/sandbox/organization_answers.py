"""Organizations as Clerk answers them, alone or inside a membership."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import RowMapping

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.image_urls import image_url
from deskclerk.sandbox.organization_counts import COUNTS
from deskclerk.sandbox.rows import all_of
from deskclerk.sandbox.store.tables import organizations

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


def organization_answer(call: Call, row: RowMapping) -> dict[str, Any]:
    """An organization; counts are in it if the row has them."""
    return {
        "object": "organization",
        **{name: row[name] for name in _SAME},
        "image_url": image_url(call, row["logo_id"], row["id"]),
        "has_image": row["logo_id"] is not None,
        **{name: row[name] for name in _WHERE_KNOWN if row.get(name) is not None},
    }


async def public_organizations(call: Call, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What others may see of organizations, by their ids."""
    query = all_of(call, organizations).where(organizations.c.id.in_(ids))
    rows = (await call.connection.execute(query)).mappings()
    names = ("id", "name", "slug", "image_url", "has_image")
    return {row["id"]: {name: organization_answer(call, row)[name] for name in names} for row in rows}
