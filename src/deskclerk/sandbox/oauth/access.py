"""What can be done with tokens that were issued: asking whose they are, asking about them, revoking them."""

from typing import Any

from starlette.responses import Response

from deskclerk.sandbox.applications.oauth_tokens import (
    AccessToken,
    find_token,
    read_access_token,
    revoke_grant,
)
from deskclerk.sandbox.http.rows import RowMapping, find
from deskclerk.sandbox.oauth.claims import user_info
from deskclerk.sandbox.oauth.clients import authenticated_client
from deskclerk.sandbox.oauth.requests import UNCACHED, OAuthError, OAuthRequest, uncached
from deskclerk.sandbox.store.tables import users

REVOKED = "Revoked by its client"
_UNAUTHORIZED = 401
_INACTIVE = {"active": False}


async def userinfo(request: OAuthRequest) -> Response:
    """Who the user is, as far as the access token's scopes go."""
    scheme, _, shown = (request.authorization or "").partition(" ")
    text = shown.strip() if scheme.lower() == "bearer" else request.given.get("access_token")
    if not text:
        raise OAuthError(
            "invalid_token",
            "Send the access token: Authorization: Bearer, and the token.",
            status=_UNAUTHORIZED,
            # Who has shown nothing is told how, and not that it was wrong (RFC 6750, 3.1).
            headers={"WWW-Authenticate": "Bearer"},
        )
    token = await read_access_token(request.call, text)
    if token is None or not token.is_good(request.call.now) or not await _is_there(request, token):
        raise OAuthError(
            "invalid_token",
            "The access token is unknown, expired or revoked; get a new one.",
            status=_UNAUTHORIZED,
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return uncached(await user_info(request.call, token.user_id, token.scopes))


async def _is_there(request: OAuthRequest, token: AccessToken) -> bool:
    # A JWT outlives its user.
    return await find(request.call, users, id=token.user_id) is not None


async def token_info(request: OAuthRequest) -> Response:
    """Whether a token is good, and what it is for (RFC 7662).

    A confidential client may ask about every token of the instance, as a resource server has to; a public
    one, which shows no secret, about its own.
    """
    client = await authenticated_client(request)
    text = _given_token(request)
    token = await read_access_token(request.call, text)
    if token is None:
        return uncached(await _refresh_info(request, client, text))
    foreign = client["public"] and token.client_id != client["client_id"]
    if foreign or not token.is_good(request.call.now):
        return uncached(_INACTIVE)
    ends = {} if token.expires_at is None else {"exp": token.expires_at // 1000}
    return uncached(
        {
            "active": True,
            "token_type": "Bearer",
            "client_id": token.client_id,
            "sub": token.user_id,
            "scope": " ".join(token.scopes),
            "iss": request.issuer,
            "iat": token.created_at // 1000,
            "jti": token.id,
            **ends,
        }
    )


async def _refresh_info(request: OAuthRequest, client: RowMapping, text: str) -> dict[str, Any]:
    # Of its own client alone: nobody else is ever shown a refresh token.
    row = await find_token(request.call, client["id"], text)
    if row is None or row["refreshed_at"] is not None or row["revocation_reason"] is not None:
        return _INACTIVE
    return {
        "active": True,
        "token_type": "refresh_token",
        "client_id": client["client_id"],
        "sub": row["user_id"],
        "scope": " ".join(row["refresh_scopes"] or row["scopes"]),
        "iss": request.issuer,
        "iat": row["created_at"] // 1000,
    }


async def revoke(request: OAuthRequest) -> Response:
    """Make a token of the client worthless, with all of its grant (RFC 7009); an unknown one is so."""
    client = await authenticated_client(request)
    text = _given_token(request)
    row = await find_token(request.call, client["id"], text)
    if row is not None:
        await revoke_grant(request.call, client["id"], row["grant_id"], REVOKED)
    else:
        token = await read_access_token(request.call, text)
        if token is not None and token.is_jwt:
            advice = "A JWT holds until it expires; revoke the refresh token, or have opaque tokens issued."
            raise OAuthError("unsupported_token_type", advice)
    return Response(headers=dict(UNCACHED))


def _given_token(request: OAuthRequest) -> str:
    if "token" not in request.given:
        raise OAuthError("invalid_request", "Give token: the access token or refresh token.")
    return request.given["token"]
