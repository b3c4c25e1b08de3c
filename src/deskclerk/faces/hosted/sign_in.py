"""The way in and out: to the issuer, back from it, and what is shown to who is not in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.hosted.access import cookie_name, person_of, signed_in_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import CALLBACK, SIGNED_OUT, PeopleSite, site_of
from deskclerk.hosted.issuer import IssuerUnavailable
from deskclerk.hosted.people.secret_values import derived, new_value
from deskclerk.hosted.people.sign_in import SECONDS, own_path

_SIGN_OUT = "sign-out"


async def front(request: Request) -> Response:
    """My workspaces; for who is not in the way to sign in."""
    signed_in = await signed_in_of(request)
    if signed_in is None:
        return render(request, "front.html")
    request.scope["deskclerk.signed_in"] = signed_in
    mine = await site_of(request).workspaces.of_person(signed_in.person.id)
    return render(request, "my_workspaces.html", workspaces=mine)


async def begin(request: Request) -> Response:
    """To the issuer; `to` is the page that the person wanted. With `again` it asks in any case."""
    site = site_of(request)
    wanted = own_path(request.query_params.get("to", "/"))
    again = "again" in request.query_params
    if not again and await signed_in_of(request):
        return RedirectResponse(wanted, SEE_OTHER)
    name = _way_cookie(site)
    begun = await site.sign_in.begin(wanted, request.cookies.get(name), ask=again)
    answer = RedirectResponse(begun.url, SEE_OTHER)
    # Lax: the browser comes back from another site, and has to bring it along.
    answer.set_cookie(
        name, begun.cookie, max_age=SECONDS, path="/", httponly=True, secure=site.secure, samesite="lax"
    )
    return answer


async def callback(request: Request) -> Response:
    """Back from the issuer: a new session, whatever there was before."""
    site = site_of(request)
    try:
        came = await site.sign_in.finish(dict(request.query_params), request.cookies.get(_way_cookie(site)))
    except DeskclerkError as error:
        # Its own page, on which a reload does no harm, and without the address that holds the code.
        return render(request, "sign_in_failed.html", code_of(error), problem=error.as_dict())
    before = await signed_in_of(request)
    if before:
        await site.sessions.end(before.id, before.person.id)
    value = await site.sessions.begin(came.person, request.headers.get("user-agent", ""), fresh=came.fresh)
    answer = RedirectResponse(came.return_to, SEE_OTHER)
    # Lax and not strict: links in chats and mails lead to a plan's page. Forms have tokens of their own.
    answer.set_cookie(cookie_name(site), value, path="/", httponly=True, secure=site.secure, samesite="lax")
    return answer


async def leave(request: Request) -> Response:
    """Sign this browser out."""
    site, signed_in = site_of(request), person_of(request)
    await site.sessions.end(signed_in.id, signed_in.person.id)
    return signed_out(site)


async def gone(request: Request) -> Response:
    """Signed out here; and the way to sign out at the issuer, or back from it.

    A link and no redirect of the form's own: browsers apply `form-action` to where a form leads on to, and
    whoever leaves this desk may want to stay signed in for everything else.
    """
    site = site_of(request)
    if await signed_in_of(request):
        return RedirectResponse("/", SEE_OTHER)
    name = _out_cookie(site)
    known = request.cookies.get(name)
    cookie = known or new_value()
    state = derived(cookie, _SIGN_OUT)
    # Said by the state alone, which only this browser can bring back.
    came_back = bool(known) and request.query_params.get("state") == state
    way, problem = None, None
    try:
        way = None if came_back else await site.sign_in.way_out(state, site.public_url + SIGNED_OUT)
    except IssuerUnavailable as error:
        problem = error.as_dict()
    answer = render(
        request, "signed_out.html", way=way, problem=problem, came_back=came_back, issuer=site.sign_in.host
    )
    if way:
        # Lax: the browser comes back from another site, and has to bring it along.
        answer.set_cookie(
            name, cookie, max_age=SECONDS, path="/", httponly=True, secure=site.secure, samesite="lax"
        )
    return answer


def signed_out(site: PeopleSite) -> Response:
    """To the page that says so, without the session's cookie."""
    answer = RedirectResponse(SIGNED_OUT, SEE_OTHER)
    answer.delete_cookie(cookie_name(site), path="/", httponly=True, secure=site.secure, samesite="lax")
    return answer


def _way_cookie(site: PeopleSite) -> str:
    """The cookie of a browser that is on its way to the issuer and back."""
    return "__Host-deskclerk-way" if site.secure else "deskclerk-way"


def _out_cookie(site: PeopleSite) -> str:
    """The cookie of a browser that is on its way to the issuer to be signed out there."""
    return "__Host-deskclerk-out" if site.secure else "deskclerk-out"


ROUTES = (
    Route("/", front, methods=["GET"]),
    Route("/sign-in", begin, methods=["GET"]),
    Route(CALLBACK, callback, methods=["GET"]),
    Route(SIGNED_OUT, gone, methods=["GET"]),
)
"""What is served to whoever comes."""
WITHIN = (Route("/sign-out", leave, methods=["POST"]),)
"""What is served to everybody who is in."""
