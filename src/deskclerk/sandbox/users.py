"""Users: finding, making, changing, banning, locking and deleting them."""

import re
from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, Route, Verb
from deskclerk.sandbox.call import Call, Handlers, Prepared
from deskclerk.sandbox.identifiers import (
    TABLES,
    add_addresses,
    check_addresses,
    check_external_id,
    check_username,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.merging import checked_metadata, merged_metadata
from deskclerk.sandbox.paging import count, page
from deskclerk.sandbox.passwords import hash_password
from deskclerk.sandbox.refusals import ill_formed, invalid, refusal
from deskclerk.sandbox.rows import all_of, change, find, get, insert, remove
from deskclerk.sandbox.sessions import revoke_sessions_of
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.user_answers import present_users
from deskclerk.sandbox.user_filters import after_cursor, in_order, matching
from deskclerk.sandbox.values import parse_time

IDENTIFICATIONS = ("email_address", "phone_number", "web3_wallet", "username")
_CLEARED = (
    "external_id",
    "first_name",
    "last_name",
    "locale",
    "username",
    "profile_image_id",
    "create_organizations_limit",
)
"""What null clears; where a null has nothing to clear it changes nothing."""
_KEPT = ("delete_self_enabled", "create_organization_enabled", "bypass_client_trust")
_LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_TOTP = re.compile(r"[A-Za-z2-7]+=*")


async def list_users(call: Call) -> Any:
    """The users that the filters let through, one page of them."""
    return await page(call, in_order(call, await after_cursor(call, matching(call))), present_users)


async def count_users(call: Call) -> dict[str, Any]:
    """How many users the filters let through."""
    return {"object": "total_count", "total_count": await count(call, matching(call))}


async def get_user(call: Call) -> dict[str, Any]:
    """One user."""
    return await _answer(call, call.path["user_id"])


async def create_user(call: Call) -> dict[str, Any]:
    """A new user with all identifications; the first of each kind is the primary one."""
    body = call.body
    await _check_quota(call)
    if not body.get("skip_user_requirement") and not any(body.get(name) for name in IDENTIFICATIONS):
        text = f"At least one of {', '.join(IDENTIFICATIONS)} must be given, or skip_user_requirement."
        raise refusal("form_data_missing", "data is missing", text)
    addresses = {kind: await check_addresses(call, kind, body.get(kind) or []) for kind in TABLES}
    verified = {kind: _verified(body, kind) for kind in TABLES}
    user_id = new_id("user", call.now)
    values = _blank(call.now) | await _fields(call, user_id, body) | checked_metadata(body)
    if body.get("locked"):
        values["lockout_expires_at"] = _lock_end(call)
    await insert(call, users, id=user_id, banned=bool(body.get("banned")), **values, **_folded(values))
    primary = {
        f"primary_{kind}_id": await add_addresses(call, kind, user_id, given, verified[kind])
        for kind, given in addresses.items()
    }
    await change(call, users, user_id, **primary)
    return await _answer(call, user_id)


async def update_user(call: Call) -> dict[str, Any]:
    """Change the fields that are given; before 2026-05-12 metadata too, which it replaces."""
    row = await get(call, users, call.path["user_id"], "user")
    values = await _fields(call, row["id"], call.body) | checked_metadata(call.body)
    values |= {
        f"primary_{kind}_id": await _primary(call, kind, row["id"], call.body[f"primary_{kind}_id"])
        for kind in TABLES
        if f"primary_{kind}_id" in call.body
    }
    await _change(call, row["id"], **values, **_folded({**row, **values}))
    if call.body.get("sign_out_of_other_sessions") and "password_digest" in values:
        await revoke_sessions_of(call, row["id"])
    return await _answer(call, row["id"])


async def merge_user_metadata(call: Call) -> dict[str, Any]:
    """Merge metadata deeply; null deletes a key."""
    row = await get(call, users, call.path["user_id"], "user")
    return await _changed(call, row["id"], **merged_metadata(dict(row), call.body))


async def replace_user_metadata(call: Call) -> dict[str, Any]:
    """Put new metadata in the place of the old."""
    row = await get(call, users, call.path["user_id"], "user")
    return await _changed(call, row["id"], **checked_metadata(call.body))


async def ban_user(call: Call) -> dict[str, Any]:
    """Keep a user out: every active session is revoked."""
    answer = await _changed(call, call.path["user_id"], banned=True)
    await revoke_sessions_of(call, call.path["user_id"])
    return answer


async def unban_user(call: Call) -> dict[str, Any]:
    """Let a banned user in again."""
    return await _changed(call, call.path["user_id"], banned=False)


async def lock_user(call: Call) -> dict[str, Any]:
    """Refuse sign-ins of a user for as long as the instance's locks last."""
    return await _changed(call, call.path["user_id"], lockout_expires_at=_lock_end(call))


async def unlock_user(call: Call) -> dict[str, Any]:
    """Lift a lock."""
    return await _changed(call, call.path["user_id"], lockout_expires_at=None)


async def delete_user(call: Call) -> dict[str, Any]:
    """Delete a user with sessions, memberships and addresses."""
    row = await get(call, users, call.path["user_id"], "user")
    await remove(call, users, row["id"])
    more = {"external_id": row["external_id"]} if row["external_id"] is not None else {}
    return {"object": "user", "id": row["id"], "deleted": True, **more}


async def _answer(call: Call, user_id: str) -> dict[str, Any]:
    (answer,) = await present_users(call, [await get(call, users, user_id, "user")])
    return answer


async def _change(call: Call, user_id: str, **values: Any) -> None:
    await change(call, users, user_id, **values | {"updated_at": call.now})


async def _changed(call: Call, user_id: str, **values: Any) -> dict[str, Any]:
    await _change(call, user_id, **values)
    return await _answer(call, user_id)


async def _check_quota(call: Call) -> None:
    quota = call.instance.user_quota
    if quota is not None and await count(call, all_of(call, users)) >= quota:
        raise refusal("user_quota_exceeded", "Too many users", f"This instance holds at most {quota} users.")


def _lock_end(call: Call) -> int:
    return call.now + call.instance.lockout_seconds * 1000


def _blank(now: int) -> dict[str, Any]:
    return {
        "public_metadata": {},
        "private_metadata": {},
        "unsafe_metadata": {},
        "delete_self_enabled": True,
        "create_organization_enabled": True,
        "bypass_client_trust": False,
        "created_at": now,
        "updated_at": now,
    }


def _folded(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is searched in, for these values."""
    names = (values.get("first_name"), values.get("last_name"))
    username = values.get("username")
    return {
        "name_folded": " ".join(name for name in names if name).casefold(),
        "username_folded": username.casefold() if username else None,
    }


async def _fields(call: Call, user_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a body sets, each checked."""
    values = {name: body[name] for name in _CLEARED if name in body}
    values |= {name: body[name] for name in _KEPT if body.get(name) is not None}
    for name in ("external_id", "username"):
        if name in values:
            values[name] = values[name] or None  # a blank one removes it, as null does
    if values.get("username"):
        await check_username(call, values["username"], user_id=user_id)
    if values.get("external_id"):
        await check_external_id(call, values["external_id"], user_id=user_id)
    if values.get("locale") and not _LOCALE.fullmatch(values["locale"]):
        raise ill_formed("locale", "locale must be a language tag such as en-US.")
    if (values.get("create_organizations_limit") or 0) < 0:
        raise invalid("create_organizations_limit", "create_organizations_limit must not be negative.")
    return values | _times(body) | _secrets(body, call.now)


def _times(body: Mapping[str, Any]) -> dict[str, Any]:
    times: dict[str, Any] = {}
    if "legal_accepted_at" in body:
        text = body["legal_accepted_at"]
        times["legal_accepted_at"] = parse_time(text) if text else None
    if body.get("created_at"):
        times["created_at"] = parse_time(body["created_at"])
    return times


def _secrets(body: Mapping[str, Any], now: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if body.get("password_digest") is not None:
        values = {name: body[name] for name in ("password_digest", "password_hasher")}
        values["password_last_updated_at"] = now
    if body.get("totp_secret") is not None:
        if not _TOTP.fullmatch(body["totp_secret"]):
            text = "totp_secret must be in base 32."
            raise refusal("invalid_totp_secret_code", "is invalid", text, param="totp_secret")
        values |= {"totp_secret": body["totp_secret"], "mfa_enabled_at": now}
    if "backup_codes" in body:
        values["backup_codes"] = body["backup_codes"]
    return values


def _verified(body: Mapping[str, Any], kind: str) -> list[bool]:
    name, given = f"{kind}_identification_status", body.get(kind) or []
    statuses = body.get(name) or ["verified"] * len(given)
    if len(statuses) != len(given):
        text = f"{name} must have one value for each {kind}."
        raise refusal("form_param_array_length_mismatch", "has a wrong length", text, param=name)
    return [status == "verified" for status in statuses]


async def _primary(call: Call, kind: str, user_id: str, key: str | None) -> str | None:
    """The id for a primary address: one of the user's own, and verified."""
    if not key:
        return None
    param, row = f"primary_{kind}_id", await find(call, TABLES[kind], id=key, user_id=user_id)
    if row is None:
        text = f"{param} must be the id of one of the user's own."
        raise refusal("form_resource_not_found", "is invalid", text, param=param)
    if not row["verified"]:
        text = f"{param} must be the id of a verified one."
        raise refusal("form_verification_needed", "needs to be verified", text, param=param)
    return key


HANDLERS: Handlers = {
    GET("/users"): list_users,
    GET("/users/count"): count_users,
    POST("/users"): Prepared(hash_password, create_user),
    GET("/users/{user_id}"): get_user,
    PATCH("/users/{user_id}"): Prepared(hash_password, update_user),
    DELETE("/users/{user_id}"): delete_user,
    PATCH("/users/{user_id}/metadata"): merge_user_metadata,
    Route(Verb.PUT, "/users/{user_id}/metadata"): replace_user_metadata,
    POST("/users/{user_id}/ban"): ban_user,
    POST("/users/{user_id}/unban"): unban_user,
    POST("/users/{user_id}/lock"): lock_user,
    POST("/users/{user_id}/unlock"): unlock_user,
}
