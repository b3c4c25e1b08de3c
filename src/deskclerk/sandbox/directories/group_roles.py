"""Which group of a directory gives which role; where somebody is in several, the first counts."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, delete, func, select

from deskclerk.catalogue.route import DELETE, GET, POST, PUT
from deskclerk.sandbox.directories.names import BOTH, Names, either
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid, missing, not_found, refusal, taken
from deskclerk.sandbox.http.rows import RowMapping, all_of, find, insert, remove, unique_or
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.organizations.roles import present_roles
from deskclerk.sandbox.store.directories import GROUP_LENGTH
from deskclerk.sandbox.store.tables import directory_group_roles, organization_roles

LAST = 2**31 - 1
"""The highest precedence: far more than anybody has groups."""
_TABLE = directory_group_roles


async def list_mappings(names: Names, call: Call) -> dict[str, Any]:
    """All that a directory has, by precedence."""
    return await _listed(names, call, (await names.directory_of(call))["id"])


async def create_mapping(names: Names, call: Call) -> dict[str, Any]:
    """Let one more group give a role, after all others if nothing else is said."""
    directory = await _with_mappings(names, call)
    place = await _next(call, directory["id"])
    values = _read(names, await _role_ids(call), call.body, place)
    with unique_or(taken(f"{names.group}_id")):
        (key,) = await add_mappings(call, directory["id"], [values])
    (answer,) = await present(names, call, [await _mapping(call, directory["id"], key)])
    return answer


async def replace_mappings(names: Names, call: Call) -> dict[str, Any]:
    """New ones in the place of all that a directory has; what groups are called is known from those."""
    directory = await _with_mappings(names, call)
    given = await read_mappings(names, call, "mappings")
    old = (await call.connection.execute(_of(call, directory["id"]))).mappings().all()
    called = {row["group_id"]: row["group_display_name"] for row in old}
    for values in given:
        values["group_display_name"] = called.get(values["group_id"], "")
    mine = (_TABLE.c.instance_id == call.instance.id, _TABLE.c.directory_id == directory["id"])
    await call.connection.execute(delete(_TABLE).where(*mine))
    await add_mappings(call, directory["id"], given)
    return await _listed(names, call, directory["id"])


async def delete_mapping(names: Names, call: Call) -> dict[str, Any]:
    """Let a group give its role no longer; the others keep their precedence."""
    directory = await _with_mappings(names, call)
    row = await _mapping(call, directory["id"], call.path["mapping_id"])
    await remove(call, _TABLE, row["id"])
    return {"object": f"{names.group}_role_mapping", "id": row["id"], "deleted": True}


async def read_mappings(names: Names, call: Call, param: str) -> list[dict[str, Any]]:
    """What to store of those in the body; their order is their precedence where they say none."""
    items = call.body.get(param, ())
    roles = await _role_ids(call)
    given = [_read(names, roles, item, place, f"{param}.") for place, item in enumerate(items, start=1)]
    if len({values["group_id"] for values in given}) < len(given):
        text = "A group gives one role, and is given twice."
        raise refusal("form_param_duplicate", "is given twice", text, param=f"{param}.{names.group}_id")
    return given


async def add_mappings(call: Call, directory_id: str, given: Sequence[Mapping[str, Any]]) -> list[str]:
    """Store what was read; the ids."""
    keys = [new_id("scimgrm", call.now) for _ in given]
    more = {"directory_id": directory_id, "created_at": call.now, "updated_at": call.now}
    for key, values in zip(keys, given, strict=True):
        await insert(call, _TABLE, id=key, **values, **more)
    return keys


def _read(
    names: Names, roles: Collection[str], item: Mapping[str, Any], place: int, within: str = ""
) -> dict[str, Any]:
    """What to store of one; `within` stands before the names of what is wrong in it."""
    precedence = item.get("precedence", place)
    if precedence > LAST:
        raise invalid(f"{within}precedence", f"precedence must be at most {LAST}.")
    if item["role_id"] not in roles:
        text = f"No role with the id {item['role_id']} exists in this instance."
        raise refusal("form_resource_not_found", "not found", text, param=f"{within}role_id")
    return {
        "group_id": _group(names, item, within),
        "group_display_name": either(item, "display_name", within) or "",
        "role_id": item["role_id"],
        "precedence": precedence,
    }


def _group(names: Names, item: Mapping[str, Any], within: str) -> str:
    group, param = either(item, "id", within), f"{within}{names.group}_id"
    if not group:
        raise missing(param)
    if len(group) > GROUP_LENGTH:
        text = f"{param} must have at most {GROUP_LENGTH} characters."
        raise refusal("form_param_max_length_exceeded", "is too long", text, param=param)
    return group


async def _with_mappings(names: Names, call: Call) -> RowMapping:
    """The directory that the path names, if its groups may give roles at all."""
    directory = await names.directory_of(call)
    if not directory["group_role_mapping_enabled"]:
        text = "Groups of this directory give no roles: group_role_mapping_enabled says so."
        raise refusal("feature_not_enabled", "group role mapping is off", text)
    return directory


async def _mapping(call: Call, directory_id: str, key: str) -> RowMapping:
    row = await find(call, _TABLE, id=key, directory_id=directory_id)
    if row is None:
        raise not_found("group role mapping", key)
    return row


async def _next(call: Call, directory_id: str) -> int:
    last = select(func.max(_TABLE.c.precedence)).where(
        _TABLE.c.instance_id == call.instance.id, _TABLE.c.directory_id == directory_id
    )
    return ((await call.connection.execute(last)).scalar_one() or 0) + 1


async def _role_ids(call: Call) -> set[str]:
    query = all_of(call, organization_roles).with_only_columns(organization_roles.c.id)
    return set((await call.connection.execute(query)).scalars())


def _of(call: Call, directory_id: str) -> Select[Any]:
    columns = _TABLE.c
    query = all_of(call, _TABLE).where(columns.directory_id == directory_id)
    return query.order_by(columns.precedence, columns.created_at, columns.id)


async def _listed(names: Names, call: Call, directory_id: str) -> dict[str, Any]:
    rows = (await call.connection.execute(_of(call, directory_id))).mappings().all()
    return {"data": await present(names, call, rows), "total_count": len(rows)}


async def present(names: Names, call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with its role."""
    mine = organization_roles.c.id.in_({row["role_id"] for row in rows})
    found = (await call.connection.execute(all_of(call, organization_roles).where(mine))).mappings().all()
    roles = {role["id"]: role for role in await present_roles(call, found)}
    same = ("id", "precedence", "created_at", "updated_at")
    return [
        {
            "object": f"{names.group}_role_mapping",
            **{name: row[name] for name in same},
            **{f"{known.directory}_id": row["directory_id"] for known in BOTH},
            **{f"{known.group}_id": row["group_id"] for known in BOTH},
            **{f"{known.group}_display_name": row["group_display_name"] for known in BOTH},
            "role": roles[row["role_id"]],
        }
        for row in rows
    ]


def _handlers(names: Names) -> Handlers:
    place = f"{names.one}/group_role_mappings"
    return {
        GET(place): partial(list_mappings, names),
        POST(place): partial(create_mapping, names),
        PUT(place): partial(replace_mappings, names),
        DELETE(f"{place}/{{mapping_id}}"): partial(delete_mapping, names),
    }


HANDLERS: Handlers = {route: handler for names in BOTH for route, handler in _handlers(names).items()}
