"""Directories: one for each enterprise connection, with a key for the identity provider."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.directories.group_roles import add_mappings, read_mappings
from deskclerk.sandbox.directories.names import BOTH, Names
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid, refusal
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    find,
    insert,
    ordered,
    page,
    remove,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.domains import frontend_url
from deskclerk.sandbox.store.tables import directories, enterprise_connections

PROVIDERS = ("okta", "entra", "google", "custom")
"""Who can keep a directory."""
ASKED = "google"
"""The provider that tells nothing by itself: Clerk asks it, with credentials that it has for it."""
_CONNECTION = "enterprise_connection_id"
_CHANGEABLE = ("name", "provider", "enabled", "group_role_mapping_enabled")


async def list_directories(names: Names, call: Call) -> Any:
    """The directories, newest first."""
    query, columns = all_of(call, directories), directories.c
    by_age = ordered(query, columns.created_at, columns.id, descends=True)
    return await page(call, by_age, partial(present, names))


async def get_directory(names: Names, call: Call) -> dict[str, Any]:
    """One directory, without its key."""
    return await _answer(names, call, await names.directory_of(call))


async def create_directory(names: Names, call: Call) -> dict[str, Any]:
    """A new directory, not turned on yet; its key is answered here, and by a rotation."""
    _check_provider(call.body["provider"])
    given = await read_mappings(names, call, "group_role_mappings")
    connection = await _connection(call)
    key, api_key = new_id("scim", call.now), _new_key()
    values = {
        "id": key,
        "enterprise_connection_id": connection["id"],
        "name": call.body.get("name") or connection["name"],
        "provider": call.body["provider"],
        "enabled": False,
        # Whoever says which group gives which role wants groups to give roles.
        "group_role_mapping_enabled": bool(given),
        "attribute_mapping": {},
        "created_at": call.now,
        "updated_at": call.now,
    }
    text = "This enterprise connection has a directory already."
    used = refusal("scim_directory_enterprise_connection_already_used", "is in use", text, param=_CONNECTION)
    with unique_or(used):
        await insert(call, directories, **values, api_key_digest=_digest(api_key))
    await add_mappings(call, key, given)
    return {**await _answer(names, call, values), "api_key": api_key}


async def update_directory(names: Names, call: Call) -> dict[str, Any]:
    """Change what is given; the mapping of attributes is merged, and null takes one out."""
    row = await names.directory_of(call)
    values = {name: call.body[name] for name in _CHANGEABLE if name in call.body}
    if "provider" in values:
        _check_provider(values["provider"])
    if "attribute_mapping" in call.body:
        values["attribute_mapping"] = _merged(row["attribute_mapping"], call.body["attribute_mapping"])
    after = {**row, **values}
    if after["enabled"] and after["provider"] == ASKED:
        text = "Google has to be asked for its users, and no credentials for that are kept."
        raise refusal("scim_directory_pull_mode_not_configured", "cannot be enabled", text, param="enabled")
    await change(call, directories, row["id"], **values, updated_at=call.now)
    return await _answer(names, call, {**after, "updated_at": call.now})


async def rotate_key(names: Names, call: Call) -> dict[str, Any]:
    """A new key, answered here and never again."""
    row, api_key = await names.directory_of(call), _new_key()
    await change(call, directories, row["id"], api_key_digest=_digest(api_key), updated_at=call.now)
    return {**await get_directory(names, call), "api_key": api_key}


async def delete_directory(names: Names, call: Call) -> dict[str, Any]:
    """Delete a directory, and what its groups give."""
    row = await names.directory_of(call)
    await remove(call, directories, row["id"])
    return {"object": names.directory, "id": row["id"], "deleted": True}


def _check_provider(given: str) -> None:
    if given not in PROVIDERS:
        raise invalid("provider", f"provider must be one of {', '.join(PROVIDERS)}.")


async def _connection(call: Call) -> RowMapping:
    """The connection that the body names, if its organization is kept by no other directory."""
    row = await find(call, enterprise_connections, id=call.body[_CONNECTION])
    if row is None:
        text = f"No enterprise connection with the id {call.body[_CONNECTION]} exists in this instance."
        raise refusal("form_resource_not_found", "not found", text, param=_CONNECTION)
    if row["organization_id"] and await _is_kept_by_another(call, row):
        text = "Another enterprise connection of this organization has a directory already."
        raise refusal("scim_directory_organization_already_used", "is in use", text, param=_CONNECTION)
    return row


async def _is_kept_by_another(call: Call, connection: RowMapping) -> bool:
    columns = enterprise_connections.c
    others = (
        all_of(call, directories)
        .join(enterprise_connections, columns.id == directories.c.enterprise_connection_id)
        .where(columns.organization_id == connection["organization_id"], columns.id != connection["id"])
    )
    return (await call.connection.execute(others.limit(1))).first() is not None


def _merged(old: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    for path in given.values():
        if path is not None and not isinstance(path, str):
            text, name = "Each value of attribute_mapping must be a string, or null.", "attribute_mapping"
            raise refusal("form_param_type_invalid", "has a wrong type", text, param=name)
    return {name: path for name, path in {**old, **given}.items() if path is not None}


def _new_key() -> str:
    return f"ak_{secrets.token_hex(16)}"


def _digest(api_key: str) -> str:
    # A fast hash will do: the key is random and long, no password that could be guessed.
    return hashlib.sha256(api_key.encode()).hexdigest()


async def _answer(names: Names, call: Call, row: RowMapping) -> dict[str, Any]:
    (answer,) = await present(names, call, [row])
    return answer


async def present(names: Names, call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with the attributes of its connection."""
    columns = enterprise_connections.c
    mine = columns.id.in_({row[_CONNECTION] for row in rows} - {None})
    query = all_of(call, enterprise_connections).where(mine)
    found = await call.connection.execute(query.with_only_columns(columns.id, columns.custom_attributes))
    attributes = {item["id"]: item["custom_attributes"] for item in found.mappings()}
    return [directory_answer(names, call, row, attributes.get(row[_CONNECTION], [])) for row in rows]


def directory_answer(
    names: Names, call: Call, row: RowMapping, attributes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A directory as Clerk answers it, without its key."""
    same = (
        "id",
        "name",
        "enterprise_connection_id",
        "provider",
        "enabled",
        "group_role_mapping_enabled",
        "attribute_mapping",
        "created_at",
        "updated_at",
    )
    return {
        "object": names.directory,
        **{name: row[name] for name in same},
        # The key tells whose directory is meant.
        "endpoint_url": frontend_url(call.instance, "/scim/v2"),
        "custom_attributes": attributes,
    }


def _handlers(names: Names) -> Handlers:
    return {
        GET(names.place): partial(list_directories, names),
        POST(names.place): partial(create_directory, names),
        GET(names.one): partial(get_directory, names),
        PATCH(names.one): partial(update_directory, names),
        DELETE(names.one): partial(delete_directory, names),
        POST(f"{names.one}/rotate_api_key"): partial(rotate_key, names),
    }


HANDLERS: Handlers = {route: handler for names in BOTH for route, handler in _handlers(names).items()}
