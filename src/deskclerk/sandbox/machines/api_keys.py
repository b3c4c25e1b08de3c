"""API keys: secrets with which others act for a user, an organization or a machine."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, or_

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, ill_formed, not_found, refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, find, get, insert, ordered, page, remove
from deskclerk.sandbox.machines.credentials import (
    end_after,
    find_by_secret,
    has_ended,
    is_good,
    new_hexadecimal_id,
    new_secret,
)
from deskclerk.sandbox.store.tables import api_keys, machines, organizations, users
from deskclerk.sandbox.tokens.jwt_templates import check_depth

WHAT = "API key"
DEFAULT_TYPE = "api_key"
_ONE = "/api_keys/{api_key_id}"
_OWNERS: Mapping[str, tuple[str, Table]] = {
    "user": ("user_id", users),
    "org": ("organization_id", organizations),
    "mch": ("machine_id", machines),
}
"""By the prefix of a subject: the column that it stands in, and its own table."""
_SUBJECT = re.compile(r"(user|org|mch|scim)_\w+")


async def list_api_keys(call: Call) -> Any:
    """The keys of one subject, newest first; of one type, and only good ones unless others are asked for."""
    given, columns = call.query, api_keys.c
    owner = await _owner(call, given["subject"])
    if owner is None:
        raise not_found("subject", given["subject"])
    query = _of(owner, all_of(call, api_keys)).where(columns.type == given.get("type", DEFAULT_TYPE))
    if given.get("include_invalid") != "true":
        lasts = or_(columns.expires_at.is_(None), columns.expires_at > call.now)
        query = query.where(columns.revoked.is_(False), lasts)
    if text := given.get("query", "").strip():
        query = query.where(columns.name_folded.contains(text.casefold(), autoescape=True))
    return await page(call, ordered(query, columns.created_at, columns.id, descends=True), present_api_keys)


async def get_api_key(call: Call) -> dict[str, Any]:
    """One key, without its secret."""
    return _answer(call, await _key(call))


async def create_api_key(call: Call) -> dict[str, Any]:
    """A new key, with its secret."""
    body, key, kept = call.body, new_hexadecimal_id("ak"), new_secret("ak")
    _check_name(body["name"])
    check_depth(body.get("claims"))
    owner, creator = await _new_owner(call, body["name"]), body.get("created_by")
    if creator is not None and not await find(call, users, id=creator):
        raise _absent("created_by")
    await insert(
        call,
        api_keys,
        id=key,
        **owner,
        **kept,
        type=body.get("type", DEFAULT_TYPE),
        name=body["name"],
        name_folded=body["name"].casefold(),
        description=body.get("description"),
        claims=body.get("claims"),
        scopes=body.get("scopes", []),
        revoked=False,
        created_by=creator,
        expires_at=_end(call),
        created_at=call.now,
        updated_at=call.now,
    )
    return {**_answer(call, await get(call, api_keys, key, WHAT)), "secret": kept["secret"]}


async def update_api_key(call: Call) -> dict[str, Any]:
    """Change what is given; null takes claims, description or end away."""
    row, body = await _key(call), call.body
    values = {name: body[name] for name in ("claims", "scopes", "description") if name in body}
    check_depth(values.get("claims"))
    if "seconds_until_expiration" in body:
        values["expires_at"] = _end(call)
    if body.get("subject", _subject(row)) != _subject(row):
        values |= await _new_owner(call, row["name"])
    await change(call, api_keys, row["id"], **values, updated_at=call.now)
    return await get_api_key(call)


async def delete_api_key(call: Call) -> dict[str, Any]:
    """Delete a key: nothing of it stays."""
    row = await _key(call)
    await remove(call, api_keys, row["id"])
    return {"object": "api_key", "id": row["id"], "deleted": True}


async def get_secret(call: Call) -> dict[str, Any]:
    """The secret, which can be read at any time."""
    return {"secret": (await _key(call))["secret"]}


async def revoke_api_key(call: Call) -> dict[str, Any]:
    """Make a key worthless for good; one that is stays as it is, with its first reason."""
    row = await _key(call)
    if not row["revoked"]:
        reason = call.body.get("revocation_reason")
        await change(call, api_keys, row["id"], revoked=True, revocation_reason=reason, updated_at=call.now)
    return await get_api_key(call)


async def verify_api_key(call: Call) -> dict[str, Any]:
    """The key of a secret, if it is good: whoever asks takes an answer for a yes."""
    row = await find_by_secret(call, api_keys, call.body["secret"])
    if row is None or not is_good(row, call.now):
        text = "No API key that is good has this secret."
        raise refusal("resource_not_found", "API key not found", text)
    await change(call, api_keys, row["id"], last_used_at=call.now)
    return _answer(call, await get(call, api_keys, row["id"], WHAT))


async def _key(call: Call) -> RowMapping:
    return await get(call, api_keys, call.path["api_key_id"], WHAT)


async def _owner(call: Call, subject: str) -> Mapping[str, str | None] | None:
    """The columns that say whose a key is; None if the subject is not there."""
    if not _SUBJECT.fullmatch(subject):
        raise ill_formed("subject", "subject must be the id of a user, an organization or a machine.")
    # A directory's is well formed, and here are none.
    column, table = _OWNERS.get(subject.partition("_")[0], ("", None))
    if table is None or not await find(call, table, id=subject):
        return None
    return {name: subject if name == column else None for name, _ in _OWNERS.values()}


async def _new_owner(call: Call, name: str) -> Mapping[str, str | None]:
    """The columns of the subject in the body; refused if it has another good key with this name."""
    owner = await _owner(call, call.body["subject"])
    if owner is None:
        raise _absent("subject")
    query = all_of(call, api_keys).where(api_keys.c.name == name, api_keys.c.revoked.is_(False))
    if (await call.connection.execute(_of(owner, query).limit(1))).first():
        text = f"There is an API key with the name {name} already."
        raise refusal("conflict", "name is in use", text, param="name")
    return owner


def _of(owner: Mapping[str, str | None], query: Select[Any]) -> Select[Any]:
    """What of a query is of this subject."""
    return query.where(*(api_keys.c[name] == key for name, key in owner.items() if key is not None))


def _absent(param: str) -> Refusal:
    text = f"{param} is the id of nothing in this instance."
    return refusal("form_resource_not_found", "not found", text, param=param)


def _subject(row: RowMapping) -> str:
    return str(row["user_id"] or row["organization_id"] or row["machine_id"])


def _check_name(name: str) -> None:
    if name != name.strip():
        raise ill_formed("name", "name must not begin or end with a space.")


def _end(call: Call) -> int | None:
    seconds = call.body.get("seconds_until_expiration")
    return None if seconds is None else end_after(call.now, seconds)


async def present_api_keys(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, without their secrets."""
    return [_answer(call, row) for row in rows]


def _answer(call: Call, row: RowMapping) -> dict[str, Any]:
    same = ("id", "type", "name", "description", "claims", "scopes", "revoked", "revocation_reason")
    more = ("created_by", "last_used_at", "created_at", "updated_at")
    return {
        "object": "api_key",
        **{name: row[name] for name in (*same, *more)},
        "subject": _subject(row),
        "expired": has_ended(row, call.now),
        "expiration": row["expires_at"],
    }


HANDLERS: Handlers = {
    GET("/api_keys"): list_api_keys,
    POST("/api_keys"): create_api_key,
    POST("/api_keys/verify"): verify_api_key,
    GET(_ONE): get_api_key,
    PATCH(_ONE): update_api_key,
    DELETE(_ONE): delete_api_key,
    GET(f"{_ONE}/secret"): get_secret,
    POST(f"{_ONE}/revoke"): revoke_api_key,
}
