"""Memberships: who belongs to an organization, in which role."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, exists, select, update

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.merging import checked_metadata
from deskclerk.sandbox.organization_answers import organization_answer
from deskclerk.sandbox.organization_counts import check_places
from deskclerk.sandbox.paging import ordered, page, split_order
from deskclerk.sandbox.public_data import person_columns, public_user_data
from deskclerk.sandbox.refusals import Refusal, not_found, refusal
from deskclerk.sandbox.roles import ADMIN, ROLES, check_role
from deskclerk.sandbox.rows import all_of, change, find, get, insert, remove
from deskclerk.sandbox.store.tables import memberships, organizations, sessions, users
from deskclerk.sandbox.unique import unique_or
from deskclerk.sandbox.user_filters import conditions, order_column


async def list_memberships(call: Call) -> Any:
    """The members that the filters let through, the newest first by default."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    query = _of(call, organization["id"]).where(*conditions(call))
    if "role" in call.query:
        query = query.where(memberships.c.role.in_(call.query["role"]))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    by = memberships.c.created_at if name == "created_at" else order_column(name)
    return await page(call, ordered(query, by, memberships.c.id, descends=descends), present_memberships)


async def create_membership(call: Call) -> dict[str, Any]:
    """Make a user a member at once."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    user = await get(call, users, call.body["user_id"], "user")
    role, organization_id = check_role(call.body["role"]), organization["id"]
    if await find(call, memberships, organization_id=organization_id, user_id=user["id"]):
        raise already_a_member(user["id"])
    await check_places(call, organization)
    with unique_or(already_a_member(user["id"])):
        await add_member(call, organization_id, user["id"], role, **checked_metadata(call.body))
    return await _answer(call, organization_id, user["id"])


async def update_membership(call: Call) -> dict[str, Any]:
    """Give a member another role."""
    row = await _member(call, call.path["organization_id"], call.path["user_id"])
    role = check_role(call.body["role"])
    if role != ADMIN:
        await _keep_an_admin(call, row)
    await change(call, memberships, row["id"], role=role, updated_at=call.now)
    return await _answer(call, row["organization_id"], row["user_id"])


async def delete_membership(call: Call) -> dict[str, Any]:
    """Remove a member, whose sessions have the organization active no longer; answers what was removed."""
    row = await _member(call, call.path["organization_id"], call.path["user_id"])
    await _keep_an_admin(call, row)
    answer = await _answer(call, row["organization_id"], row["user_id"])
    await remove(call, memberships, row["id"])
    active = sessions.c.last_active_organization_id == row["organization_id"]
    await call.connection.execute(
        update(sessions)
        .where(sessions.c.user_id == row["user_id"], active)
        .values(last_active_organization_id=None)
    )
    return answer


async def add_member(
    call: Call, organization_id: str, user_id: str, role: str, **metadata: dict[str, Any]
) -> None:
    """A new membership; the caller has checked that there may be one."""
    values = {"public_metadata": {}, "private_metadata": {}, **metadata}
    await insert(
        call,
        memberships,
        id=new_id("orgmem", call.now),
        organization_id=organization_id,
        user_id=user_id,
        role=role,
        created_at=call.now,
        updated_at=call.now,
        **values,
    )


def already_a_member(who: str) -> Refusal:
    """400: there is nothing to add."""
    text = f"{who} is a member of the organization already."
    return refusal("already_a_member_in_organization", "already a member", text)


async def _member(call: Call, organization_id: str, user_id: str) -> RowMapping:
    row = await find(call, memberships, organization_id=organization_id, user_id=user_id)
    if row is None:
        raise not_found(f"member of the organization {organization_id}", user_id)
    return row


async def _keep_an_admin(call: Call, row: RowMapping) -> None:
    """Refuse to let the last admin go."""
    mine = memberships.c.organization_id == row["organization_id"]
    others = exists().where(mine, memberships.c.role == ADMIN, memberships.c.id != row["id"])
    if row["role"] == ADMIN and not (await call.connection.execute(select(others))).scalar_one():
        text = "An organization needs at least one admin, and this is the last one."
        raise refusal("organization_minimum_permissions_needed", "an admin is needed", text)


def _of(call: Call, organization_id: str) -> Select[Any]:
    """An organization's memberships, each with what others may see of its user."""
    query = select(memberships, *person_columns()).join(users, users.c.id == memberships.c.user_id)
    return query.where(
        memberships.c.instance_id == call.instance.id, memberships.c.organization_id == organization_id
    )


async def _answer(call: Call, organization_id: str, user_id: str) -> dict[str, Any]:
    query = _of(call, organization_id).where(memberships.c.user_id == user_id)
    rows = (await call.connection.execute(query)).mappings().all()
    (answer,) = await present_memberships(call, rows)
    return answer


async def present_memberships(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of `_of`."""
    ids = {row["organization_id"] for row in rows}
    found = await call.connection.execute(all_of(call, organizations).where(organizations.c.id.in_(ids)))
    parents = {row["id"]: organization_answer(row) for row in found.mappings()}
    same = ("id", "role", "public_metadata", "private_metadata", "created_at", "updated_at")
    return [
        {
            "object": "organization_membership",
            **{name: row[name] for name in same},
            "role_name": ROLES[row["role"]].name,
            "permissions": list(ROLES[row["role"]].permissions),
            "organization": parents[row["organization_id"]],
            "public_user_data": public_user_data(call, row),
        }
        for row in rows
    ]


HANDLERS: Handlers = {
    GET("/organizations/{organization_id}/memberships"): list_memberships,
    POST("/organizations/{organization_id}/memberships"): create_membership,
    PATCH("/organizations/{organization_id}/memberships/{user_id}"): update_membership,
    DELETE("/organizations/{organization_id}/memberships/{user_id}"): delete_membership,
}
