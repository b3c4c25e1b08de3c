"""Who gets in: a cookie becomes a person, a path a workspace of theirs, and nothing is served without.

Whoever asks for a workspace that is not theirs is told the same as of one that is nowhere.
"""

from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import quote

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Caller
from deskclerk.faces.console.authentication import READS, SEE_OTHER, has_token, read_form, same_site
from deskclerk.faces.console.sessions import Session
from deskclerk.faces.hosted import reaching
from deskclerk.faces.hosted.admission import Receiving
from deskclerk.faces.hosted.rendering import failure, not_here
from deskclerk.faces.hosted.site import SIGNED_OUT, PeopleSite, site_of
from deskclerk.hosted.people.persons import Person
from deskclerk.hosted.people.sessions import SignedIn
from deskclerk.hosted.workspaces.policy import Role
from deskclerk.hosted.workspaces.store import WorkspaceRecord

# What a page's own scripts ask for in the background says nothing of a person who is there.
_SCRIPTS_OWN = ("/events", "/alive", "/status")
_CONSOLE = "console"
ADMITTED = "deskclerk.admitted"
"""In the scope of a request that the limits of its workspace have counted."""


@dataclass
class MemberSession:
    """A member's session on the pages of their workspace, as the console knows sessions."""

    signed_in: SignedIn
    record: WorkspaceRecord
    role: Role
    home: str
    told: object = None

    @property
    def plan(self) -> None:
        """A member sees every plan of the workspace."""

    @property
    def person(self) -> bool:
        """Somebody who signed in is one."""
        return True

    @property
    def csrf(self) -> str:
        """What every form carries."""
        return self.signed_in.csrf

    @property
    def may_sign(self) -> bool:
        """Whether the member may do more than look."""
        return self.role != "viewer"

    @property
    def may_change(self) -> bool:
        """Whether the member may change the workspace itself; `check_owner` and what pages show go by it."""
        return self.role == "owner"

    @property
    def caller(self) -> Caller:
        """The member, by name and id."""
        return member_caller(self.signed_in.person)

    @property
    def how(self) -> str:
        """The way of a signature that the journal names."""
        return way_of(self.signed_in.person)

    @property
    def workspace(self) -> str:
        """The address of the workspace."""
        return f"/w/{self.record.slug}"


def member_caller(person: Person) -> Caller:
    """Somebody who asks by name on these pages."""
    return Caller(_CONSOLE, client=person.label, person=person.id)


def way_of(person: Person) -> str:
    """The way of a signature or a change on these pages that the journal names."""
    return f"{_CONSOLE}, {person.named}"


class MembersDoor:
    """The console's door where people sign in by name: `MemberRequired` has found the session already."""

    left = SIGNED_OUT

    def __init__(self, site: PeopleSite) -> None:
        self._site = site

    async def find(self, request: Request) -> MemberSession | None:
        """The member whose request it is."""
        return cast("MemberSession | None", request.scope.get("deskclerk.session"))

    async def end(self, session: Session) -> None:
        """Sign out."""
        if isinstance(session, MemberSession):
            signed_in = session.signed_in
            await self._site.sessions.end(signed_in.id, signed_in.person.id)


class PersonRequired:
    """ASGI middleware before the pages of whoever is signed in, and forms that are their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its session and its form; send who is not in to sign in."""
        receiving = Receiving(receive)
        request = Request(scope, receiving)
        signed_in = await signed_in_of(request)
        if signed_in is None:
            await _to_sign_in(request)(scope, receive, send)
            return
        scope["deskclerk.signed_in"] = signed_in
        scope["deskclerk.form"] = ImmutableMultiDict[str, str]()
        if request.method not in READS:
            form = await read_form(request)
            if form is None or not same_site(request) or not has_token(form, signed_in.csrf):
                answer = failure(
                    request,
                    "This form did not carry the token of your session: it may come from another page.",
                    "Nothing was done. Reload the page and send it again.",
                    403,
                )
                await answer(scope, receive, send)
                return
            if receiving.waited and await signed_in_of(request) is None:
                await _to_sign_in(request)(scope, receive, send)
                return
            scope["deskclerk.form"] = form
        note = partial(_note, site_of(request), signed_in)
        await reaching.serve(self._app, note, scope, receive, send)


