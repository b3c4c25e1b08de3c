"""People: the users and organizations of the instance, to browse and search, and one of them in full."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskclerk.catalogue import READ, Action, GetUser, ListOrganizations, ListUsers, ProposeBulk
from deskclerk.errors import DeskclerkError, InvalidRequest, NotAllowed
from deskclerk.faces.console import profiles
from deskclerk.faces.console.page import ConsolePage, caller_of, desk_of, form_of, may_send, session_of
from deskclerk.faces.console.pages.profile import ROWS, Part, organization, part_of, status_of_list, user
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.console.signing import to_sign

MOST = 500
"""Clerk's largest page."""
LOOKED_THROUGH = 2_000
"""Users of a page of locked ones: Clerk has no filter for them."""
_STATES = {"": "in any state", "banned": "banned", "locked": "locked"}
_SORTS = {
    "users": {
        "": "newest first",
        "created_at": "oldest first",
        "-last_sign_in_at": "last signed in",
        "-last_active_at": "last active",
        "first_name": "first name",
        "last_name": "last name",
        "email_address": "e-mail address",
    },
    "organizations": {
        "": "newest first",
        "created_at": "oldest first",
        "name": "name",
        "-members_count": "most members",
    },
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be done with several users: the writes, how many fit the search, and what was chosen.

    `total` is None where Clerk could not say.
    """

    kinds: tuple[type[Action], ...]
    total: int | None = None
    users: frozenset[str] = frozenset()
    action: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What an address or a form says: a text, a state, an order, and where to go on."""

    given: Mapping[str, str]
    query: str
    state: str
    sort: str

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Search":
        """The search that an address or a form holds."""
        return cls(given, *(given.get(name, "").strip() for name in ("query", "state", "sort")))

    @property
    def where(self) -> dict[str, Any]:
        """The filters that Clerk has for it."""
        return ({"query": self.query} if self.query else {}) | (
            {"banned": True} if self.state == "banned" else {}
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """The filters, the order, and the place to go on from; what is wrong with them the action says."""
        found = self.where | ({"order_by": self.sort} if self.sort else {})
        for place in ("starting_after", "offset"):
            if at := self.given.get(place, ""):
                found[place] = int(at) if place == "offset" and at.isdecimal() else at
        return found

    @property
    def address(self) -> str:
        """The same search in an address, from its first page on."""
        asked = {"query": self.query, "state": self.state, "sort": self.sort}
        return urlencode({name: value for name, value in asked.items() if value}, errors="replace")


async def users(request: Request) -> Response:
    """One page of users, found by `query`; the next by Clerk's cursor."""
    return await _users(request, request.query_params)


async def propose(request: Request) -> Response:
    """A plan for one write on the users that were chosen, or on all that fit the search."""
    form, desk = form_of(request), desk_of(request)
    search = Search.of(form)
    try:
        kind = next((item for item in _kinds(request) if item.spec.name == form.get("action")), None)
        if kind is None:
            raise InvalidRequest("Choose what to do.", next_step="Nothing was sent.")
        if form.get("whom") == "all":
            if search.state == "locked":
                raise InvalidRequest(
                    "Clerk cannot find all who are locked.",
                    next_step="Nothing was sent. Tick those that are meant.",
                )
            lister = await desk.jobs.lister(kind, search.where, {}, caller_of(request))
            return await to_sign(request, await desk.jobs.propose(kind, lister, caller_of(request)))
        chosen = form.getlist("user")
        if not chosen:
            raise InvalidRequest("Nobody was chosen.", next_step="Nothing was sent. Choose some first.")
        return await to_sign(request, await desk.jobs.propose(kind, chosen, caller_of(request)))
    except DeskclerkError as error:
        return await _users(request, form, error)


async def _users(
    request: Request, given: Mapping[str, str], problem: DeskclerkError | None = None
) -> Response:
    """The list of users for what an address or a form says."""
    search, form, kinds = Search.of(given), form_of(request), _kinds(request)
    locked = search.state == "locked"
    part = await (_locked(request, search) if locked else _list(request, ListUsers, search))
    rows = [
        {
            "id": str(item.get("id", "")),
            "name": profiles.full_name(item),
            "about": profiles.first_address(item),
            "marks": [name for name in ("banned", "locked") if item.get(name)],
            "seen": profiles.when(item.get("last_sign_in_at")),
        }
        for item in part.items
    ]
    whole = not part.more and not _begun(search)
    total = None
    if not locked and not part.problem:
        total = len(rows) if whole else await _total(request, search.where)
    choice = Choice(kinds, total, frozenset(map(str, form.getlist("user"))), form.get("action", ""))
    return _show_list(request, "users", part, rows, search, choice=choice, problem=problem)


async def _locked(request: Request, search: Search) -> Part:
    """Locked users: Clerk's largest pages are gone through, so many users at a time."""
    found: list[Any] = []
    looked, onward = 0, None
    try:
        action = ListUsers.parse(search.arguments | {"limit": MOST})
        async with aclosing(desk_of(request).pages(action, caller_of(request))) as pages:
            async for page in pages:
                items = page.value["items"]
                looked += len(items)
                found += [item for item in items if item.get("locked")]
                onward = page.value["next"]
                if looked >= LOOKED_THROUGH or len(found) >= ROWS:
                    break
        if onward and "offset" in onward:
            # A page counts from where the first one began.
            onward = {"offset": (action.offset or 0) + looked}
    except DeskclerkError as error:
        problem = error.as_dict()
        return Part(profiles.loose(found), problem=problem, looked=looked, status=status_of_list(error))
    return Part(profiles.loose(found), urlencode(onward) if onward else "", looked=looked)


async def _total(request: Request, where: dict[str, Any]) -> int | None:
    """How many users fit a search; None where Clerk does not say."""
    try:
        answer = await desk_of(request).perform(
            ListUsers.parse({**where, "limit": 0}), caller=caller_of(request)
        )
    except DeskclerkError:
        return None
    total = answer.value["total"]
    return total if isinstance(total, int) else None


def _kinds(request: Request) -> tuple[type[Action], ...]:
    """The writes that want nothing of a user but who it is; none for who may not ask for jobs."""
    desk = desk_of(request)
    if not may_send(session_of(request), PAGE.path):
        return ()
    try:
        desk.policy.check(ProposeBulk, caller_of(request))
    except NotAllowed:
        return ()
    return tuple(kind for kind in desk.actions(caller_of(request)) if _wants_only_a_user(kind))


def _wants_only_a_user(kind: type[Action]) -> bool:
    spec, names = kind.spec, GetUser.spec.route.names
    if spec.effect is READ or spec.resource is not GetUser.spec.resource or spec.route.names != names:
        return False
    parameters = kind.parameters().values()
    needed = tuple(item.name for item in parameters if item.required)
    return needed == names and not any(item.where == "body" for item in parameters)


async def organizations(request: Request) -> Response:
    """One page of organizations, found by `query`; the next by offset."""
    search = Search.of(request.query_params)
    part = await _list(request, ListOrganizations, search, include_members_count=True)
    rows = [
        {
            "id": str(item.get("id", "")),
            "name": profiles.full_name({"first_name": item.get("name")} | item),
            "about": item.get("slug") or "",
            "members": item.get("members_count"),
            "marks": [],
            "seen": profiles.when(item.get("created_at")),
        }
        for item in part.items
    ]
    return _show_list(request, "organizations", part, rows, search)


async def _list(request: Request, kind: type[Action], search: Search, **more: Any) -> Part:
    """A page of a list; a problem of the search itself is told beside its form."""
    try:
        if search.state not in _STATES:
            raise InvalidRequest("There is no such state.", next_step="Choose one of those that are offered.")
        action = kind.parse(search.arguments | more | {"limit": ROWS})
    except DeskclerkError as error:
        return Part([], problem=error.as_dict())
    return await part_of(request, action)


def _begun(search: Search) -> bool:
    """Whether it is not the first page."""
    return any(name in search.given for name in ("starting_after", "offset"))


def _show_list(
    request: Request,
    kind: str,
    part: Part,
    rows: list[dict[str, Any]],
    search: Search,
    *,
    choice: Choice | None = None,
    problem: DeskclerkError | None = None,
) -> Response:
    kept, home = search.address, "" if kind == "users" else "/organizations"
    status = status_of(problem) if problem else 200
    if part.problem and part.problem["error"] != "invalid_request":
        status = part.status
    return render(
        request,
        "people.html",
        status,
        kind=kind,
        rows=rows,
        problem=part.problem or (problem.as_dict() if problem else None),
        search=search,
        choice=choice,
        total=choice.total if choice else part.total,
        looked=part.looked,
        states=_STATES,
        sorts=_SORTS[kind],
        here_page=f"/people{home}",
        first=f"?{kept}",
        begun=_begun(search),
        more=f"?{kept}{'&' if kept else ''}{part.more}" if part.more else "",
    )


PAGE = ConsolePage(
    "People",
    "/people",
    (
        Route("/people", users, methods=["GET"]),
        Route("/people", propose, methods=["POST"]),
        Route("/people/users/{user_id}", user, methods=["GET"]),
        Route("/people/organizations", organizations, methods=["GET"]),
        Route("/people/organizations/{organization_id}", organization, methods=["GET"]),
    ),
)
