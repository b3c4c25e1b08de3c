"""The way in and out: a one-time link becomes a session.

A link shows a page with one button first: whatever merely looks at the address (a preview, a scanner)
does not use it up, and the request that brings the cookie comes from our own page, as `SameSite=Strict`
wants it.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from deskclerk.faces.console.page import console_of, desk_of, session_of
from deskclerk.faces.console.rendering import refusal, render
from deskclerk.faces.console.sessions import COOKIE

SEE_OTHER = 303


async def outside(request: Request) -> Response:
    """Any address without a session's path: how to sign in. A script leads on whoever is in already."""
    return refusal(request, "signed_out")


async def show_link(request: Request) -> Response:
    """The one-time link's page with its button."""
    token = request.path_params["token"]
    link = await desk_of(request).console_links.peek(token)
    if link is None:
        return refusal(request, "link_used")
    return render(request, "link.html", token=token, plan=link.plan)


async def use_link(request: Request) -> Response:
    """Use the link up and let its bearer in."""
    link = await desk_of(request).console_links.use(request.path_params["token"])
    if link is None:
        return refusal(request, "link_used")
    session, value = console_of(request).sessions.begin(link.plan)
    answer = RedirectResponse(session.home + (f"/plans/{link.plan}" if link.plan else "/"), SEE_OTHER)
    answer.set_cookie(COOKIE, value, path=session.home, httponly=True, samesite="strict")
    return answer


async def alive(request: Request) -> Response:
    """Whether the session of this path is still there: the gate has said so."""
    del request
    return PlainTextResponse("yes")


async def leave(request: Request) -> Response:
    """Sign out."""
    session = session_of(request)
    console_of(request).sessions.end(session)
    answer = RedirectResponse("/", SEE_OTHER)
    answer.delete_cookie(COOKIE, path=session.home, httponly=True, samesite="strict")
    return answer


BEFORE = (
    Route("/in/{token}", show_link, methods=["GET"]),
    Route("/in/{token}", use_link, methods=["POST"]),
    Route("/{path:path}", outside, methods=["GET"]),
)
"""What is served to whoever is not in."""
WITHIN = (
    Route("/alive", alive, methods=["GET"]),
    Route("/out", leave, methods=["POST"]),
)
"""What is served to everybody who is in."""
