"""Refreshing a session: a new session token for an expired one."""

from typing import Any, Literal

from sqlalchemy import RowMapping

from deskclerk.catalogue.fields import Json, Nullable
from deskclerk.catalogue.route import POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.keys import private_key
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import Refusal, refusal
from deskclerk.sandbox.rows import change, find
from deskclerk.sandbox.session_tokens import LIFETIME, session_token, token_answer
from deskclerk.sandbox.sessions import status_of
from deskclerk.sandbox.signing import read
from deskclerk.sandbox.store.tables import sessions


class RefreshSession(Operation, route=POST("/sessions/{session_id}/refresh")):
    """The old token and what the browser's request was; Clerk's JavaScript SDK sends suffixed_cookies too."""

    expired_token: str
    refresh_token: str
    request_origin: str
    request_headers: Nullable[Json] = None
    format: Nullable[Literal["token", "cookie"]] = None
    request_originating_ip: Nullable[str] = None
    suffixed_cookies: Nullable[bool] = None


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


HANDLERS: Handlers = {RefreshSession: refresh_session}
