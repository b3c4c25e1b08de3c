"""Devices that a user has enrolled as trusted, as an app or a seed does; they are listed and revoked."""

from collections.abc import Sequence
from typing import Any

from deskclerk.catalogue.route import DELETE, GET
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, find, get, ordered, page
from deskclerk.sandbox.store.tables import trusted_devices, users

ACTIVE, REVOKED = "active", "revoked"
_PLACE = "/users/{user_id}/trusted_devices"
_SAME = (
    "id",
    "platform",
    "app_identifier",
    "name",
    "status",
    "created_at",
    "updated_at",
    "last_used_at",
    "revoked_at",
)


async def list_devices(call: Call) -> Any:
    """The devices that are still trusted, the newest first."""
    user = await get(call, users, call.path["user_id"], "user")
    columns = trusted_devices.c
    query = all_of(call, trusted_devices).where(columns.user_id == user["id"], columns.status == ACTIVE)
    return await page(call, ordered(query, columns.created_at, columns.id, descends=True), present_devices)


async def revoke_device(call: Call) -> dict[str, Any]:
    """Trust a device no longer; to this operation one that was revoked is none."""
    user = await get(call, users, call.path["user_id"], "user")
    key = call.path["trusted_device_id"]
    if await find(call, trusted_devices, id=key, user_id=user["id"], status=ACTIVE) is None:
        raise not_found("active trusted device of this user", key)
    await change(call, trusted_devices, key, status=REVOKED, revoked_at=call.now, updated_at=call.now)
    return _answer(await get(call, trusted_devices, key, "trusted device"))


async def present_devices(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [_answer(row) for row in rows]


def _answer(row: RowMapping) -> dict[str, Any]:
    return {"object": "trusted_device", **{name: row[name] for name in _SAME}, "algorithm": "ES256"}


HANDLERS: Handlers = {
    GET(_PLACE): list_devices,
    DELETE(f"{_PLACE}/{{trusted_device_id}}"): revoke_device,
}
