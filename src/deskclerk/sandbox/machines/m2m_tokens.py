"""M2M tokens: what a machine shows to those that it calls; opaque ones are kept, JWTs are not."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.http.answer import encoded
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, invalid, missing, refusal
from deskclerk.sandbox.http.rows import (
    DEFAULT_LIMIT,
    RowMapping,
    all_of,
    change,
    count,
    find,
    get,
    insert,
    ordered,
)
from deskclerk.sandbox.instance.domains import frontend_url
from deskclerk.sandbox.machines.credentials import (
    digest,
    end_after,
    find_by_secret,
    has_ended,
    is_good,
    new_hexadecimal_id,
    new_secret,
)
from deskclerk.sandbox.machines.machines import WHAT as MACHINE
from deskclerk.sandbox.machines.machines import scoped_machines
from deskclerk.sandbox.store.tables import m2m_tokens, machines
from deskclerk.sandbox.tokens.jwt_templates import check_depth
from deskclerk.sandbox.tokens.session_tokens import CLOCK_SKEW
from deskclerk.sandbox.tokens.signing import M2M, private_key, read, sign

WHAT = "M2M token"
RESERVED = ("exp", "iat", "iss", "jti", "nbf", "sub")
"""Claims of a JWT that Clerk sets itself."""
_CREATED = 201


async def list_tokens(call: Call) -> dict[str, Any]:
    """The opaque tokens of one machine, newest first; only good ones unless others are asked for."""
    given, columns = call.query, m2m_tokens.c
    if call.machine not in (None, given["subject"]):
        text = "With the secret key of a machine only its own tokens can be read."
        raise refusal("authorization_invalid", "not allowed", text)
    await get(call, machines, given["subject"], MACHINE)
    query = all_of(call, m2m_tokens).where(columns.machine_id == given["subject"])
    if not given.get("revoked"):
        query = query.where(columns.revoked.is_(False))
    if not given.get("expired"):
        query = query.where(columns.expires_at > call.now)
    cut = ordered(query, columns.created_at, columns.id, descends=True)
    cut = cut.limit(given.get("limit", DEFAULT_LIMIT)).offset(given.get("offset", 0))
    rows = (await call.connection.execute(cut)).mappings().all()
    return {"m2m_tokens": [_answer(call, row) for row in rows], "total_count": await count(call, query)}


async def create_token(call: Call) -> Response:
    """A token of the machine that asks, with the others that it may call as its scopes."""
    if call.machine is None:
        text = "Tokens are made with the secret key of a machine, not with that of the instance."
        raise refusal("clerk_key_invalid", "The machine's secret key is invalid", text)
    machine = await get(call, machines, call.machine, MACHINE)
    seconds, claims = call.body.get("seconds_until_expiration"), call.body.get("claims")
    lifetime = machine["default_token_ttl"] if seconds is None else seconds
    ends = end_after(call.now, lifetime)
    check_depth(claims)
    scopes = await _scopes(call, machine["id"])
    if call.body.get("token_format") == "jwt":
        return _created(await _new_jwt(call, machine["id"], claims or {}, scopes, lifetime))
    row = await _kept(call, machine["id"], claims, scopes, lifetime)
    if row is None:
        row = await _new_token(call, machine["id"], claims, scopes, ends)
    return _created({**_answer(call, row), "token": row["secret"]})


async def revoke_token(call: Call) -> dict[str, Any]:
    """Make a token worthless; one that is stays as it is, with its first reason."""
    row = await get(call, m2m_tokens, call.path["m2m_token_id"], WHAT)
    if call.machine not in (None, row["machine_id"]):
        raise _not_found()
    if not row["revoked"]:
        reason = call.body.get("revocation_reason")
        values = {"revoked": True, "revocation_reason": reason, "updated_at": call.now}
        await change(call, m2m_tokens, row["id"], **values)
    return _answer(call, await get(call, m2m_tokens, row["id"], WHAT))


async def verify_token(call: Call) -> dict[str, Any]:
    """The token, if it is good, and if the machine that asks is one that may be called with it."""
    token = call.body.get("token", call.body.get("secret"))
    if token is None:
        raise missing("token")
    row = await find_by_secret(call, m2m_tokens, token)
    if row is None:
        return await _verified_jwt(call, token)
    if not is_good(row, call.now) or call.machine not in (None, *row["scopes"]):
        raise _not_found()
    await change(call, m2m_tokens, row["id"], last_used_at=call.now)
    return _answer(call, await get(call, m2m_tokens, row["id"], WHAT))


async def _kept(
    call: Call, machine_id: str, claims: Any, scopes: Sequence[str], lifetime: float
) -> RowMapping | None:
    """A token like the one that is asked for, if one with enough life left may be given instead."""
    least = call.body.get("min_remaining_ttl_seconds")
    if least is None:
        return None
    if least >= lifetime:
        text = "min_remaining_ttl_seconds must be less than the seconds until a new token would expire."
        raise invalid("min_remaining_ttl_seconds", text)
    columns = m2m_tokens.c
    query = all_of(call, m2m_tokens).where(
        columns.machine_id == machine_id,
        columns.contents_digest == _contents(claims, scopes),
        columns.revoked.is_(False),
        columns.expires_at > call.now,
        columns.expires_at >= call.now + 1000 * least,
    )
    longest = query.order_by(columns.expires_at.desc(), columns.id).limit(1)
    return (await call.connection.execute(longest)).mappings().first()


async def _new_token(
    call: Call, machine_id: str, claims: Any, scopes: Sequence[str], ends: int
) -> RowMapping:
    key = new_hexadecimal_id("mt")
    await insert(
        call,
        m2m_tokens,
        id=key,
        machine_id=machine_id,
        claims=claims,
        scopes=scopes,
        contents_digest=_contents(claims, scopes),
        **new_secret("mt"),
        revoked=False,
        expires_at=ends,
        created_at=call.now,
        updated_at=call.now,
    )
    return await get(call, m2m_tokens, key, WHAT)


def _contents(claims: Any, scopes: Sequence[str]) -> str:
    return digest(json.dumps([claims, sorted(scopes)], sort_keys=True))


async def _scopes(call: Call, machine_id: str) -> list[str]:
    return [row["id"] for row in (await scoped_machines(call, [machine_id]))[machine_id]]


async def _new_jwt(
    call: Call, machine_id: str, claims: Mapping[str, Any], scopes: Sequence[str], lifetime: float
) -> dict[str, Any]:
    for claim in RESERVED:
        if claim in claims:
            text = f"The claim '{claim}' is reserved: Clerk sets it itself."
            raise refusal("machine_token_reserved_claim", "reserved claim used", text, param="claims")
    now = call.now // 1000
    payload = {
        **claims,
        "exp": now + math.ceil(lifetime),
        "iat": now,
        "iss": frontend_url(call.instance),
        "jti": new_hexadecimal_id("mt"),
        "nbf": now - CLOCK_SKEW,
        "sub": machine_id,
    }
    token = sign(payload, await private_key(call), call.instance.id, M2M)
    return {**_jwt_answer(payload, scopes), "token": token}


async def _verified_jwt(call: Call, token: str) -> dict[str, Any]:
    payload = read(token, await private_key(call)) or {}
    # No other token that the instance signs is a machine's: nobody else sets `sub`.
    machine = await find(call, machines, id=payload.get("sub", ""))
    if machine is None or payload["exp"] * 1000 <= call.now:
        raise _not_found()
    scopes = await _scopes(call, machine["id"])
    if call.machine not in (None, *scopes):
        raise _not_found()
    return _jwt_answer(payload, scopes)


def _not_found() -> Refusal:
    # In one sentence for all that cannot be told apart by who may not see it.
    text = "No M2M token that is good for this was found."
    return refusal("resource_not_found", "M2M token not found", text)


def _created(answer: Mapping[str, Any]) -> Response:
    return Response(encoded(answer), _CREATED, media_type="application/json")


def _answer(call: Call, row: RowMapping) -> dict[str, Any]:
    same = ("id", "claims", "scopes", "revoked", "revocation_reason")
    times = ("last_used_at", "created_at", "updated_at")
    return {
        "object": "machine_to_machine_token",
        **{name: row[name] for name in (*same, *times)},
        "subject": row["machine_id"],
        "expired": has_ended(row, call.now),
        "expiration": row["expires_at"],
    }


def _jwt_answer(payload: Mapping[str, Any], scopes: Sequence[str]) -> dict[str, Any]:
    """What is known of a token of which nothing is kept."""
    claims = {name: value for name, value in payload.items() if name not in RESERVED}
    return {
        "object": "machine_to_machine_token",
        "id": payload["jti"],
        "subject": payload["sub"],
        "claims": claims or None,
        "scopes": scopes,
        "revoked": False,
        "revocation_reason": None,
        "expired": False,
        "expiration": payload["exp"] * 1000,
        "last_used_at": None,
        "created_at": payload["iat"] * 1000,
        "updated_at": payload["iat"] * 1000,
    }


HANDLERS: Handlers = {
    GET("/m2m_tokens"): list_tokens,
    POST("/m2m_tokens"): create_token,
    POST("/m2m_tokens/verify"): verify_token,
    POST("/m2m_tokens/{m2m_token_id}/revoke"): revoke_token,
}
