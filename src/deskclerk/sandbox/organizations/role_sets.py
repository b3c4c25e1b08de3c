"""Role sets of the instance: finding, making and changing them; each organization has one."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from deskclerk.catalogue.route import GET, PATCH, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, invalid, not_found, refusal, taken
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    count,
    find,
    get,
    insert,
    page,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.organizations.offered_roles import check_creator, include, initial_set, roles_of
from deskclerk.sandbox.organizations.permissions import named
from deskclerk.sandbox.store.role_sets import CUSTOM, INITIAL
from deskclerk.sandbox.store.tables import (
    memberships,
    organization_roles,
    organizations,
    role_set_roles,
    role_sets,
)

MOST_ROLE_SETS = 10
PLACE = "/role_sets/{role_set_key_or_id}"
NEWCOMERS = {"default_role_key": "default_role_id", "creator_role_key": "creator_role_id"}
"""The roles that a set gives by itself: as a body names them, and where their ids are kept."""
_PREFIX = "role_set:"
_LONGEST = 128 - len(_PREFIX)
_KEY = re.compile(rf"{_PREFIX}[a-z0-9_]{{1,{_LONGEST}}}")


async def list_role_sets(call: Call) -> Any:
    """All role sets, newest first by default."""
    return await page(call, named(call, role_sets), present_role_sets)


async def get_role_set(call: Call) -> dict[str, Any]:
    """One role set, by its key or its id."""
    return await answer_of(call, (await role_set_in_path(call))["id"])


async def create_role_set(call: Call) -> dict[str, Any]:
    """A new role set; an initial one takes the place of the one before it."""
    if await count(call, all_of(call, role_sets)) >= MOST_ROLE_SETS:
        text = f"An instance has at most {MOST_ROLE_SETS} role sets."
        raise refusal("organization_instance_role_sets_quota_exceeded", "too many role sets", text)
    roles = await _named_roles(call, "roles")
    values = await _newcomers(call, roles)
    key, kind = new_id("role_set", call.now), call.body.get("type", CUSTOM)
    values["key"] = _checked(call.body["key"]) if "key" in call.body else await _free_key(call, key)
    if kind == INITIAL:
        await _end_initial(call)
    with unique_or(taken("key")):
        await insert(
            call,
            role_sets,
            id=key,
            name=call.body["name"],
            description=call.body.get("description"),
            type=kind,
            **values,
            created_at=call.now,
            updated_at=call.now,
        )
    await include(call, await get(call, role_sets, key, "role set"), [row["id"] for row in roles.values()])
    return await answer_of(call, key)


async def update_role_set(call: Call) -> dict[str, Any]:
    """Change what is given; a new key goes along to organizations."""
    row = await role_set_in_path(call)
    values = {name: call.body[name] for name in ("name", "type") if call.body.get(name) is not None}
    if "description" in call.body:
        values["description"] = call.body["description"]
    if call.body.get("key") is not None:
        values["key"] = _checked(call.body["key"])
    values |= await _newcomers(call, await roles_of(call, row["id"]))
    if "type" in values:
        await _end_initial(call)
    with unique_or(taken("key")):
        await change(call, role_sets, row["id"], **values, updated_at=call.now)
    if "key" in values:
        # An organization names its role set by the key.
        mine = (organizations.c.instance_id == call.instance.id, organizations.c.role_set_key == row["key"])
        await call.connection.execute(update(organizations).where(*mine).values(role_set_key=values["key"]))
    return await answer_of(call, row["id"])


async def add_roles(call: Call) -> dict[str, Any]:
    """Include more roles in a set; one that is in it already stays."""
    row = await role_set_in_path(call)
    roles = await _named_roles(call, "role_keys")
    values = await _newcomers(call, roles)
    known = await roles_of(call, row["id"])
    await include(call, row, [role["id"] for key, role in roles.items() if key not in known])
    if values:
        await change(call, role_sets, row["id"], **values, updated_at=call.now)
    return await answer_of(call, row["id"])


async def role_set_in_path(call: Call) -> RowMapping:
    """The role set that the path names by its key or its id; else 404."""
    key = call.path["role_set_key_or_id"]
    row = await find(call, role_sets, key=key) or await find(call, role_sets, id=key)
    if row is None:
        raise not_found("role set", key)
    return row


async def _named_roles(call: Call, param: str) -> Mapping[str, RowMapping]:
    """The roles whose keys stand in the body, each once, in the order given."""
    keys = list(dict.fromkeys(call.body[param]))
    if not keys:
        raise invalid(param, f"{param} must have at least one role.")
    found = await call.connection.execute(
        all_of(call, organization_roles).where(organization_roles.c.key.in_(keys))
    )
    rows = {row["key"]: row for row in found.mappings()}
    for key in keys:
        if key not in rows:
            text = f"No role {key} exists in this instance."
            raise refusal("resource_not_found", "not found", text, param=param)
    return {key: rows[key] for key in keys}


async def _newcomers(call: Call, roles: Mapping[str, RowMapping]) -> dict[str, Any]:
    """The columns of the roles for newcomers that the body names, each one of these roles."""
    values = {}
    for name, column in NEWCOMERS.items():
        key = call.body.get(name)
        if key is None:
            continue
        if key not in roles:
            raise invalid(name, f"{name} must be one of {', '.join(roles)}.")
        if name == "creator_role_key":
            await check_creator(call, key)
        values[column] = roles[key]["id"]
    return values


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ill_formed("key", f"key must be '{_PREFIX}' and lowercase letters, digits and '_'.")
    return key


async def _free_key(call: Call, role_set_id: str) -> str:
    """A key made of the name; where that is in use, with the end of the id behind it."""
    plain = unicodedata.normalize("NFKD", call.body["name"]).encode("ascii", "ignore").decode().lower()
    end = role_set_id[-8:].lower()
    text = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: _LONGEST - len(end) - 1] or "roles"
    key = f"{_PREFIX}{text}"
    return f"{key}_{end}" if await find(call, role_sets, key=key) else key


async def _end_initial(call: Call) -> None:
    """Make the initial set one like others: another is about to take its place."""
    before = await initial_set(call)
    await change(call, role_sets, before["id"], type=CUSTOM, updated_at=call.now)


async def answer_of(call: Call, key: str) -> dict[str, Any]:
    """The answer for one role set."""
    (answer,) = await present_role_sets(call, [await get(call, role_sets, key, "role set")])
    return answer


async def present_role_sets(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with its roles and how many members have them."""
    table, columns = organization_roles, organization_roles.c
    query = select(role_set_roles.c.role_set_id, table).join(table).order_by(columns.created_at, columns.id)
    query = query.where(role_set_roles.c.role_set_id.in_([row["id"] for row in rows]))
    counts = await _counts(call, [row["key"] for row in rows])
    keys = {row["id"]: row["key"] for row in rows}
    items: dict[str, dict[str, dict[str, Any]]] = {row["id"]: {} for row in rows}
    for role in (await call.connection.execute(query)).mappings():
        set_id = role["role_set_id"]
        members = counts.get((keys[set_id], role["key"]), 0)
        items[set_id][role["id"]] = _item(role, members)
    same = ("id", "name", "key", "description", "type", "created_at", "updated_at")
    return [
        {
            "object": "role_set",
            **{name: row[name] for name in same},
            "roles": list(items[row["id"]].values()),
            "default_role": items[row["id"]][row["default_role_id"]],
            "creator_role": items[row["id"]][row["creator_role_id"]],
            # Members move at once, in the transaction of the request that moves them.
            "role_set_migration": None,
        }
        for row in rows
    ]


def _item(role: RowMapping, members: int) -> dict[str, Any]:
    same = ("id", "name", "key", "description", "created_at", "updated_at")
    return {
        "object": "role_set_item",
        **{name: role[name] for name in same},
        "members_count": members,
        "has_members": members > 0,
    }


async def _counts(call: Call, keys: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """How many members have a role, by the key of the role set and that of the role."""
    columns = organizations.c
    by: tuple[ColumnElement[str], ...] = (columns.role_set_key, memberships.c.role)
    query = select(*by, func.count()).join_from(organizations, memberships).group_by(*by)
    query = query.where(columns.instance_id == call.instance.id, columns.role_set_key.in_(keys))
    return {(of_set, role): number for of_set, role, number in await call.connection.execute(query)}


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET("/role_sets"): list_role_sets,
        POST("/role_sets"): create_role_set,
        GET(PLACE): get_role_set,
        PATCH(PLACE): update_role_set,
        POST(f"{PLACE}/roles"): add_roles,
    }
)
