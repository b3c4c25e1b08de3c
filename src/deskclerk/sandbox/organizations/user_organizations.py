"""The organizations of one user: memberships and invitations."""

from typing import Any

from sqlalchemy import select

from deskclerk.catalogue.route import GET
from deskclerk.sandbox.access.invitations import status_at
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.rows import get, ordered, page
from deskclerk.sandbox.organizations.answers import person_columns
from deskclerk.sandbox.organizations.invitations import present_with_organizations
from deskclerk.sandbox.organizations.memberships import all_memberships, present_memberships
from deskclerk.sandbox.store.tables import (
    email_addresses,
    memberships,
    organization_invitations,
    users,
)

_table = organization_invitations


async def list_memberships_of_user(call: Call) -> Any:
    """Where a user belongs, the newest membership first."""
    user = await get(call, users, call.path["user_id"], "user")
    query = all_memberships(call).where(memberships.c.user_id == user["id"])
    by, tie = memberships.c.created_at, memberships.c.id
    return await page(call, ordered(query, by, tie, descends=True), present_memberships)


async def list_invitations_of_user(call: Call) -> Any:
    """What the e-mail addresses of a user are invited to, the newest invitation first."""
    user = await get(call, users, call.path["user_id"], "user")
    # An invitation names no user: it is theirs who has the address.
    theirs = select(email_addresses.c.email_address).where(email_addresses.c.user_id == user["id"])
    query = select(_table, *person_columns()).outerjoin(users, users.c.id == _table.c.inviter_id)
    query = query.where(_table.c.instance_id == call.instance.id, _table.c.email_address.in_(theirs))
    if "status" in call.query:
        query = query.where(status_at(_table, call.now) == call.query["status"])
    return await page(
        call, ordered(query, _table.c.created_at, _table.c.id, descends=True), present_with_organizations
    )


HANDLERS: Handlers = {
    GET("/users/{user_id}/organization_memberships"): list_memberships_of_user,
    GET("/users/{user_id}/organization_invitations"): list_invitations_of_user,
}
