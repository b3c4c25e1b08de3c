"""What a page of the console is, and what its handlers find at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.routing import BaseRoute

from deskclerk.desk import Caller, Desk

if TYPE_CHECKING:
    from deskclerk.faces.console.sessions import Session
    from deskclerk.faces.console.site import Console

CALLER = Caller("console")


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the navigation and all that is served for it, under paths of the session's own.

    `path` is where its entry leads, `counts` whether it carries the number of waiting plans.
    """

    title: str
    path: str
    routes: Sequence[BaseRoute]
    counts: bool = False
    sandbox_only: bool = False


def console_of(request: Request) -> "Console":
    """The console that serves a request."""
    return cast("Console", request.scope["deskclerk.console"])


def desk_of(request: Request) -> Desk:
    """The desk behind a request."""
    return console_of(request).desk


def session_of(request: Request) -> "Session":
    """Whose request it is; the gate has let it through."""
    return cast("Session", request.scope["deskclerk.session"])


def form_of(request: Request) -> ImmutableMultiDict[str, str]:
    """The fields of a form, whose CSRF token the gate has checked; empty for a GET."""
    return cast("ImmutableMultiDict[str, str]", request.scope["deskclerk.form"])


def home_of(request: Request) -> str:
    """The path that every address of this session begins with."""
    return str(request.scope.get("root_path", ""))
