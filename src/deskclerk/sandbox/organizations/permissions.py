"""What a member of an organization may do: roles as rows, and the permissions that they give."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Exists, Select, Table, and_, exists, func, or_, select

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.database import Connection
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, refusal, taken
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
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
from deskclerk.sandbox.store.aggregates import read_rows, rows_of
from deskclerk.sandbox.store.role_sets import add_missing_role_sets
from deskclerk.sandbox.store.system_roles import ADMIN, MEMBER, system_rows
from deskclerk.sandbox.store.tables import (
    memberships,
    organization_permissions,
    organization_roles,
    role_permissions,
)

_KEY = re.compile(r"org:(?!sys_)[a-z0-9_]+:[a-z0-9_]+")
_TABLE = organization_permissions
MANAGE_MEMBERS = "org:sys_memberships:manage"
MINIMUM = ("org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:delete")
"""What somebody in every organization must be allowed, and what a role needs to be given to creators."""


async def list_permissions(call: Call) -> Any:
    """All permissions, the system's too, newest first by default."""
    return await page(call, named(call, _TABLE), present_permissions)


def named(call: Call, table: Table) -> Any:
    """The rows whose id is the call's `query`, or whose name or key contains it, in order."""
    query = all_of(call, table)
    if text := call.query.get("query", "").strip():
        part = func.lower(table.c.name).contains(text.lower(), autoescape=True)
        in_key = table.c.key.contains(text.lower(), autoescape=True)
        query = query.where(or_(table.c.id == text, part, in_key))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    return ordered(query, table.c[name], table.c.id, descends=descends)


async def get_permission(call: Call) -> dict[str, Any]:
    """One permission."""
    return permission_answer(await get(call, _TABLE, call.path["permission_id"], "permission"))


async def create_permission(call: Call) -> dict[str, Any]:
    """A new permission of the instance's own."""
    values = _fields(call) | {"type": "user", "created_at": call.now, "updated_at": call.now}
    key = new_id("perm", call.now)
    with unique_or(taken("key")):
        await insert(call, _TABLE, id=key, **{"description": "", **values})
    return await _told(call, "permission.created", key)


async def update_permission(call: Call) -> dict[str, Any]:
    """Change a permission of the instance's own."""
    row = await _own(call)
    with unique_or(taken("key")):
        await change(call, _TABLE, row["id"], **_fields(call), updated_at=call.now)
    return await _told(call, "permission.updated", row["id"])


async def delete_permission(call: Call) -> dict[str, Any]:
    """Delete a permission of the instance's own; no role gives it any more."""
    # The system's stay, so no role loses what MINIMUM asks for in this way.
    row = await _own(call)
    await remove(call, _TABLE, row["id"])
    answer = {"object": "permission", "id": row["id"], "deleted": True}
    call.emit("permission.deleted", answer)
    return answer


def _fields(call: Call) -> dict[str, Any]:
    values = {name: call.body[name] for name in ("name", "key", "description") if name in call.body}
    if "key" in values and not _KEY.fullmatch(values["key"]):
        text = "key must be org:feature:action, of a-z, 0-9 and '_', and not begin with org:sys_."
        raise ill_formed("key", text)
    return values


async def _own(call: Call) -> RowMapping:
    row = await get(call, _TABLE, call.path["permission_id"], "permission")
    if row["type"] == "system":
        text = f"{row['key']} is a system permission."
        raise refusal("organization_system_permission_not_modifiable", "cannot be modified", text)
    return row


async def _told(call: Call, event: str, key: str) -> dict[str, Any]:
    answer = permission_answer(await get(call, _TABLE, key, "permission"))
    call.emit(event, answer)
    return answer


async def present_permissions(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [permission_answer(row) for row in rows]


def permission_answer(row: RowMapping) -> dict[str, Any]:
    """A permission as Clerk answers it."""
    same = ("id", "name", "key", "description", "type", "created_at", "updated_at")
    return {"object": "permission", **{name: row[name] for name in same}}


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET("/organization_permissions"): list_permissions,
        POST("/organization_permissions"): create_permission,
        GET("/organization_permissions/{permission_id}"): get_permission,
        PATCH("/organization_permissions/{permission_id}"): update_permission,
        DELETE("/organization_permissions/{permission_id}"): delete_permission,
    }
)


__all__ = ["ADMIN", "MEMBER", "MINIMUM", "Role", "add_system_roles", "read_roles"]


@dataclass(frozen=True, slots=True)
class Role:
    """What a member of an organization may do: the keys of the permissions."""

    id: str
    name: str
    permissions: tuple[str, ...]


async def add_system_roles(connection: Connection, instance_id: str, now: int) -> None:
    """The roles and permissions that a new instance begins with, and its role set."""
    for table, rows in system_rows(instance_id, now):
        await connection.execute(table.insert(), rows)
    await connection.run_sync(add_missing_role_sets)


async def read_roles(connection: Connection, instance_id: str, keys: Iterable[str]) -> Mapping[str, Role]:
    """The roles with these keys, in one query; the permissions in alphabetical order."""
    roles, permissions = organization_roles, organization_permissions
    # Outer joins: a role that permits nothing is a role all the same.
    query = (
        select(roles.c.key, roles.c.id, roles.c.name, permissions.c.key.label("permission"))
        .outerjoin(role_permissions, role_permissions.c.role_id == roles.c.id)
        .outerjoin(permissions, permissions.c.id == role_permissions.c.permission_id)
        .where(roles.c.instance_id == instance_id, roles.c.key.in_(set(keys)))
        .order_by(permissions.c.key)
    )
    found: dict[str, Role] = {}
    for row in (await connection.execute(query)).mappings():
        before = found[row["key"]].permissions if row["key"] in found else ()
        more = (row["permission"],) if row["permission"] else ()
        found[row["key"]] = Role(row["id"], row["name"], before + more)
    return found


def permissions_of(dialect: Dialect) -> ColumnElement[Any]:
    """The permissions of the role in the outer query, for `read_permissions`."""
    gives, permissions = role_permissions, organization_permissions
    its_own = and_(gives.c.role_id == organization_roles.c.id, permissions.c.id == gives.c.permission_id)
    return rows_of(dialect, (permissions.c.key,), its_own)


def read_permissions(value: Any) -> list[str]:
    """The keys of a role's permissions in alphabetical order."""
    return sorted(row["key"] for row in read_rows((organization_permissions.c.key,), value))


async def may(call: Call, role: str, permissions: Sequence[str]) -> bool:
    """Whether a role gives all of these permissions."""
    found = await read_roles(call.connection, call.instance.id, [role])
    return role in found and set(permissions) <= set(found[role].permissions)


def roles_with_minimum(instance_id: str) -> Select[tuple[str]]:
    """The keys of the roles that give MINIMUM."""
    roles, permissions = organization_roles, organization_permissions
    return (
        select(roles.c.key)
        .join(role_permissions, role_permissions.c.role_id == roles.c.id)
        .join(permissions, permissions.c.id == role_permissions.c.permission_id)
        .where(roles.c.instance_id == instance_id, permissions.c.key.in_(MINIMUM))
        .group_by(roles.c.id, roles.c.key)
        # A role has a permission once at most: as many rows as MINIMUM has keys are all of them.
        .having(func.count() == len(MINIMUM))
    )


def has_minimum(instance_id: str, *conditions: ColumnElement[bool]) -> Exists:
    """Whether one of the memberships that the conditions let through gives MINIMUM."""
    return exists().where(and_(*conditions, memberships.c.role.in_(roles_with_minimum(instance_id))))
