"""Session tokens: short-lived proof of who is signed in, as Clerk's SDKs verify it."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Ge, Le
from sqlalchemy import RowMapping

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import POST
from deskclerk.sandbox.addresses import frontend_url
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.keys import private_key
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.organization_claims import Active, active_organization, pack
from deskclerk.sandbox.sessions import active_session
from deskclerk.sandbox.signing import SESSION, sign

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


class CreateSessionToken(Operation, route=POST("/sessions/{session_id}/tokens")):
    """A lifetime instead of the usual one."""

    expires_in_seconds: Nullable[Lifetime] = None


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
        "fva": [(call.now - row["created_at"]) // _MINUTE, _NEVER],
        **({"act": row["actor"]} if row["actor"] else {}),
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


HANDLERS: Handlers = {CreateSessionToken: create_session_token}
