"""What sign-in tokens and actor tokens share: a signed ticket that is shown once, and its revocation."""

from typing import Any

from sqlalchemy import RowMapping, Table

from deskclerk.sandbox.addresses import frontend_url, ticket_url
from deskclerk.sandbox.call import Call
from deskclerk.sandbox.keys import private_key
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.rows import change, get
from deskclerk.sandbox.signing import sign

SAME = ("id", "status", "user_id", "created_at", "updated_at")
LONGEST = 2**40
"""The most seconds a ticket may live for: sums with the time still fit the database's integers."""


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
