"""Session tokens: short-lived proof of who is signed in, made anew while the session lasts."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Ge, Le

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, refusal
from deskclerk.sandbox.http.rows import RowMapping, change, find
from deskclerk.sandbox.instance.domains import frontend_url
from deskclerk.sandbox.sessions.sessions import Active, active_organization, active_session, pack, status_of
from deskclerk.sandbox.store.tables import sessions
from deskclerk.sandbox.tokens.signing import SESSION, private_key, read, sign

Lifetime = Annotated[int, Ge(30), Le(315_360_000)]
"""Seconds from now to a token's end."""

SECOND_VERSION = "2025-04-10"
"""The API version that brought version 2 of the claims: older requests get version 1."""
LIFETIME = 60
CLOCK_SKEW = 10
DEVELOPMENT_ORIGIN = "http://localhost:3000"
"""The authorized party of a token that was asked for without an `Origin` header."""
_MINUTE = 60_000
_NEVER = -1
_USER_PLAN, _ORGANIZATION_PLAN = "u:free_user", "o:free_org"


async def create_session_token(call: Call) -> dict[str, str]:
    """A token of an active session."""
    row = await active_session(call, call.path["session_id"])
    lifetime = call.body.get("expires_in_seconds") or LIFETIME
    return token_answer(await session_token(call, row, lifetime=lifetime, azp=authorized_party(call)))


async def session_token(call: Call, row: RowMapping, *, lifetime: int, azp: str) -> str:
    """A signed token of the session in `row`, good for `lifetime` seconds."""
    organization = await active_organization(call, row["user_id"], row["last_active_organization_id"])
    claims = {
        **standard_claims(call, row["user_id"], lifetime=lifetime, skew=CLOCK_SKEW, azp=azp),
        "sid": row["id"],
        # Minutes since each factor was last shown; the sandbox knows of no second one.
        "fva": [(call.now - row["created_at"]) // _MINUTE, _NEVER],
        **({"act": row["actor"]} if row["actor"] else {}),
        # Versions are dates, year first: they compare as text.
        **(_version_1(organization) if call.version < SECOND_VERSION else _version_2(organization)),
    }
    return sign(claims, await private_key(call), call.instance.id, SESSION)


def standard_claims(call: Call, user_id: str, *, lifetime: int, skew: int, azp: str) -> dict[str, Any]:
    """The claims of every token; times are seconds since the epoch."""
    now = call.now // 1000
    return {
        "azp": azp,
        "exp": now + lifetime,
        "iat": now,
        "iss": frontend_url(call.instance),
        "jti": secrets.token_hex(10),
        # A verifier's clock may be behind: the token is good a little before it was made.
        "nbf": now - skew,
        "sub": user_id,
    }


def authorized_party(call: Call) -> str:
    """The origin that a token is for."""
    return call.origin or DEVELOPMENT_ORIGIN


def token_answer(token: str) -> dict[str, str]:
    """A token as Clerk answers it."""
    return {"object": "token", "jwt": token}


def _version_1(organization: Active | None) -> Mapping[str, Any]:
    if organization is None:
        return {}
    return {
        "org_id": organization.id,
        "org_role": organization.role,
        "org_slug": organization.slug,
        "org_permissions": list(organization.permissions),
    }


def _version_2(organization: Active | None) -> Mapping[str, Any]:
    """Everybody is on the free plans, and features are those that permissions name: there is no billing."""
    own = {"v": 2, "sts": "active"}
    if organization is None:
        return {**own, "pla": _USER_PLAN, "fea": ""}
    packed = pack(organization.permissions)
    return {
        **own,
        "pla": f"{_USER_PLAN},{_ORGANIZATION_PLAN}",
        "fea": packed.features,
        "o": {
            "id": organization.id,
            "slg": organization.slug,
            "rol": organization.role.removeprefix("org:"),
            "per": packed.actions,
            "fpm": packed.map,
        },
    }


async def refresh_session(call: Call) -> dict[str, Any]:
    """A new token, or the cookies with it. A session's refresh token is, in the sandbox, its client's id.

    Real ones come with the Frontend API's handshake, which the sandbox does not serve.
    """
    azp = await _checked(call)
    row = await find(call, sessions, id=call.path["session_id"])
    if row is None:
        raise _refused("session_refresh_session_not_found", "This session does not exist.")
    if status_of(row, call.now) != "active":
        raise _refused("session_refresh_inactive_session", "This session is over.")
    if call.body["refresh_token"] != row["client_id"]:
        raise _refused("refresh_token_not_found", "The refresh token is not this session's.")
    await change(call, sessions, row["id"], last_active_at=call.now, updated_at=call.now)
    token = await session_token(call, row, lifetime=LIFETIME, azp=azp)
    return _cookies(row, token) if call.body.get("format") == "cookie" else token_answer(token)


async def _checked(call: Call) -> str:
    """The authorized party of the expired token, which has to fit the request."""
    claims = read(call.body["expired_token"], await private_key(call))
    if claims is None:
        raise _refused("expired_session_token_invalid", "expired_token is no token of this instance.")
    for name in ("sid", "azp"):
        if not claims.get(name):
            raise _refused(f"expired_session_token_missing_{name}", f"expired_token has no claim {name}.")
    if claims["sid"] != call.path["session_id"]:
        raise _refused("refresh_sid_mismatch", "expired_token is of another session.")
    # Last, and exactly: a token of one application must not be refreshed by another's page.
    if claims["azp"] != call.body["request_origin"]:
        raise _refused("refresh_request_origin_azp_mismatch", "request_origin is not the token's azp.")
    return str(claims["azp"])


def _cookies(row: RowMapping, token: str) -> dict[str, Any]:
    ends = f"Path=/; Max-Age={(row['expire_at'] - row['created_at']) // 1000}; SameSite=Lax"
    return {
        "object": "cookies",
        "cookies": [f"__session={token}; {ends}", f"__refresh={row['client_id']}; {ends}; HttpOnly"],
    }


def _refused(code: str, text: str) -> Refusal:
    return refusal(code, "Refresh refused", text)


HANDLERS: Handlers = {
    POST("/sessions/{session_id}/tokens"): create_session_token,
    POST("/sessions/{session_id}/refresh"): refresh_session,
}
