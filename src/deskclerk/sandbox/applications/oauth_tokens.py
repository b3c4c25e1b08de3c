"""Access tokens that OAuth applications hold for users: read, verified and revoked.

Opaque ones are found by their SHA-256, which a unique index holds: no two are compared letter by letter. Of
JWTs nothing is kept; they say all of it themselves, hold until they expire, and cannot be revoked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, update
from starlette.responses import Response

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.applications.oauth_applications import WHAT, digest
from deskclerk.sandbox.http.call import Call, Handlers, Reading
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, find, get
from deskclerk.sandbox.store.tables import oauth_applications, oauth_tokens
from deskclerk.sandbox.tokens.signing import kept_private_key, read

REVOKED = "Revoked with the secret key"
JWT_KIND = "at+jwt"
"""The `typ` of an access token that is a JWT (RFC 9068): no other token of the instance has it."""
_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token says, or what is kept of it; times are milliseconds since the epoch."""

    id: str
    client_id: str
    user_id: str
    scopes: Sequence[str]
    is_jwt: bool
    revocation_reason: str | None
    expires_at: int | None
    created_at: int
    updated_at: int

    def has_expired(self, now: int) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def is_good(self, now: int) -> bool:
        """Whether it has neither expired nor been revoked."""
        return self.revocation_reason is None and not self.has_expired(now)


async def read_access_token(call: Call, token: str) -> AccessToken | None:
    """An access token of the call's instance, good or not; None if it is none."""
    row = await find(call, oauth_tokens, digest=digest(token))
    if row is None:
        return await _read_jwt(call, token)
    application = await get(call, oauth_applications, row["oauth_application_id"], WHAT)
    same = ("id", "user_id", "scopes", "revocation_reason", "expires_at", "created_at", "updated_at")
    return AccessToken(client_id=application["client_id"], is_jwt=False, **{name: row[name] for name in same})


async def _read_jwt(call: Call, token: str) -> AccessToken | None:
    key = await kept_private_key(call) if "." in token else None
    claims = read(token, key, JWT_KIND) if key else None
    if claims is None:
        return None
    made = claims["iat"] * 1000
    return AccessToken(
        id=claims["jti"],
        client_id=claims["client_id"],
        user_id=claims["sub"],
        scopes=claims["scope"].split(),
        is_jwt=True,
        revocation_reason=None,
        expires_at=claims["exp"] * 1000,
        created_at=made,
        updated_at=made,
    )


async def verify_access_token(call: Call) -> dict[str, Any]:
    """Whose a token is, and whether it is still good."""
    # The older name says the same, and counts where the newer one is not given.
    text = call.body.get("access_token", call.body.get("secret"))
    if text is None:
        raise refusal("bad_request", "Bad Request", "access_token must be given.")
    token = await read_access_token(call, text)
    if token is None:
        raise refusal("resource_not_found", "not found", "No such access token exists in this instance.")
    if token.is_jwt and token.has_expired(call.now):
        return {"active": False}
    return {
        "object": "clerk_idp_oauth_access_token",
        "id": token.id,
        "client_id": token.client_id,
        "subject": token.user_id,
        "scopes": token.scopes,
        "revoked": token.revocation_reason is not None,
        "revocation_reason": token.revocation_reason,
        "expired": token.has_expired(call.now),
        "expiration": token.expires_at,
        "created_at": token.created_at,
        "updated_at": token.updated_at,
    }


async def revoke_token(call: Call) -> Response:
    """Revoke a token, and all that came of the same consent."""
    application = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    row = await find_token(call, application["id"], call.body["token"])
    if row is None:
        raise refusal("resource_not_found", "not found", "The application has no such token.")
    await revoke_grant(call, application["id"], row["grant_id"], REVOKED)
    return Response(status_code=_NO_CONTENT)


async def find_token(call: Call, application_id: str, token: str) -> RowMapping | None:
    """The row of an application's opaque access token or refresh token."""
    columns, found = oauth_tokens.c, digest(token)
    same = or_(columns.digest == found, columns.refresh_digest == found)
    query = all_of(call, oauth_tokens).where(columns.oauth_application_id == application_id, same).limit(1)
    return (await call.connection.execute(query)).mappings().one_or_none()


async def revoke_grant(call: Call, application_id: str, grant_id: str, reason: str) -> None:
    """Revoke all tokens that came of one consent."""
    columns = oauth_tokens.c
    # Those that were revoked before keep their reason.
    of_grant = (
        columns.oauth_application_id == application_id,
        columns.grant_id == grant_id,
        columns.revocation_reason.is_(None),
    )
    values = {"revocation_reason": reason, "updated_at": call.now}
    await call.connection.execute(update(oauth_tokens).where(*of_grant).values(values))


HANDLERS: Handlers = {
    POST("/oauth_applications/access_tokens/verify"): Reading(verify_access_token),
    POST("/oauth_applications/{oauth_application_id}/revoke_token"): revoke_token,
}
