"""Which roles the members of an organization can have: those of its role set."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Select, exists, select

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import Refusal, not_found, refusal
from deskclerk.sandbox.http.rows import RowMapping, change, find
from deskclerk.sandbox.organizations.permissions import MINIMUM, may
from deskclerk.sandbox.store.role_sets import INITIAL
from deskclerk.sandbox.store.tables import (
    memberships,
    organization_roles,
    organizations,
    role_set_roles,
    role_sets,
)


async def initial_set(call: Call) -> RowMapping:
    """The role set of organizations that name none."""
    row = await find(call, role_sets, type=INITIAL)
    if row is None:
        raise not_found("role set", INITIAL)
    return row


async def named_set(call: Call, key: str, param: str) -> RowMapping:
    """The role set with this key, which stands in a body as `param`."""
    row = await find(call, role_sets, key=key)
    if row is None:
        text = f"No role set {key} exists in this instance."
        raise refusal("form_resource_not_found", "is missing", text, param=param)
    return row


async def roles_of(call: Call, role_set_id: str) -> Mapping[str, RowMapping]:
    """The roles in a set by their keys."""
    query = select(organization_roles).join(role_set_roles).order_by(organization_roles.c.key)
    found = await call.connection.execute(query.where(role_set_roles.c.role_set_id == role_set_id))
    return {row["key"]: row for row in found.mappings()}


async def include(call: Call, role_set: RowMapping, role_ids: Sequence[str]) -> None:
    """Put roles that are not in a set into it."""
    pairs = [{"role_set_id": role_set["id"], "role_id": role_id} for role_id in role_ids]
    if pairs:
        await call.connection.execute(role_set_roles.insert(), pairs)
        await change(call, role_sets, role_set["id"], updated_at=call.now)


async def check_role(call: Call, key: str, organization: RowMapping) -> str:
    """The key itself if the organization offers such a role; else a 404."""
    its_set = select(role_sets.c.id).where(
        role_sets.c.instance_id == call.instance.id, role_sets.c.key == organization["role_set_key"]
    )
    offered = (role_set_roles.c.role_set_id.in_(its_set), organization_roles.c.key == key)
    query = select(exists().where(role_set_roles.c.role_id == organization_roles.c.id, *offered))
    if not (await call.connection.execute(query)).scalar_one():
        text = f"The organization offers no role {key}: its role set is {organization['role_set_key']}."
        raise refusal("resource_not_found", "not found", text, param="role")
    return key


def in_set(call: Call, key: str) -> Select[tuple[str]]:
    """The ids of the organizations that have this role set."""
    columns = organizations.c
    return select(columns.id).where(columns.instance_id == call.instance.id, columns.role_set_key == key)


async def check_held(
    call: Call, members_of: Select[tuple[str]], offered: Collection[str], mapped: Collection[str] = ()
) -> None:
    """Refuse when members of these organizations would be left with a role that is not offered."""
    table = memberships
    held = select(table.c.role).where(table.c.organization_id.in_(members_of)).distinct()
    left = set((await call.connection.execute(held)).scalars()) - set(offered) - set(mapped)
    if left:
        text = f"Members have roles that the role set does not offer: {', '.join(sorted(left))}."
        raise refusal("organization_role_set_reassignment_mappings_missing", "mappings are missing", text)


async def check_creator(call: Call, key: str) -> None:
    """Refuse a role for creators that does not give what they need."""
    if not await may(call, key, MINIMUM):
        raise creator_needs(key)


def creator_needs(key: str) -> Refusal:
    """422: a role that does not give creators what they need."""
    text = f"{key} is not fit for creators of organizations: they need {', '.join(MINIMUM)}."
    return refusal("organization_missing_creator_role_permissions", "permissions are missing", text)
