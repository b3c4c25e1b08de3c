"""Who gets in: a one-time link becomes a session, and nothing is served without one."""

import hmac
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.catalogue.coercion import NUL, NUL_RULE
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import DeskclerkError, InvalidRequest, NotFound
from deskclerk.faces.console.page import console_of, desk_of, may_send, session_of
from deskclerk.faces.console.rendering import refusal, render
from deskclerk.faces.console.sessions import COOKIE, Session, SessionDoor

MOST_BYTES = 262_144
"""The largest form that is read."""
_MOST_FIELDS = 2_000
READS = ("GET", "HEAD")
"""The methods that change nothing."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that a browser sends `Origin: null` with our own forms, and no check of the
    # Origin would tell them from anybody's. Other sites are told nothing either way.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SEE_OTHER = 303


class SecurityHeaders:
    """ASGI middleware that puts the headers on every answer, whatever it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added to the answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)


class StoredText:
    """ASGI middleware that refuses addresses with U+0000: nothing that is looked for has it in its name."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Request, DeskclerkError], Response]) -> None:
        """`refuse` makes the page that says so."""
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what can be looked for."""
        problem = _problem_of(Request(scope)) if scope["type"] == "http" else None
        if problem:
            await self._refuse(Request(scope, receive), problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _problem_of(request: Request) -> DeskclerkError | None:
    if NUL in request.scope["path"]:
        return NotFound("There is no such page.", next_step="Follow the links of the first page.")
    # In most addresses nothing is encoded, and so nothing can be hidden.
    if b"%00" not in request.scope["query_string"]:
        return None
    names = with_nul(request.query_params.multi_items())
    return nul_refused(names) if names else None


class SessionRequired:
    """ASGI middleware before the pages: a session, within its bounds, and forms that are its own."""

    def __init__(self, app: ASGIApp, sessions: SessionDoor) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its session and its form, or refuse it in words."""
        request = Request(scope, receive)
        session = await self._sessions.find(request)
        if session is None:
            await refusal(request, "signed_out")(scope, receive, send)
            return
        scope["deskclerk.session"] = session
        scope["deskclerk.form"] = ImmutableMultiDict[str, str]()
        if not _within(session, request):
            await refusal(request, "one_plan")(scope, receive, send)
            return
        if request.method not in READS:
            form = await read_form(request)
            # Twice on purpose: old browsers say nothing of where a request comes from.
            if form is None or not same_site(request) or not has_token(form, session.csrf):
                await refusal(request, "forged")(scope, receive, send)
                return
            # A form may come a minute after the head that it was sent with.
            if await self._sessions.find(request) is None:
                await refusal(request, "signed_out")(scope, receive, send)
                return
            if not may_send(session, request.url.path.removeprefix(session.home)):
                await refusal(request, "only_look")(scope, receive, send)
                return
            scope["deskclerk.form"] = form
        await self._app(scope, receive, send)


def _within(session: Session, request: Request) -> bool:
    """A session for one plan sees that plan, may answer it, and may leave; nothing else is for it."""
    if session.plan is None:
        return True
    path = request.url.path.removeprefix(session.home)
    mine = f"/plans/{session.plan}"
    return path in (mine, f"{mine}/status", f"{mine}/strike", "/out", "/events")


async def read_form(request: Request) -> ImmutableMultiDict[str, str] | None:
    """The fields of a URL-encoded form; None for anything else.

    InvalidRequest names a field with a character that nothing is stored with.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return None
    try:
        # A URL-encoded form is ASCII; anything else was made by hand.
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    # Who left, or sent it too slowly, is told nothing any more.
    except (ValueError, ClientDisconnect):
        return None
    if wrong := with_nul(pairs):
        raise nul_refused(wrong)
    return ImmutableMultiDict(pairs)


def with_nul(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The names of the pairs that have the character U+0000, which no person types."""
    found = dict.fromkeys(name for name, value in pairs if NUL in name or NUL in value)
    return tuple(name.replace(NUL, "\ufffd") for name in found)


def nul_refused(names: Sequence[str]) -> InvalidRequest:
    """What is told of these."""
    problems = [(name, NUL_RULE) for name in names]
    told = "; ".join(f"{line_of(name, 80)}: {problem}" for name, problem in problems)
    return InvalidRequest(
        f"{told}.", problems=problems, next_step="Nothing was done. Correct it and send it again."
    )


def same_site(request: Request) -> bool:
    """Browsers say where a request comes from; another site's never gets as far as the token."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def has_token(form: ImmutableMultiDict[str, str], csrf: str) -> bool:
    """Whether a form carries its session's own token."""
    return hmac.compare_digest(form.get("csrf", "").encode("utf-8", "replace"), csrf.encode())


async def outside(request: Request) -> Response:
    """Any address without a session's path: how to sign in. A script leads on whoever is in already."""
    return refusal(request, "signed_out")


async def show_link(request: Request) -> Response:
    """The one-time link's page with its button."""
    token = request.path_params["token"]
    link = await desk_of(request).console_links.peek(token)
    if link is None:
        return refusal(request, "link_used")
    # Looked at and not used up: mail programs and chats open every link that they see.
    return render(request, "link.html", token=token, plan=link.plan)


async def use_link(request: Request) -> Response:
    """Use the link up and let its bearer in."""
    link = await desk_of(request).console_links.use(request.path_params["token"])
    if link is None:
        return refusal(request, "link_used")
    session, value = console_of(request).sessions.begin(link.plan)
    answer = RedirectResponse(session.home + (f"/plans/{link.plan}" if link.plan else "/"), SEE_OTHER)
    # Bound to the session's path: other programs on this machine's other ports are not sent it.
    answer.set_cookie(COOKIE, value, path=session.home, httponly=True, samesite="strict")
    return answer


async def alive(request: Request) -> Response:
    """Whether the session of this path is still there: `SessionRequired` has said so."""
    del request
    return PlainTextResponse("yes")


async def leave(request: Request) -> Response:
    """Sign out."""
    session, door = session_of(request), console_of(request).door
    await door.end(session)
    answer = RedirectResponse(door.left, SEE_OTHER)
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
