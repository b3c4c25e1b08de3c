"""Passkeys of users: nobody makes one without a browser, but seeds bring some, and they can be taken away."""

from typing import Any

from deskclerk.catalogue.route import DELETE
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found
from deskclerk.sandbox.http.rows import find, get, remove
from deskclerk.sandbox.store.tables import passkeys, users
from deskclerk.sandbox.users.answers import changed_user


async def delete_passkey(call: Call) -> dict[str, Any]:
    """One passkey less; it may be the last, as no user is identified by one alone."""
    user = await get(call, users, call.path["user_id"], "user")
    key = call.path["passkey_identification_id"]
    if await find(call, passkeys, id=key, user_id=user["id"]) is None:
        raise not_found("passkey of this user", key)
    await remove(call, passkeys, key)
    await changed_user(call, user["id"])
    return {"object": "passkey", "id": key, "deleted": True}


HANDLERS: Handlers = {
    DELETE("/users/{user_id}/passkeys/{passkey_identification_id}"): delete_passkey,
}
