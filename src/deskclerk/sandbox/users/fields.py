"""What the fields of a user may be, and the columns they go to."""

import re
from collections.abc import Mapping
from typing import Any

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import Refusal, ill_formed, invalid, refusal
from deskclerk.sandbox.http.parameters import parse_time
from deskclerk.sandbox.http.rows import find
from deskclerk.sandbox.users.identifications import TABLES, check_external_id, check_username
from deskclerk.sandbox.users.images import check_image

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


def blank(now: int) -> dict[str, Any]:
    """What a new user's columns hold unless something else is asked for."""
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


def folded(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is searched in, for these values."""
    names = (values.get("first_name"), values.get("last_name"))
    username = values.get("username")
    return {
        "name_folded": " ".join(name for name in names if name).casefold(),
        "username_folded": username.casefold() if username else None,
    }


async def fields(call: Call, user_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
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
    if values.get("profile_image_id"):
        await check_image(call, values["profile_image_id"])
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
        # The mark was on the old password: nobody knows the new one yet.
        values |= {"password_last_updated_at": now, "password_compromised": False}
    if body.get("totp_secret") is not None:
        if not _TOTP.fullmatch(body["totp_secret"]):
            text = "totp_secret must be in base 32."
            raise refusal("invalid_totp_secret_code", "is invalid", text, param="totp_secret")
        values |= {"totp_secret": body["totp_secret"], "mfa_enabled_at": now}
    if "backup_codes" in body:
        values["backup_codes"] = body["backup_codes"]
    return values


def statuses(body: Mapping[str, Any], kind: str) -> list[str]:
    """For each address of a kind whether it is `verified` or `reserved`."""
    name, given = f"{kind}_identification_status", body.get(kind) or []
    found = body.get(name) or ["verified"] * len(given)
    if len(found) != len(given):
        text = f"{name} must have one value for each {kind}."
        raise refusal("form_param_array_length_mismatch", "has a wrong length", text, param=name)
    return list(found)


async def primary_id(call: Call, kind: str, user_id: str, key: str | None) -> str | None:
    """The id for a primary address: one of the user's own, and verified."""
    if not key:
        return None
    param, row = f"primary_{kind}_id", await find(call, TABLES[kind], id=key, user_id=user_id)
    if row is None:
        text = f"{param} must be the id of one of the user's own."
        raise refusal("form_resource_not_found", "is invalid", text, param=param)
    if not row["verified"]:
        raise not_verified(param)
    return key


def not_verified(param: str) -> Refusal:
    """422: only what is verified can be the primary one."""
    text = f"{param} must be that of a verified one."
    return refusal("form_verification_needed", "needs to be verified", text, param=param)
