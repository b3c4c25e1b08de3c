"""What is counted of organizations, as SQL: members, open invitations, whether somebody can administer."""

from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, select

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.roles import has_minimum
from deskclerk.sandbox.store.tables import memberships, organization_invitations, organizations

COUNTS = ("members_count", "pending_invitations_count", "missing_member_with_elevated_permissions")
"""The keys that an answer has only when they were asked for."""


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
    if most and (await call.connection.execute(places)).scalar_one() >= most:
        text = f"The organization takes at most {most} members, open invitations included."
        raise refusal("organization_membership_quota_exceeded", "organization is full", text)
