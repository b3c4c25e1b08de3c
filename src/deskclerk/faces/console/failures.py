"""What goes wrong, as a page: what, and what to do next."""

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from deskclerk.errors import (
    ApprovalRefused,
    ClerkError,
    DeskclerkError,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from deskclerk.faces.console.rendering import refusal, render

logger = logging.getLogger("deskclerk.console")

_NOT_FOUND = 404
_STATUSES: tuple[tuple[type[DeskclerkError], int], ...] = (
    (NotFound, 404),
    (ApprovalRefused, 409),
    (InvalidRequest, 422),
    (NotAllowed, 403),
    (ClerkError, 502),
)


def status_of(error: DeskclerkError) -> int:
    """The HTTP status that says whose it is to mend."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 409)


async def ours(request: Request, error: Exception) -> Response:
    """An error of the desk, in its own words."""
    if not isinstance(error, DeskclerkError):
        raise error
    return render(request, "failure.html", status_of(error), error=error.as_dict())


async def http(request: Request, error: Exception) -> Response:
    """No such page, or not that way."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == _NOT_FOUND:
        return refusal(request, "not_found")
    problem = {"message": f"{error.detail}.", "next_step": "Go back and use the page's own buttons."}
    return render(request, "failure.html", error.status_code, error=problem)


async def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: where it happened is logged, without the message, which may hold what must not be."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: unexpected %s\n%s", request.scope["method"], type(error).__name__, where)
    problem = {
        "message": "This page failed inside deskclerk.",
        "next_step": "If you were signing something, look at the plan before trying again.",
    }
    return render(request, "failure.html", 500, error=problem)


HANDLERS: Mapping[Any, Any] = {DeskclerkError: ours, HTTPException: http, Exception: unexpected}
