"""Roles of the instance: finding, making, changing and deleting them, and what they permit."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, not_found, refusal, taken
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, find, get, insert, page, remove, unique_or
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.organizations.offered_roles import check_creator, include, initial_set
from deskclerk.sandbox.organizations.permissions import MINIMUM, named, permission_answer
from deskclerk.sandbox.store.tables import (
    memberships,
    organization_invitations,
    organization_permissions,
    organization_roles,
    role_permissions,
    role_sets,
)

MOST_ROLES = 10
_KEY = re.compile(r"org:[a-z0-9_]{1,120}")
_PLACE = "/organization_roles/{organization_role_id}"
_IN_SETS = {
    "creator_role_id": "organization_role_default_creator_role",
    "default_role_id": "organization_role_domain_default_role",
}


async def list_roles(call: Call) -> Any:
    """All roles, newest first by default."""
    return await page(call, named(call, organization_roles), present_roles)


async def get_role(call: Call) -> dict[str, Any]:
    """One role."""
    return await _answer(call, (await _role(call))["id"])


async def create_role(call: Call) -> dict[str, Any]:
    """A new role; members can have it where a role set includes it."""
    mine = all_of(call, organization_roles).subquery()
    if (await call.connection.execute(select(func.count()).select_from(mine))).scalar_one() >= MOST_ROLES:
        text = f"An instance has at most {MOST_ROLES} roles."
        raise refusal("organization_instance_roles_quota_exceeded", "too many roles", text)
    key, times = new_id("role", call.now), {"created_at": call.now, "updated_at": call.now}
    with unique_or(taken("key")):
        await insert(call, organization_roles, id=key, **{"description": None, **_fields(call)}, **times)
    await _permit(call, key, call.body.get("permissions") or [])
    if call.body.get("include_in_initial_role_set"):
        await include(call, await initial_set(call), [key])
    return await _told(call, "role.created", key)


async def update_role(call: Call) -> dict[str, Any]:
    """Change a role; a new key goes along to members and invitations."""
    row, values = await _role(call), _fields(call)
    with unique_or(taken("key")):
        await change(call, organization_roles, row["id"], **values, updated_at=call.now)
    if values.get("key", row["key"]) != row["key"]:
        # Members and invitations name a role by its key and not by its id.
        await _rename(call, row["key"], values["key"])
    if call.body.get("permissions") is not None:
        mine = role_permissions.c.role_id == row["id"]
        await call.connection.execute(delete(role_permissions).where(mine))
        await _permit(call, row["id"], call.body["permissions"])
        # Judged as it is after the change; a refusal takes the change back.
        await _keep_creators_able(call, row["id"])
    return await _told(call, "role.updated", row["id"])


async def delete_role(call: Call) -> dict[str, Any]:
    """Delete a role that nobody has and that no role set gives to newcomers."""
    row = await _role(call)
    for name, code in _IN_SETS.items():
        query = all_of(call, role_sets).where(role_sets.c[name] == row["id"]).limit(1)
        if found := (await call.connection.execute(query)).mappings().first():
            raise refusal(code, "role is in use", f"{row['key']} is the {name} of {found['key']}.")
    for table, code in (
        (memberships, "organization_role_assigned_members"),
        (organization_invitations, "organization_role_exists_in_invitations"),
    ):
        # Invitations that are over count too: their answers still tell the role's name.
        query = all_of(call, table).where(table.c.role == row["key"]).limit(1)
        if (await call.connection.execute(query)).first():
            raise refusal(code, "role is in use", f"{row['key']} is the role of some {table.name}.")
    await remove(call, organization_roles, row["id"])
    answer = {"object": "role", "id": row["id"], "deleted": True}
    call.emit("role.deleted", answer)
    return answer


async def assign_permission(call: Call) -> dict[str, Any]:
    """Let a role give one more permission."""
    row = await _role(call)
    permission = await get(call, organization_permissions, call.path["permission_id"], "permission")
    text = f"{row['key']} gives {permission['key']} already."
    pair = {"role_id": row["id"], "permission_id": permission["id"]}
    with unique_or(refusal("organization_role_permission_association_exists", "is assigned already", text)):
        await call.connection.execute(role_permissions.insert().values(pair))
    await change(call, organization_roles, row["id"], updated_at=call.now)
    return await _told(call, "role.updated", row["id"])


async def remove_permission(call: Call) -> dict[str, Any]:
    """Take a permission from a role."""
    row, permission = await _role(call), call.path["permission_id"]
    columns = role_permissions.c
    pair = (columns.role_id == row["id"], columns.permission_id == permission)
    if not (await call.connection.execute(delete(role_permissions).where(*pair))).rowcount:
        text = f"{row['key']} does not give the permission {permission}."
        raise refusal("organization_role_permission_association_not_found", "not assigned", text)
    await _keep_creators_able(call, row["id"])
    await change(call, organization_roles, row["id"], updated_at=call.now)
    return await _told(call, "role.updated", row["id"])


async def _role(call: Call) -> RowMapping:
    return await get(call, organization_roles, call.path["organization_role_id"], "role")


def _fields(call: Call) -> dict[str, Any]:
    values = {name: call.body[name] for name in ("name", "key") if call.body.get(name) is not None}
    if "description" in call.body:
        values["description"] = call.body["description"]
    if "key" in values and not _KEY.fullmatch(values["key"]):
        raise ill_formed("key", "key must be 'org:' and lowercase letters, digits and '_'.")
    return values


async def _permit(call: Call, role_id: str, ids: Sequence[str]) -> None:
    # Each once: an id that is given twice is no error, but the pair is unique.
    for key in dict.fromkeys(ids):
        if await find(call, organization_permissions, id=key) is None:
            raise not_found("permission", key)
        pair = {"role_id": role_id, "permission_id": key}
        await call.connection.execute(role_permissions.insert().values(pair))


async def _keep_creators_able(call: Call, role_id: str) -> None:
    """Refuse to leave a role of creators without what creators need."""
    query = all_of(call, role_sets).where(role_sets.c.creator_role_id == role_id).limit(1)
    if (await call.connection.execute(query)).first():
        await check_creator(call, (await get(call, organization_roles, role_id, "role"))["key"])


async def _rename(call: Call, old: str, new: str) -> None:
    for table in (memberships, organization_invitations):
        mine = (table.c.instance_id == call.instance.id, table.c.role == old)
        await call.connection.execute(update(table).where(*mine).values(role=new))


async def _told(call: Call, event: str, key: str) -> dict[str, Any]:
    answer = await _answer(call, key)
    call.emit(event, answer)
    return answer


async def _answer(call: Call, key: str) -> dict[str, Any]:
    (answer,) = await present_roles(call, [await get(call, organization_roles, key, "role")])
    return answer


async def present_roles(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with its permissions."""
    table = organization_permissions
    query = select(role_permissions.c.role_id, table).join(table).order_by(table.c.key)
    query = query.where(role_permissions.c.role_id.in_([row["id"] for row in rows]))
    permissions: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for found in (await call.connection.execute(query)).mappings():
        permissions[found["role_id"]].append(permission_answer(found))
    same = ("id", "name", "key", "description", "created_at", "updated_at")
    return [
        {
            "object": "role",
            **{name: row[name] for name in same},
            "is_creator_eligible": set(MINIMUM) <= {item["key"] for item in permissions[row["id"]]},
            "permissions": permissions[row["id"]],
        }
        for row in rows
    ]


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET("/organization_roles"): list_roles,
        POST("/organization_roles"): create_role,
        GET(_PLACE): get_role,
        PATCH(_PLACE): update_role,
        DELETE(_PLACE): delete_role,
        POST(f"{_PLACE}/permissions/{{permission_id}}"): assign_permission,
        DELETE(f"{_PLACE}/permissions/{{permission_id}}"): remove_permission,
    }
)
