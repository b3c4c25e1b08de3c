"""Tokens that OAuth applications hold for users: verified and revoked here; seeds bring them.

A token is found by its SHA-256, which a unique index holds: no two are compared letter by letter.
"""

from typing import Any

from sqlalchemy import or_, update
from starlette.responses import Response

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.applications.oauth_applications import WHAT, digest
from deskclerk.sandbox.http.call import Call, Handlers, Reading
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import all_of, find, get
from deskclerk.sandbox.store.tables import oauth_applications, oauth_tokens

REVOKED = "Revoked with the secret key"
_NO_CONTENT = 204


async def verify_access_token(call: Call) -> dict[str, Any]:
    """Whose a token is, and whether it is still good."""
    # The older name says the same, and counts where the newer one is not given.
    token = call.body.get("access_token", call.body.get("secret"))
    if token is None:
        raise refusal("bad_request", "Bad Request", "access_token must be given.")
    row = await find(call, oauth_tokens, digest=digest(token))
    if row is None:
        raise refusal("resource_not_found", "not found", "No such access token exists in this instance.")
    application = await get(call, oauth_applications, row["oauth_application_id"], WHAT)
    return {
        "object": "clerk_idp_oauth_access_token",
        "id": row["id"],
        "client_id": application["client_id"],
        "subject": row["user_id"],
        "scopes": row["scopes"],
        "revoked": row["revocation_reason"] is not None,
        "revocation_reason": row["revocation_reason"],
        "expired": row["expires_at"] is not None and row["expires_at"] <= call.now,
        "expiration": row["expires_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


async def revoke_token(call: Call) -> Response:
    """Revoke a token, and all that came of the same consent."""
    application = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    columns, found = oauth_tokens.c, digest(call.body["token"])
    same = or_(columns.digest == found, columns.refresh_digest == found)
    query = all_of(call, oauth_tokens).where(columns.oauth_application_id == application["id"], same).limit(1)
    row = (await call.connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise refusal("resource_not_found", "not found", "The application has no such token.")
    # Those that were revoked before keep their reason.
    of_grant = (
        columns.oauth_application_id == application["id"],
        columns.grant_id == row["grant_id"],
        columns.revocation_reason.is_(None),
    )
    values = {"revocation_reason": REVOKED, "updated_at": call.now}
    await call.connection.execute(update(oauth_tokens).where(*of_grant).values(values))
    return Response(status_code=_NO_CONTENT)


HANDLERS: Handlers = {
    POST("/oauth_applications/access_tokens/verify"): Reading(verify_access_token),
    POST("/oauth_applications/{oauth_application_id}/revoke_token"): revoke_token,
}
