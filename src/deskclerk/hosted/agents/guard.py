"""ASGI middleware before `/mcp`: a bearer token, and which agent of which workspace it makes a request.

Whoever is let in is found in the request's scope, under `agent.SCOPE`. It serves the protected resource's
metadata as well.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.catalogue import EVERY_BY_NAME
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import DeskclerkError, LimitReached, StorageUnavailable
from deskclerk.hosted.agents.agent import SCOPE, Agent
from deskclerk.hosted.agents.arrivals import Arrivals
from deskclerk.hosted.agents.oauth_tokens import InvalidToken
from deskclerk.hosted.agents.resource_server import (
    MCP,
    WELL_KNOWN,
    InsufficientScope,
    Place,
    ResourceServer,
)
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.issuer import IssuerUnavailable

logger = logging.getLogger("deskclerk.agents")

_STATUSES: tuple[tuple[type[DeskclerkError], HTTPStatus], ...] = (
    (InvalidToken, HTTPStatus.UNAUTHORIZED),
    (InsufficientScope, HTTPStatus.FORBIDDEN),
    (NotHere, HTTPStatus.NOT_FOUND),
    (LimitReached, HTTPStatus.TOO_MANY_REQUESTS),
    (IssuerUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (StorageUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_CHALLENGED = (InvalidToken, InsufficientScope)
_INVALID_REQUEST = -32600
RETRY_SECONDS = "10"
"""After which an agent may ask again while the issuer, the database or the vault cannot be used."""
_LONGEST_SELF = 100
# The metadata is public, and clients in browsers read it too, with the header that they send everywhere.
_PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "mcp-protocol-version",
    "Cache-Control": "max-age=60",
}
_NO_PLACE = NotHere(
    "There is no MCP server at this address.",
    next_step="Use /mcp, /mcp/WORKSPACE or /mcp/WORKSPACE/INSTANCE.",
)


class AgentGuard:
    """Lets agents through to MCP, and everything else that is served pass."""

    def __init__(self, app: ASGIApp, arrivals: Arrivals, server: ResourceServer) -> None:
        self._app = app
        self._arrivals = arrivals
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its agent, or refuse it."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path == WELL_KNOWN or path.startswith(f"{WELL_KNOWN}/"):
            answer = await self._metadata(path.removeprefix(WELL_KNOWN))
            await answer(scope, receive, send)
        elif path == MCP or path.startswith(f"{MCP}/"):
            await self._guarded(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        place = Place.of(scope["path"])
        if place is None:
            await _told(_NO_PLACE)(scope, receive, send)
            return
        bearer = _bearer(request)
        try:
            if bearer is None:
                raise InvalidToken.because("there is none")
            said = line_of(request.headers.get("user-agent", ""), _LONGEST_SELF)
            again = partial(self._arrivals.identify, bearer, place, said)
            agent = replace(await again(), again=again)
            _check_scopes(agent, request)
        except DeskclerkError as error:
            headers = {}
            if isinstance(error, _CHALLENGED):
                shown = error if bearer is not None else None
                headers["WWW-Authenticate"] = await self._server.challenge(place, shown)
            if isinstance(error, LimitReached) and error.retry_after is not None:
                headers["Retry-After"] = str(error.retry_after)
            await _told(error, headers)(scope, receive, send)
            return
        # What MCP is mounted at knows no workspaces: the place is the agent's now.
        await self._app({**scope, SCOPE: agent}, receive, send)

    async def _metadata(self, path: str) -> Response:
        place = Place.of(path or MCP)
        try:
            found = await self._server.metadata(place) if place else None
        except IssuerUnavailable as error:
            return _told(error)
        if found is None:
            return _told(_NO_PLACE)
        return JSONResponse(found, headers=_PUBLIC)


def _bearer(request: Request) -> str | None:
    """The bearer token of a request; None if it shows none, or more than one."""
    shown = request.headers.getlist("authorization")
    scheme, _, token = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" and token.strip().isascii() else None


def _check_scopes(agent: Agent, request: Request) -> None:
    """InsufficientScope for a call that a token with further scopes could make.

    Clients since 2026-07-28 say in a header what they call, and can get another token before anything is
    read. To others the desk says the same in its answer.
    """
    if request.headers.get("mcp-method") != "tools/call":
        return
    action = EVERY_BY_NAME.get(request.headers.get("mcp-name", ""))
    if action is not None and (further := agent.steps_up_for(action)):
        raise InsufficientScope(
            f"{action.spec.name} needs more than this access token is for.",
            [*sorted(agent.scopes or ()), *further],
        )


def _told(error: DeskclerkError, headers: Mapping[str, str] | None = None) -> Response:
    """An error as both kinds of client read it: OAuth's two words, and JSON-RPC's error."""
    status = next((code for kind, code in _STATUSES if isinstance(error, kind)), HTTPStatus.FORBIDDEN)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        logger.warning("%s", error.message)
        headers = {**(headers or {}), "Retry-After": RETRY_SECONDS}
    body: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": _INVALID_REQUEST, "message": str(error), "data": error.as_dict()},
    }
    if isinstance(error, _CHALLENGED):
        body = {"error": error.kind, "error_description": str(error)}
    return JSONResponse(body, status, headers)
