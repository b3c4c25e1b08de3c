"""Turns a template and what it shows into an answer."""

import functools
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from deskclerk.desk.view.cleaning import clean_text
from deskclerk.faces.console.page import console_of, home_of

_HERE = Path(__file__).parent
_REFUSALS = {
    "signed_out": (401, "signed_out.html"),
    "one_plan": (403, "one_plan.html"),
    "forged": (403, "forged.html"),
    "not_found": (404, "not_found.html"),
    "link_used": (410, "link_used.html"),
}


@functools.cache
def templates() -> Environment:
    """The templates: every value escaped, every name that is not there an error."""
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
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
    """A page as it looks for whoever is signed in, or before the door."""
    session = request.scope.get("deskclerk.session")
    console = console_of(request)
    frame = {
        "session": session,
        "home": session.home if session else home_of(request),
        "here": request.url.path.removeprefix(session.home) if session else "",
        "pages": console.pages if session and session.person else (),
        "instance": console.desk.instance,
    }
    return HTMLResponse(templates().get_template(template).render(frame | shown), status)


def refusal(request: Request, why: str) -> HTMLResponse:
    """A page that says why not, and what to do."""
    status, template = _REFUSALS[why]
    return render(request, template, HTTPStatus(status), console_open=console_of(request).url)