class MemberRequired:
    """ASGI middleware before the pages of a workspace: a member of it, whose forms the pages check.

    `forms` is whether it checks them, as `PersonRequired` does; the console does so itself.
    """

    def __init__(self, app: ASGIApp, *, forms: bool) -> None:
        self._app = PersonRequired(self._within) if forms else self._signed_in
        self._pages = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a member's request on, or refuse it in words."""
        await self._app(scope, receive, send)

    async def _signed_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        signed_in = await signed_in_of(request)
        if signed_in is None:
            await _to_sign_in(request)(scope, receive, send)
            return
        scope["deskclerk.signed_in"] = signed_in
        await self._within(scope, receive, send)

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        site, signed_in = site_of(request), person_of(request)
        record = await site.workspaces.find(scope["path_params"]["slug"])
        role = await site.workspaces.role(record.id, signed_in.person.id) if record else None
        if record is None or role is None:
            # The same whether there is such a workspace or not: its existence is its members' own.
            await _note(site, signed_in, request.url.path)
            await not_here(request)(scope, receive, send)
            return
        home = str(scope.get("root_path", ""))
        scope["deskclerk.session"] = session = MemberSession(signed_in, record, role, home)

        async def note(asked: str) -> None:
            # What a console was opened for has been counted there.
            admitted = ADMITTED in scope
            noting = site.attempts.note_admitted if admitted else site.attempts.note
            await noting(record.id, session.caller, asked)

        await reaching.serve(self._pages, note, scope, receive, send)


async def _note(site: PeopleSite, signed_in: SignedIn, asked: str) -> None:
    """In the asker's own workspaces, who have a colleague to ask; who has none leaves no trace to anybody."""
    caller = member_caller(signed_in.person)
    for record, _ in await site.workspaces.of_person(signed_in.person.id):
        await site.attempts.note(record.id, caller, asked)


def cookie_name(site: PeopleSite) -> str:
    """The session's cookie: by https one that no other host and no http page can set."""
    return "__Host-deskclerk" if site.secure else "deskclerk"


async def signed_in_of(request: Request) -> SignedIn | None:
    """Whose request it is; None for who is not in."""
    site = site_of(request)
    value = request.cookies.get(cookie_name(site), "")
    seen = not request.url.path.endswith(_SCRIPTS_OWN)
    return await site.sessions.find(value, seen=seen) if value else None


def person_of(request: Request) -> SignedIn:
    """Whose request it is, on a page that nobody else sees."""
    return cast("SignedIn", request.scope["deskclerk.signed_in"])


def member_of(request: Request) -> MemberSession:
    """The member whose request it is, on a page of a workspace."""
    return cast("MemberSession", request.scope["deskclerk.session"])


def form_of(request: Request) -> ImmutableMultiDict[str, str]:
    """The fields of a form, whose token has been checked; empty for a GET."""
    return cast("ImmutableMultiDict[str, str]", request.scope["deskclerk.form"])


def _to_sign_in(request: Request) -> Response:
    """To the issuer and back to this page; a form is not sent again by itself."""
    if request.method not in READS:
        return failure(request, "You are signed out.", "Nothing was done. Sign in, then do it again.", 401)
    if request.url.path.endswith(_SCRIPTS_OWN):
        return failure(request, "You are signed out.", "Sign in again.", 401)
    return RedirectResponse(sign_in_path(request), SEE_OTHER)


def sign_in_path(request: Request) -> str:
    """The way in that leads back to this page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/sign-in?to={quote(request.url.path + query, safe='/')}"
