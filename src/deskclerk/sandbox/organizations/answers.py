"""Organizations as Clerk answers them, their counts, and what others may see of a member."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.images import image_url
from deskclerk.sandbox.http.rows import RowMapping, all_of
from deskclerk.sandbox.organizations.permissions import has_minimum
from deskclerk.sandbox.store.tables import memberships, organization_invitations, organizations, users
from deskclerk.sandbox.users.filters import order_column

COUNTS = ("members_count", "pending_invitations_count", "missing_member_with_elevated_permissions")
"""The keys that an answer has only when they were asked for."""
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
_COLUMNS = ("id", "first_name", "last_name", "username", "profile_image_id", "banned")


def members() -> ColumnElement[int]:
    """How many members an organization has."""
    mine = memberships.c.organization_id == organizations.c.id
    return (
        select(func.count()).select_from(memberships).where(mine).correlate(organizations).scalar_subquery()
    )


def open_invitations(now: int) -> ColumnElement[int]:
    """How many invitations to an organization can still be accepted."""
    table = organization_invitations
    mine = and_(table.c.organization_id == organizations.c.id, table.c.status == "pending")
    query = select(func.count()).select_from(table).where(mine, table.c.expires_at > now)
    return query.correlate(organizations).scalar_subquery()


def lacks_admin(instance_id: str) -> ColumnElement[bool]:
    """Whether no member of an organization may administer it."""
    mine = memberships.c.organization_id == organizations.c.id
    return ~has_minimum(instance_id, mine).correlate(organizations)


def with_counts(call: Call, query: Select[Any]) -> Select[Any]:
    """The query of organizations with the counts that the call asks for."""
    if call.query.get("include_members_count"):
        query = query.add_columns(
            members().label("members_count"),
            open_invitations(call.now).label("pending_invitations_count"),
        )
    if call.query.get("include_missing_member_with_elevated_permissions"):
        lacks = lacks_admin(call.instance.id).label("missing_member_with_elevated_permissions")
        query = query.add_columns(lacks)
    return query


async def check_places(call: Call, organization: RowMapping) -> None:
    """Refuse when members and open invitations together fill the organization."""
    most = organization["max_allowed_memberships"]
    places = select(members() + open_invitations(call.now)).where(organizations.c.id == organization["id"])
    # Zero stands for no limit.
    if most and (await call.connection.execute(places)).scalar_one() >= most:
        text = f"The organization takes at most {most} members, open invitations included."
        raise refusal("organization_membership_quota_exceeded", "organization is full", text)


def organization_answer(call: Call, row: RowMapping) -> dict[str, Any]:
    """An organization; counts are in it if the row has them."""
    return {
        "object": "organization",
        **{name: row[name] for name in _SAME},
        "image_url": image_url(call.base_url, row["logo_id"], row["id"]),
        "has_image": row["logo_id"] is not None,
        **{name: row[name] for name in _WHERE_KNOWN if row.get(name) is not None},
    }


def organization_columns() -> Sequence[ColumnElement[Any]]:
    """The columns of `organizations` that an answer needs, for a query that joins it."""
    names = (*_SAME, "logo_id", "created_by")
    return [organizations.c[name].label(f"parent_{name}") for name in names]


def joined_organization(row: RowMapping) -> RowMapping:
    """The organization in a row with `organization_columns`."""
    return {name: row[f"parent_{name}"] for name in (*_SAME, "logo_id", "created_by")}


async def public_organizations(call: Call, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What others may see of organizations, by their ids."""
    query = all_of(call, organizations).where(organizations.c.id.in_(ids))
    rows = (await call.connection.execute(query)).mappings()
    names = ("id", "name", "slug", "image_url", "has_image")
    return {row["id"]: {name: organization_answer(call, row)[name] for name in names} for row in rows}


def person_columns() -> Sequence[ColumnElement[Any]]:
    """The columns of `users` that `public_user_data` needs, for a query that joins it."""
    identifier = func.coalesce(
        order_column("email_address"),
        order_column("phone_number"),
        users.c.username,
        order_column("web3wallet"),
    )
    return [
        *(users.c[name].label(f"person_{name}") for name in _COLUMNS),
        identifier.label("person_identifier"),
    ]


def public_user_data(call: Call, row: RowMapping) -> dict[str, Any]:
    """What a membership shows of its user."""
    data = public_inviter_data(call, row)
    return {
        **data,
        "identifier": row["person_identifier"],
        "profile_image_url": data["image_url"],
        "username": row["person_username"],
        "banned": row["person_banned"],
        "deprovisioned": False,
    }


def public_inviter_data(call: Call, row: RowMapping) -> dict[str, Any]:
    """What an invitation shows of its inviter."""
    return {
        "user_id": row["person_id"],
        "first_name": row["person_first_name"],
        "last_name": row["person_last_name"],
        "image_url": image_url(call.base_url, row["person_profile_image_id"], row["person_id"]),
        "has_image": row["person_profile_image_id"] is not None,
        "identifier": row["person_identifier"] or "",
    }
