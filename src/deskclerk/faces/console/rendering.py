"""Turns a template and what it shows into an answer; what goes wrong is a page too."""

import functools
import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from deskclerk.desk.view.cleaning import clean_text
from deskclerk.errors import (
    ApprovalRefused,
    ClerkError,
    DeskclerkError,
    InvalidRequest,
    LimitReached,
    NotAllowed,
    NotFound,
    StorageUnavailable,
)
from deskclerk.faces.console.page import console_of, home_of, may_send

_HERE = Path(__file__).parent
_REFUSALS = {
    "signed_out": (401, "signed_out.html"),
    "one_plan": (403, "one_plan.html"),
    "forged": (403, "forged.html"),
    "not_found": (404, "not_found.html"),
    "only_look": (403, "only_look.html"),
    "link_used": (410, "link_used.html"),
}
_NOT_FOUND = 404
_STATUSES: tuple[tuple[type[DeskclerkError], int], ...] = (
    (NotFound, 404),
    (ApprovalRefused, 409),
    (InvalidRequest, 422),
    (NotAllowed, 403),
    (LimitReached, 429),
    (ClerkError, 502),
    (StorageUnavailable, 503),
)


@functools.cache
def templates() -> Environment:
    """The templates: every value escaped, every name that is not there an error."""
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        # A name that is missing should fail a test and not show an empty page.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["said"] = said
    return found


def said(value: object) -> str:
    """What somebody else wrote, without what cannot be seen; escaping comes after."""
    return clean_text(str(value))


def render(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page as it looks for whoever is signed in, or who is not in yet."""
    session = request.scope.get("deskclerk.session")
    console = console_of(request)
    frame = {
        "session": session,
        "home": session.home if session else home_of(request),
        "here": request.url.path.removeprefix(session.home) if session else "",
        "pages": console.pages if session and session.person else (),
        "instance": console.desk.instance,
        # Whoever looks at a hosted desk's has none.
        "commands": console.desk.journal.commands,
        "may": functools.partial(may_send, session) if session else None,
    }
    return HTMLResponse(templates().get_template(template).render(frame | shown), status)


def refusal(request: Request, why: str) -> HTMLResponse:
    """A page that says why not, and what to do."""
    status, template = _REFUSALS[why]
    return render(request, template, HTTPStatus(status), console_open=console_of(request).url)


logger = logging.getLogger("deskclerk.console")


def status_of(error: DeskclerkError) -> int:
    """The HTTP status that says whose it is to mend."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 409)


async def ours(request: Request, error: Exception) -> Response:
    """An error of the desk, in its own words."""
    if not isinstance(error, DeskclerkError):
        raise error
    return render(request, "failure.html", status_of(error), error=error.as_dict())


def refused(request: Request, error: DeskclerkError) -> Response:
    """Why a request is not looked at, before it is known whose it is."""
    return render(request, "failure.html", status_of(error), error=error.as_dict())


async def http(request: Request, error: Exception) -> Response:
    """No such page, or not that way."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == _NOT_FOUND:
        return refusal(request, "not_found")
    problem = {"message": f"{error.detail}.", "next_step": "Go back and use the page's own buttons."}
    return render(request, "failure.html", error.status_code, error=problem)


FAULT = {
    "message": "This page failed inside deskclerk.",
    "next_step": "If you were signing something, look at the plan before trying again.",
}
"""What a person is told of a fault of ours."""


def log_fault(request: Request, error: Exception) -> None:
    """Where a fault of ours happened, without the message, which may hold what must not be written down."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: unexpected %s\n%s", request.scope["method"], type(error).__name__, where)


async def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours."""
    log_fault(request, error)
    return render(request, "failure.html", 500, error=FAULT)


HANDLERS: Mapping[Any, Any] = {DeskclerkError: ours, HTTPException: http, Exception: unexpected}
