"""Permissions that roles give: Clerk's own, which cannot be changed, and those of the instance."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from sqlalchemy import RowMapping, Table, func, or_

from deskclerk.catalogue.fields import Limit, Name, Offset, Sorted
from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.enabled import where_organizations_are_on
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.paging import ordered, page, split_order
from deskclerk.sandbox.refusals import ill_formed, refusal, taken
from deskclerk.sandbox.rows import all_of, change, get, insert, remove
from deskclerk.sandbox.store.tables import organization_permissions
from deskclerk.sandbox.unique import unique_or

_KEY = re.compile(r"org:(?!sys_)[a-z0-9_]+:[a-z0-9_]+")
_TABLE = organization_permissions


class ListPermissions(Operation, route=GET("/organization_permissions"), wrapped=True):
    """Filters by text."""

    query: str | None = None
    order_by: Annotated[str, Sorted("created_at", "name", "key")] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class CreatePermission(Operation, route=POST("/organization_permissions")):
    """A permission of the instance's own."""

    name: Name
    key: str
    description: str | None = None


class GetPermission(Operation, route=GET("/organization_permissions/{permission_id}")):
    """Takes nothing."""


class UpdatePermission(Operation, route=PATCH("/organization_permissions/{permission_id}")):
    """What is given changes."""

    name: Name | None = None
    key: str | None = None
    description: str | None = None


class DeletePermission(Operation, route=DELETE("/organization_permissions/{permission_id}")):
    """Takes nothing."""


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
        ListPermissions: list_permissions,
        CreatePermission: create_permission,
        GetPermission: get_permission,
        UpdatePermission: update_permission,
        DeletePermission: delete_permission,
    }
)
