"""Sign-ups: they begin in browsers, so here a seed file puts them in; they are read and marked."""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import Parameter
from deskclerk.catalogue.route import GET, PATCH
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid, not_found, refusal, require
from deskclerk.sandbox.http.metadata import checked_metadata
from deskclerk.sandbox.http.parameters import parse_time
from deskclerk.sandbox.http.rows import RowMapping, change, find, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import sessions, sign_ups, users
from deskclerk.sandbox.users.identifications import TABLES, check_addresses, check_username

LASTS = 86_400_000
"""Milliseconds after which a sign-up that still lacks something counts as abandoned."""
OPEN, COMPLETE, ABANDONED = "missing_requirements", "complete", "abandoned"
REQUIRED = ("email_address", "password")
OPTIONAL = ("first_name", "last_name", "phone_number", "username", "web3_wallet")
_STRATEGIES = {
    "email_address": ["email_code"],
    "phone_number": ["phone_code"],
    "web3_wallet": ["web3_metamask_signature"],
}
_NAMES = ("email_address", "phone_number", "web3_wallet", "username", "first_name", "last_name")
_TEXTS = (*_NAMES, "external_id", "locale", "user_id", "session_id", "created_at", "legal_accepted_at")
_SCHEMAS: Mapping[str, dict[str, Any]] = {
    **{name: {"type": "string"} for name in _TEXTS},
    **{name: {"type": "boolean"} for name in ("password_enabled", "custom_action")},
    **{name: {"type": "object"} for name in ("unsafe_metadata", "public_metadata")},
    "verified": {"type": "array", "items": {"type": "string", "enum": [*TABLES]}},
}


def _parameter(name: str, schema: dict[str, Any]) -> Parameter:
    times = "rfc3339" if name.endswith("_at") else None
    return Parameter(name, "body", schema, required=False, description="", times=times)


SEEDED: Mapping[str, Parameter] = {name: _parameter(name, schema) for name, schema in _SCHEMAS.items()}
"""What an entry of a seed file says of a sign-up; `user_id` is who it made a user of."""


async def get_sign_up(call: Call) -> dict[str, Any]:
    """One sign-up."""
    return _answer(call, await _sign_up(call))


async def update_sign_up(call: Call) -> dict[str, Any]:
    """Note your own id of who signs up, or that a custom action was done."""
    row = await _sign_up(call)
    if _status(call, row) != OPEN:
        text = f"The sign-up is {_status(call, row)}: nothing can change it any more."
        raise refusal("sign_up_cannot_be_updated", "Sign up cannot be updated", text)
    values = {}
    if "external_id" in call.body:
        values["external_id"] = call.body["external_id"]
    if call.body.get("custom_action") is not None:
        values["custom_action"] = call.body["custom_action"]
    await change(call, sign_ups, row["id"], **values, updated_at=call.now)
    return _answer(call, await _sign_up(call))


async def begin(call: Call) -> dict[str, Any]:
    """A sign-up of a seed file, as if a browser had come so far with it."""
    body, key = call.body, new_id("sua", call.now)
    user_id = await _user(call)
    for kind in TABLES:
        if kind in body:
            (address,) = await check_addresses(call, kind, [body[kind]], user_id=user_id or "")
            body = {**body, kind: address}
    if "username" in body:
        await check_username(call, body["username"], user_id=user_id or "")
    given = [kind for kind in TABLES if kind in body]
    verified = given if user_id else body.get("verified", [])
    if set(verified) - set(given):
        raise invalid("verified", "verified must name identifiers that the sign-up has.")
    created = parse_time(body["created_at"]) if "created_at" in body else call.now
    legal = body.get("legal_accepted_at")
    await insert(
        call,
        sign_ups,
        id=key,
        status=COMPLETE if user_id else OPEN,
        **{name: body.get(name) for name in (*_NAMES, "external_id", "locale")},
        **{"unsafe_metadata": {}, "public_metadata": {}} | checked_metadata(body),
        verified=verified,
        password_enabled=body.get("password_enabled", False),
        custom_action=body.get("custom_action", False),
        created_user_id=user_id,
        created_session_id=body.get("session_id"),
        legal_accepted_at=parse_time(legal) if legal else None,
        abandon_at=created + LASTS,
        created_at=created,
        updated_at=created,
    )
    return _answer(call, await get(call, sign_ups, key, "sign-up"))


async def _user(call: Call) -> str | None:
    """Who the sign-up made a user of, if it did; a session can only be that user's."""
    if "session_id" in call.body:
        require(call.body, ["user_id"])
    user_id: str | None = call.body.get("user_id")
    if user_id is not None:
        await get(call, users, user_id, "user")
    if "session_id" in call.body:
        key = call.body["session_id"]
        if await find(call, sessions, id=key, user_id=user_id) is None:
            raise not_found(f"session of {user_id}", key)
    return user_id


async def _sign_up(call: Call) -> RowMapping:
    return await get(call, sign_ups, call.path["id"], "sign-up")


def _status(call: Call, row: RowMapping) -> str:
    over = row["status"] == OPEN and row["abandon_at"] <= call.now
    return ABANDONED if over else str(row["status"])


def _answer(call: Call, row: RowMapping) -> dict[str, Any]:
    given = {name for name in (*REQUIRED, *OPTIONAL) if row.get(name)}
    given |= {"password"} if row["password_enabled"] else set()
    complete = row["status"] == COMPLETE
    same = (*_NAMES, "password_enabled", "unsafe_metadata", "public_metadata", "custom_action")
    more = ("external_id", "created_session_id", "created_user_id", "abandon_at", "legal_accepted_at")
    return {
        "object": "sign_up_attempt",
        "id": row["id"],
        "status": _status(call, row),
        "required_fields": [*REQUIRED],
        "optional_fields": [*OPTIONAL],
        "missing_fields": [name for name in REQUIRED if name not in given and not complete],
        "unverified_fields": [name for name in TABLES if name in given and name not in row["verified"]],
        "verifications": {
            **{kind: _verification(kind, row) for kind in TABLES},
            "external_account": None,
        },
        **{name: row[name] for name in (*same, *more, "locale")},
    }


def _verification(kind: str, row: RowMapping) -> dict[str, Any] | None:
    if not row[kind]:
        return None
    proved = kind in row["verified"]
    return {
        "next_action": "" if proved else "needs_prepare",
        "supported_strategies": _STRATEGIES[kind],
        "status": "verified" if proved else "unverified",
    }


HANDLERS: Handlers = {GET("/sign_ups/{id}"): get_sign_up, PATCH("/sign_ups/{id}"): update_sign_up}
