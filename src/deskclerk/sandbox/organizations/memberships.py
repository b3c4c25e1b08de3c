"""Memberships: who belongs to an organization, in which role."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, select, update

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, not_found, refusal
from deskclerk.sandbox.http.metadata import checked_metadata, merged_metadata
from deskclerk.sandbox.http.rows import (
    RowMapping,
    change,
    find,
    get,
    insert,
    ordered,
    page,
    remove,
    split_order,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.organizations.answers import (
    check_places,
    joined_organization,
    organization_answer,
    organization_columns,
    person_columns,
    public_user_data,
)
from deskclerk.sandbox.organizations.offered_roles import check_role
from deskclerk.sandbox.organizations.permissions import (
    MINIMUM,
    has_minimum,
    may,
    permissions_of,
    read_permissions,
)
from deskclerk.sandbox.store.tables import memberships, organization_roles, organizations, sessions, users
from deskclerk.sandbox.users.filters import conditions, order_column

_ONE = "/organizations/{organization_id}/memberships/{user_id}"
AT_ONCE = 500
"""Ids in one statement: both databases take many more."""
_SORTS = ("phone_number", "email_address", "created_at", "first_name", "last_name", "username")


async def list_memberships(call: Call) -> Any:
    """The members that the filters let through, the newest first by default."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    query = _of(call, organization["id"]).where(*conditions(call))
    if "role" in call.query:
        query = query.where(memberships.c.role.in_(call.query["role"]))
    return await _page(call, query)


async def list_all_memberships(call: Call) -> Any:
    """The memberships of all organizations, the newest first by default."""
    return await _page(call, all_memberships(call))


async def _page(call: Call, query: Select[Any]) -> Any:
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    by = memberships.c.created_at if name == "created_at" else order_column(name)
    return await page(call, ordered(query, by, memberships.c.id, descends=descends), present_memberships)


async def create_membership(call: Call) -> dict[str, Any]:
    """Make a user a member at once."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    user = await get(call, users, call.body["user_id"], "user")
    role, organization_id = await check_role(call, call.body["role"], organization), organization["id"]
    if await find(call, memberships, organization_id=organization_id, user_id=user["id"]):
        raise already_a_member(user["id"])
    await check_places(call, organization)
    # The look before gives the kinder error; the index holds when two requests pass it at once.
    with unique_or(already_a_member(user["id"])):
        await add_member(call, organization_id, user["id"], role, **checked_metadata(call.body))
    return await _told(call, "created", organization_id, user["id"])


async def update_membership(call: Call) -> dict[str, Any]:
    """Give a member another role."""
    row = await _member(call, call.path["organization_id"], call.path["user_id"])
    organization = await get(call, organizations, row["organization_id"], "organization")
    role = await check_role(call, call.body["role"], organization)
    # By permissions and not by the role's name: an instance may have other roles that administer.
    if not await may(call, role, MINIMUM):
        await _keep_an_admin(call, row)
    return await _changed(call, row, role=role)


async def merge_membership_metadata(call: Call) -> dict[str, Any]:
    """Merge metadata deeply; null deletes a key."""
    row = await _member(call, call.path["organization_id"], call.path["user_id"])
    return await _changed(call, row, **merged_metadata(dict(row), call.body))


async def delete_membership(call: Call) -> dict[str, Any]:
    """Remove a member, whose sessions have the organization active no longer; answers what was removed."""
    row = await _member(call, call.path["organization_id"], call.path["user_id"])
    await _keep_an_admin(call, row)
    # Answered before it is removed: afterwards there is nothing to answer.
    answer = await _told(call, "deleted", row["organization_id"], row["user_id"])
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


async def tell_created(call: Call, organization_id: str, user_id: str) -> None:
    """Tell webhooks about a membership that came with its organization."""
    await _told(call, "created", organization_id, user_id)


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
    """Refuse to let the last member go who may administer the organization."""
    mine = (memberships.c.organization_id == row["organization_id"], memberships.c.id != row["id"])
    others = select(has_minimum(call.instance.id, *mine))
    if await may(call, row["role"], MINIMUM) and not (await call.connection.execute(others)).scalar_one():
        text = f"An organization needs a member with {', '.join(MINIMUM)}, and this is the last one."
        raise refusal("organization_minimum_permissions_needed", "an admin is needed", text)


def all_memberships(call: Call) -> Select[Any]:
    """The memberships of the instance, each with all that its answer tells: one statement."""
    roles = organization_roles
    its_role = and_(roles.c.instance_id == memberships.c.instance_id, roles.c.key == memberships.c.role)
    query = (
        select(
            memberships,
            *person_columns(),
            *organization_columns(),
            roles.c.name.label("role_name"),
            permissions_of(call.connection.dialect).label("permissions"),
        )
        .join(users, users.c.id == memberships.c.user_id)
        .join(organizations, organizations.c.id == memberships.c.organization_id)
        .join(roles, its_role)
    )
    return query.where(memberships.c.instance_id == call.instance.id)


def _of(call: Call, organization_id: str) -> Select[Any]:
    """Those of one organization."""
    return all_memberships(call).where(memberships.c.organization_id == organization_id)


async def _changed(call: Call, row: RowMapping, **values: Any) -> dict[str, Any]:
    await change(call, memberships, row["id"], **values, updated_at=call.now)
    return await _told(call, "updated", row["organization_id"], row["user_id"])


async def tell_updated(call: Call, ids: Sequence[str]) -> None:
    """Tell webhooks about memberships that were changed together."""
    for begin in range(0, len(ids), AT_ONCE):
        query = all_memberships(call).where(memberships.c.id.in_(ids[begin : begin + AT_ONCE]))
        rows = (await call.connection.execute(query.order_by(memberships.c.id))).mappings().all()
        for answer in await present_memberships(call, rows):
            call.emit("organizationMembership.updated", answer)


async def _told(call: Call, event: str, organization_id: str, user_id: str) -> dict[str, Any]:
    answer = await _answer(call, organization_id, user_id)
    call.emit(f"organizationMembership.{event}", answer)
    return answer


async def _answer(call: Call, organization_id: str, user_id: str) -> dict[str, Any]:
    query = _of(call, organization_id).where(memberships.c.user_id == user_id)
    rows = (await call.connection.execute(query)).mappings().all()
    (answer,) = await present_memberships(call, rows)
    return answer


async def present_memberships(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of `all_memberships`."""
    same = ("id", "role", "public_metadata", "private_metadata", "created_at", "updated_at")
    return [
        {
            "object": "organization_membership",
            **{name: row[name] for name in same},
            "role_name": row["role_name"],
            "permissions": read_permissions(row["permissions"]),
            "organization": organization_answer(call, joined_organization(row)),
            "public_user_data": public_user_data(call, row),
        }
        for row in rows
    ]


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET("/organizations/{organization_id}/memberships"): list_memberships,
        POST("/organizations/{organization_id}/memberships"): create_membership,
        PATCH(_ONE): update_membership,
        DELETE(_ONE): delete_membership,
        PATCH(f"{_ONE}/metadata"): merge_membership_metadata,
        GET("/organization_memberships"): list_all_memberships,
    }
)
