"""Roles: what a member of an organization may do, kept per instance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.store.system_roles import ADMIN, MEMBER, system_rows
from deskclerk.sandbox.store.tables import (
    memberships,
    organization_permissions,
    organization_roles,
    role_permissions,
)

__all__ = ["ADMIN", "MEMBER", "MINIMUM", "Role", "add_system_roles", "check_role", "read_roles"]

MANAGE_MEMBERS = "org:sys_memberships:manage"
MINIMUM = ("org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:delete")
"""What somebody in every organization must be allowed, and what a role needs to be given to creators."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a member of an organization may do: the keys of the permissions."""

    id: str
    name: str
    permissions: tuple[str, ...]


async def add_system_roles(connection: AsyncConnection, instance_id: str, now: int) -> None:
    """The roles and permissions that a new instance begins with."""
    for table, rows in system_rows(instance_id, now):
        await connection.execute(table.insert(), rows)


async def read_roles(
    connection: AsyncConnection, instance_id: str, keys: Iterable[str]
) -> Mapping[str, Role]:
    """The roles with these keys, in one query; the permissions in alphabetical order."""
    roles, permissions = organization_roles, organization_permissions
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


async def check_role(call: Call, key: str) -> str:
    """The key itself if there is such a role; else a 404."""
    if not await read_roles(call.connection, call.instance.id, [key]):
        text = f"No role {key} exists in this instance."
        raise refusal("resource_not_found", "not found", text, param="role")
    return key


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
        .having(func.count() == len(MINIMUM))
    )


def has_minimum(instance_id: str, *conditions: ColumnElement[bool]) -> Exists:
    """Whether one of the memberships that the conditions let through gives MINIMUM."""
    return exists().where(and_(*conditions, memberships.c.role.in_(roles_with_minimum(instance_id))))
