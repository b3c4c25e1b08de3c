"""A hosted desk's pages as one ASGI application: the way in, a person's own, workspaces, consoles."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.faces.console.authentication import MOST_BYTES, SEE_OTHER, SecurityHeaders, StoredText
from deskclerk.faces.console.site import static_files
from deskclerk.faces.hosted import invitation, rendering, security, sign_in
from deskclerk.faces.hosted.access import MemberRequired, PersonRequired
from deskclerk.faces.hosted.site import PeopleSite
from deskclerk.faces.hosted.workspace_pages import PAGES


def pages_app(site: PeopleSite, consoles: ASGIApp) -> Starlette:
    """Everything that people see.

    `consoles` serves the console of the instance in `path_params["instance"]` for the `MemberSession` in
    the scope's `deskclerk.session`; its own door is a `MembersDoor`.
    """
    return Starlette(
        routes=routes(consoles), middleware=_middleware(site), exception_handlers=rendering.HANDLERS
    )


def routes(consoles: ASGIApp) -> list[BaseRoute]:
    """What is served, with more than whom a session lets in before each."""
    person = [*security.ROUTES, *invitation.ROUTES, *sign_in.WITHIN]
    return [
        static_files(),
        *sign_in.ROUTES,
        Mount("/w/{slug}/i/{instance}", app=MemberRequired(consoles, forms=False), max_body_size=MOST_BYTES),
        Route("/w/{slug}/i/{instance}", _with_slash, methods=["GET"]),
        Mount("/w/{slug}", app=MemberRequired(_workspace(), forms=True), max_body_size=MOST_BYTES),
        Route("/w/{slug}", _with_slash, methods=["GET"]),
        Mount("", app=PersonRequired(_inner(person)), max_body_size=MOST_BYTES),
    ]


def _middleware(site: PeopleSite) -> list[Middleware]:
    return [
        Middleware(SecurityHeaders),
        Middleware(_WithSite, site=site),
        Middleware(StoredText, refuse=rendering.refused),
    ]


def _workspace() -> Starlette:
    return _inner([route for page in PAGES for route in page.routes])


def _inner(routes: list[BaseRoute]) -> Starlette:
    found = Starlette(routes=routes, exception_handlers=rendering.HANDLERS)
    # With the Host of the request a redirect would lead where whoever sent it says.
    found.router.redirect_slashes = False
    return found


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/", SEE_OTHER)


class _WithSite:
    """ASGI middleware that gives every request the site."""

    def __init__(self, app: ASGIApp, site: PeopleSite) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["deskclerk.site"] = self._site
        scope["deskclerk.pages"] = PAGES
        await self._app(scope, receive, send)
