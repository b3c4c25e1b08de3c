"""Taking role sets away, and roles out of them: organizations move, and members get other roles."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, case, delete, select, update

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid, refusal
from deskclerk.sandbox.http.rows import RowMapping, change, remove
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.organizations import memberships as members
from deskclerk.sandbox.organizations import organizations as parents
from deskclerk.sandbox.organizations.offered_roles import (
    check_creator,
    check_held,
    in_set,
    named_set,
    roles_of,
)
from deskclerk.sandbox.organizations.role_sets import NEWCOMERS, PLACE, answer_of, role_set_in_path
from deskclerk.sandbox.store.role_sets import INITIAL
from deskclerk.sandbox.store.tables import (
    memberships,
    organization_invitations,
    organizations,
    role_set_roles,
    role_sets,
)
from deskclerk.sandbox.webhooks.outbox import KEPT


async def replace_role_set(call: Call) -> dict[str, Any]:
    """Move the organizations of a role set to another one, and delete it."""
    row = await role_set_in_path(call)
    to = await named_set(call, call.body["dest_role_set_key"], "dest_role_set_key")
    if to["id"] == row["id"]:
        raise invalid("dest_role_set_key", "dest_role_set_key must be another role set.")
    mapping, moving = call.body.get("reassignment_mappings") or {}, in_set(call, row["key"])
    offered = await roles_of(call, to["id"])
    _check_mapping(mapping, await roles_of(call, row["id"]), offered)
    await check_held(call, moving, offered, mapping)
    moved = list((await call.connection.execute(moving.order_by(organizations.c.id))).scalars())
    changed = await _reassign(call, moving, mapping)
    values = {"role_set_key": to["key"], "updated_at": call.now}
    await call.connection.execute(update(organizations).where(organizations.c.id.in_(moving)).values(values))
    await remove(call, role_sets, row["id"])
    # New organizations always get one: where the initial set goes, the other takes its place.
    if row["type"] == INITIAL:
        await change(call, role_sets, to["id"], type=INITIAL, updated_at=call.now)
    # Told last: each event shows the organization as it is now. More would be forgotten at once.
    await parents.tell_updated(call, moved[-KEPT:])
    await members.tell_updated(call, changed[-KEPT:])
    return {"object": "role_set", "id": row["id"], "deleted": True}


async def replace_role(call: Call) -> dict[str, Any]:
    """Take a role out of a set and give its members another one of the set."""
    row = await role_set_in_path(call)
    roles = await roles_of(call, row["id"])
    old, new = (_in_set(call, name, roles, row) for name in ("role_key", "to_role_key"))
    if old["id"] == new["id"]:
        raise invalid("to_role_key", "to_role_key must be another role.")
    # What the old role was to newcomers, the new one is from now on.
    values = {column: new["id"] for column in NEWCOMERS.values() if row[column] == old["id"]}
    if "creator_role_id" in values:
        await check_creator(call, new["key"])
    changed = await _reassign(call, in_set(call, row["key"]), {old["key"]: new["key"]})
    pair = (role_set_roles.c.role_set_id == row["id"], role_set_roles.c.role_id == old["id"])
    await call.connection.execute(delete(role_set_roles).where(*pair))
    await change(call, role_sets, row["id"], **values, updated_at=call.now)
    await members.tell_updated(call, changed[-KEPT:])
    return await answer_of(call, row["id"])


def _in_set(call: Call, param: str, roles: Mapping[str, RowMapping], row: RowMapping) -> RowMapping:
    key = call.body[param]
    if key not in roles:
        text = f"{row['key']} has no role {key}."
        raise refusal("resource_not_found", "not found", text, param=param)
    return roles[key]


def _check_mapping(
    mapping: Mapping[str, Any], roles: Mapping[str, RowMapping], offered: Mapping[str, RowMapping]
) -> None:
    for old, new in mapping.items():
        if old not in roles or not isinstance(new, str) or new not in offered:
            text = f"{old} must be a role of this role set, and stand for one of {', '.join(offered)}."
            code, name = "organization_role_set_reassignment_mappings_invalid", "reassignment_mappings"
            raise refusal(code, "mappings are invalid", text, param=name)


async def _reassign(call: Call, of: Select[tuple[str]], mapping: Mapping[str, str]) -> list[str]:
    """Give members of these organizations their other roles, and who is invited; the memberships' ids."""
    mapping = {old: new for old, new in mapping.items() if old != new}
    if not mapping:
        return []
    columns = memberships.c
    theirs = (columns.organization_id.in_(of), columns.role.in_(mapping))
    query = select(columns.id).where(*theirs).order_by(columns.id)
    changed = list((await call.connection.execute(query)).scalars())
    table = organization_invitations
    # What is over keeps its role: its answer tells what somebody was invited as.
    waiting = (table.c.organization_id.in_(of), table.c.role.in_(mapping), table.c.status == "pending")
    for those, where in ((memberships, theirs), (table, waiting)):
        # One statement for all roles: two that take each other's place do not end as one.
        values = {"role": case(mapping, value=those.c.role), "updated_at": call.now}
        await call.connection.execute(update(those).where(*where).values(values))
    return changed


HANDLERS: Handlers = where_organizations_are_on(
    {POST(f"{PLACE}/replace"): replace_role_set, POST(f"{PLACE}/roles/replace"): replace_role}
)
