"""Turns a template and what it shows into an answer; what goes wrong is a page too."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from deskclerk.errors import DeskclerkError, LimitReached
from deskclerk.faces.console.rendering import FAULT, log_fault, status_of
from deskclerk.faces.console.rendering import templates as console_templates
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.sign_in import SignInFailed

_HERE = Path(__file__).parent


@functools.cache
def templates() -> Environment:
    """The console's templates, and those that stand beside them."""
    console = console_templates()
    own = FileSystemLoader(_HERE / "templates")
    return console.overlay(loader=ChoiceLoader([own, *([console.loader] if console.loader else [])]))


def render(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page as it looks for whoever is signed in, or who is not in yet."""
    member = request.scope.get("deskclerk.session")
    frame = {
        "signed_in": request.scope.get("deskclerk.signed_in"),
        "member": member,
        "here": request.url.path.removeprefix(member.home) if member else request.url.path,
        "pages": request.scope.get("deskclerk.pages", ()) if member else (),
    }
    return HTMLResponse(templates().get_template(template).render(frame | shown), status)


def failure(request: Request, message: str, next_step: str, status: int) -> HTMLResponse:
    """A page that says what went wrong, and what to do."""
    problem = {"message": message, "next_step": next_step}
    return render(request, "trouble.html", status, problem=problem)


def not_here(request: Request) -> HTMLResponse:
    """There is no such page, or none that the asker may know of."""
    return failure(request, "There is no such page for you.", "Your workspaces are on the first page.", 404)


def code_of(error: DeskclerkError) -> int:
    """The HTTP status that says whose it is to mend."""
    if isinstance(error, NotHere):
        return 404
    if isinstance(error, LimitReached):
        return 429
    return 400 if isinstance(error, SignInFailed) else status_of(error)


async def ours(request: Request, error: Exception) -> Response:
    """An error in its own words."""
    if not isinstance(error, DeskclerkError):
        raise error
    return render(request, "trouble.html", code_of(error), problem=error.as_dict())


def refused(request: Request, error: DeskclerkError) -> Response:
    """Why a request is not looked at, before it is known whose it is."""
    return render(request, "trouble.html", code_of(error), problem=error.as_dict())


async def http(request: Request, error: Exception) -> Response:
    """No such page, or not that way."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:  # noqa: PLR2004 - not found
        return not_here(request)
    return failure(request, f"{error.detail}.", "Go back and use the page's own buttons.", error.status_code)


async def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: where it happened is logged."""
    log_fault(request, error)
    return render(request, "trouble.html", 500, problem=FAULT)


HANDLERS: Mapping[Any, Any] = {DeskclerkError: ours, HTTPException: http, Exception: unexpected}
