"""The token endpoint: a code, or a refresh token, becomes tokens; each is good once."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from deskclerk.sandbox.applications.oauth_applications import digest, random_letters
from deskclerk.sandbox.applications.oauth_tokens import JWT_KIND, find_token, revoke_grant
from deskclerk.sandbox.http.rows import RowMapping, change, find, insert
from deskclerk.sandbox.ids import new_hex_id
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.oauth.claims import standard_claims
from deskclerk.sandbox.oauth.clients import authenticated_client
from deskclerk.sandbox.oauth.requests import OAuthError, OAuthRequest, uncached
from deskclerk.sandbox.store.tables import oauth_codes, oauth_tokens, users
from deskclerk.sandbox.tokens.signing import private_key, sign

LIFETIME = 86_400
"""Seconds that access tokens and ID tokens hold; refresh tokens hold until they are used or revoked."""
REUSED = "An authorization code or a refresh token was used twice"
_SECRET_LENGTH = 40
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a user has granted to a client: all tokens that come of one code."""

    id: str
    client: RowMapping
    user_id: str
    scopes: Sequence[str]


async def token(request: OAuthRequest) -> Response:
    """Tokens for a grant of a client that has shown who it is."""
    client = await authenticated_client(request)
    kind = request.given.get("grant_type")
    if kind == "authorization_code":
        return await _for_code(request, client)
    if kind == "refresh_token":
        return await _for_refresh_token(request, client)
    if kind is None:
        raise OAuthError("invalid_request", "Give grant_type: authorization_code or refresh_token.")
    text = "This issuer knows the grant types authorization_code and refresh_token."
    raise OAuthError("unsupported_grant_type", text)


async def _for_code(request: OAuthRequest, client: RowMapping) -> Response:
    call, given = request.call, request.given
    if "code" not in given:
        raise OAuthError("invalid_request", "Give code: what the redirect brought.")
    row = await find(call, oauth_codes, digest=digest(given["code"]))
    if row is None or row["oauth_application_id"] != client["id"]:
        raise _bad_grant("No such code was issued to this client.")
    if row["used_at"] is not None:
        return await _reused(request, client, row["id"])
    if row["expires_at"] <= call.now:
        raise _bad_grant("The code has expired; send the user to authorize again.")
    if row["redirect_uri"] is not None and given.get("redirect_uri") != row["redirect_uri"]:
        raise _bad_grant("redirect_uri is not the one that the code was asked for with.")
    _check_verifier(given.get("code_verifier"), row["code_challenge"])
    await _check_user(request, row["user_id"])
    await change(call, oauth_codes, row["id"], used_at=call.now)
    more = {"auth_time": row["created_at"] // 1000, **({"nonce": row["nonce"]} if row["nonce"] else {})}
    grant = _Grant(row["id"], client, row["user_id"], row["scopes"])
    return await _issued(request, grant, row["scopes"], more)


def _check_verifier(verifier: str | None, challenge: str | None) -> None:
    """Whoever brings the code is who asked for it (RFC 7636, 4.6)."""
    if challenge is None:
        # Else an attacker could leave the challenge out, and the client would not notice.
        if verifier is not None:
            raise _bad_grant("code_verifier is given, and the code was asked for without a challenge.")
        return
    if verifier is None:
        raise _bad_grant("Give code_verifier: the code was asked for with a challenge.")
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge, challenge_of(verifier)):
        raise _bad_grant("code_verifier does not fit the challenge that the code was asked for with.")


def challenge_of(verifier: str) -> str:
    """What a verifier comes to by S256."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


async def _for_refresh_token(request: OAuthRequest, client: RowMapping) -> Response:
    call, given = request.call, request.given
    if "refresh_token" not in given:
        raise OAuthError("invalid_request", "Give refresh_token: what the last answer brought.")
    text = given["refresh_token"]
    row = await find_token(call, client["id"], text)
    if row is None or row["refresh_digest"] != digest(text):
        raise _bad_grant("No such refresh token was issued to this client.")
    if row["refreshed_at"] is not None:
        return await _reused(request, client, row["grant_id"])
    if row["revocation_reason"] is not None:
        raise _bad_grant("The refresh token was revoked; send the user to authorize again.")
    await _check_user(request, row["user_id"])
    granted = row["refresh_scopes"] or row["scopes"]
    scopes = list(dict.fromkeys(given["scope"].split())) if "scope" in given else granted
    if not scopes or not set(scopes) <= set(granted):
        raise OAuthError("invalid_scope", "A refresh cannot ask for more scopes than were granted.")
    await change(call, oauth_tokens, row["id"], refreshed_at=call.now)
    return await _issued(request, _Grant(row["grant_id"], client, row["user_id"], granted), scopes, {})


async def _reused(request: OAuthRequest, client: RowMapping, grant_id: str) -> Response:
    """Two have it, and one of them has stolen it: nothing that came of it is good any longer."""
    await revoke_grant(request.call, client["id"], grant_id, REUSED)
    # An answer and no error, which would take the revocation back with the transaction.
    return _bad_grant("It was used before: all tokens of this grant are revoked; authorize again.").answer()


async def _check_user(request: OAuthRequest, user_id: str) -> None:
    user = await find(request.call, users, id=user_id)
    if user is None or user["banned"]:
        raise _bad_grant("The user is banned or gone.")


def _bad_grant(text: str) -> OAuthError:
    return OAuthError("invalid_grant", text)


async def _issued(
    request: OAuthRequest, grant: _Grant, scopes: Sequence[str], more: dict[str, Any]
) -> Response:
    """New tokens of a grant with these of its scopes; `more` is said in the ID token."""
    call, client_id = request.call, grant.client["client_id"]
    key, refresh = new_hex_id("oat"), _secret("ort") if "offline_access" in grant.scopes else None
    opaque = _secret("oat")
    settings = await read_settings(call, "oauth_applications")
    access = opaque
    if settings["oauth_jwt_access_tokens"]:
        # As Clerk's: without `aud`, whatever `resource` was asked for.
        said = {"sub": grant.user_id, "client_id": client_id, "jti": key, "scope": " ".join(scopes)}
        access = await _signed(request, JWT_KIND, said)
    await insert(
        call,
        oauth_tokens,
        id=key,
        oauth_application_id=grant.client["id"],
        user_id=grant.user_id,
        grant_id=grant.id,
        digest=digest(opaque),
        refresh_digest=digest(refresh) if refresh else None,
        refresh_scopes=list(grant.scopes),
        scopes=list(scopes),
        expires_at=call.now + LIFETIME * 1000,
        created_at=call.now,
        updated_at=call.now,
    )
    answer = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "scope": " ".join(scopes),
        **({"refresh_token": refresh} if refresh else {}),
    }
    if "openid" in scopes:
        claims = {
            **await standard_claims(call, grant.user_id, scopes),
            **more,
            "sub": grant.user_id,
            "aud": client_id,
            "at_hash": _base64url(hashlib.sha256(access.encode()).digest()[:16]),
        }
        answer["id_token"] = await _signed(request, "JWT", claims)
    return uncached(answer)


async def _signed(request: OAuthRequest, kind: str, claims: dict[str, Any]) -> str:
    call = request.call
    now = call.now // 1000
    times = {"iss": request.issuer, "iat": now, "nbf": now, "exp": now + LIFETIME}
    return sign({**claims, **times}, await private_key(call), call.instance.id, kind=kind)


def _secret(prefix: str) -> str:
    return f"{prefix}_{random_letters(_SECRET_LENGTH)}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
