"""Links to the portal in which a customer's administrator sets up single sign-on: made, and taken back."""

import hashlib
import secrets
import string
from typing import Any

from starlette.responses import Response

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.answer import created
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, find, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import admin_portal_link_tokens, organizations

WHAT = "admin portal link token"
DEFAULT_SECONDS = 3600
_TABLE = admin_portal_link_tokens
_LETTERS = string.ascii_letters + string.digits
_SECRET_LENGTH = 32


async def create_token(call: Call) -> Response:
    """A new token; it is answered here and never again."""
    body, secret = call.body, "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))
    organization_id = body.get("organization_id")
    if organization_id and not await find(call, organizations, id=organization_id):
        # The document has no 404 for this route.
        text = f"No organization with the id {organization_id} exists in this instance."
        raise refusal("bad_request", "Bad Request", text, param="organization_id")
    key, token = f"aplt_{secrets.token_hex(16)}", f"aplt_{secret}"
    lasts = body.get("seconds_until_expiration", DEFAULT_SECONDS)
    await insert(
        call,
        _TABLE,
        id=key,
        admin_portal_link_id=await _link(call, organization_id),
        organization_id=organization_id,
        it_contact_id=body.get("it_contact_id"),
        scopes=body.get("scopes"),
        # A fast hash will do: the token is random and long.
        token_digest=hashlib.sha256(token.encode()).hexdigest(),
        revoked=False,
        expires_at=call.now + 1000 * lasts,
        created_at=call.now,
        updated_at=call.now,
    )
    return created({**answer(await get(call, _TABLE, key, WHAT), call.now), "token": token})


async def revoke_token(call: Call) -> dict[str, Any]:
    """Make a token worthless; a second time changes nothing, its reason neither."""
    row = await get(call, _TABLE, call.path["admin_portal_link_token_id"], WHAT)
    if not row["revoked"]:
        reason = call.body.get("revocation_reason")
        await change(call, _TABLE, row["id"], revoked=True, revocation_reason=reason, updated_at=call.now)
    return answer(await get(call, _TABLE, row["id"], WHAT), call.now)


async def _link(call: Call, organization_id: str | None) -> str:
    """The link that tokens are for: an organization has one, and the instance has one beside them."""
    query = all_of(call, _TABLE).where(_TABLE.c.organization_id == organization_id).limit(1)
    known = (await call.connection.execute(query)).mappings().first()
    return known["admin_portal_link_id"] if known else new_id("apl", call.now)


def answer(row: RowMapping, now: int) -> dict[str, Any]:
    """A token as Clerk answers it, without the secret."""
    same = (
        "id",
        "admin_portal_link_id",
        "instance_id",
        "organization_id",
        "it_contact_id",
        "scopes",
        "revoked",
        "revocation_reason",
        "created_at",
        "updated_at",
    )
    return {
        "object": "admin_portal_link_token",
        **{name: row[name] for name in same},
        "expired": row["expires_at"] <= now,
        "expiration": row["expires_at"],
    }


HANDLERS: Handlers = {
    POST("/admin_portal_link_tokens"): create_token,
    POST("/admin_portal_link_tokens/{admin_portal_link_token_id}/revoke"): revoke_token,
}
