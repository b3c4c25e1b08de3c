"""Tokens that let somebody in: sign-in tickets, shown once, and testing tokens for browser tests."""

import secrets
from typing import Any

from sqlalchemy import Table

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, change, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.domains import frontend_url, ticket_url
from deskclerk.sandbox.sessions.sessions import active_organization
from deskclerk.sandbox.store.tables import organizations, users
from deskclerk.sandbox.store.tables import sign_in_tokens as table
from deskclerk.sandbox.tokens.signing import private_key, sign

SAME = ("id", "status", "user_id", "created_at", "updated_at")
LONGEST = 2**40
"""The most seconds a ticket may live for: sums with the time still fit the database's integers."""
KIND = "sign_in_token"
DEFAULT_SECONDS = 30 * 24 * 60 * 60
LIFETIME = 60 * 60
_BYTES = 30


def pending(call: Call, seconds: int) -> dict[str, Any]:
    """The columns that a new ticket begins with."""
    return {
        "status": "pending",
        "expires_at": call.now + seconds * 1000,
        "created_at": call.now,
        "updated_at": call.now,
    }


async def shown_once(call: Call, kind: str, row: RowMapping) -> dict[str, str]:
    """The ticket and the address that takes it; neither is kept."""
    claims = {
        "exp": row["expires_at"] // 1000,
        "iat": call.now // 1000,
        "iid": call.instance.id,
        "iss": frontend_url(call.instance),
        "sid": row["id"],
        "st": kind,
    }
    ticket = sign(claims, await private_key(call), call.instance.id)
    return {"token": ticket, "url": ticket_url(call.instance, ticket)}


async def revoke(call: Call, table: Table, kind: str) -> RowMapping:
    """Revoke a pending ticket, named in the path as `<kind>_id`; any other cannot be."""
    what = kind.replace("_", " ")
    row = await get(call, table, call.path[f"{kind}_id"], what)
    if row["status"] != "pending":
        text = f"This {what} is {row['status']}; only a pending one can be revoked."
        raise refusal(f"{kind}_cannot_be_revoked_code", "cannot be revoked", text)
    await change(call, table, row["id"], status="revoked", updated_at=call.now)
    return await get(call, table, row["id"], what)


async def create_sign_in_token(call: Call) -> dict[str, Any]:
    """A new ticket, answered here and never again."""
    user = await get(call, users, call.body["user_id"], "user")
    organization_id = call.body.get("org_id")
    if organization_id is not None:
        await get(call, organizations, organization_id, "organization")
        if not await active_organization(call, user["id"], organization_id):
            text = f"The user {user['id']} is no member of the organization {organization_id}."
            raise refusal("not_a_member_in_organization", "not a member", text)
    key, seconds = new_id("sit", call.now), call.body.get("expires_in_seconds") or DEFAULT_SECONDS
    await insert(
        call, table, id=key, user_id=user["id"], organization_id=organization_id, **pending(call, seconds)
    )
    row = await get(call, table, key, "sign-in token")
    return {**_answer(row), **await shown_once(call, KIND, row)}


async def revoke_sign_in_token(call: Call) -> dict[str, Any]:
    """Revoke a pending ticket."""
    return _answer(await revoke(call, table, KIND))


def _answer(row: RowMapping) -> dict[str, Any]:
    return {"object": KIND, **{name: row[name] for name in SAME}}


async def create_testing_token(call: Call) -> dict[str, Any]:
    """A token good for an hour; here times are seconds."""
    now = call.now // 1000
    # Not kept: only the Frontend API takes it, which the sandbox does not serve.
    token = f"{now}-c_{secrets.token_urlsafe(_BYTES)}"
    return {"object": "testing_token", "token": token, "expires_at": now + LIFETIME}


HANDLERS: Handlers = {
    POST("/sign_in_tokens"): create_sign_in_token,
    POST("/sign_in_tokens/{sign_in_token_id}/revoke"): revoke_sign_in_token,
    POST("/testing_tokens"): create_testing_token,
}
