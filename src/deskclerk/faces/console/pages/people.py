"""People: the users and organizations of the instance, to browse and search, and one of them in full."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskclerk.catalogue import (
    READ,
    Action,
    GetOrganization,
    GetUser,
    ListOrganizations,
    ListOrgInvitations,
    ListOrgMemberships,
    ListSessions,
    ListUsers,
    ProposeBulk,
)
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import DeskclerkError, InvalidRequest, NotAllowed
from deskclerk.faces.console import profiles
from deskclerk.faces.console.page import ConsolePage, console_of, desk_of, form_of
from deskclerk.faces.console.plan_card import FACES
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.console.sessions import CALLER
from deskclerk.faces.console.signing import to_sign

_ROWS = 25
_MOST_LINES = 12
_ENTRIES = 200
_EVERYTHING = ["*"]


@dataclass(frozen=True, slots=True)
class Part:
    """One section of a page: its items, the query that shows more, and what went wrong instead."""

    items: list[Any]
    more: str = ""
    problem: dict[str, Any] | None = None


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
    """What an address or a form says, and the filters in it."""

    given: Mapping[str, str]
    asked: dict[str, Any]


async def users(request: Request) -> Response:
    """One page of users, found by `query`; the next by Clerk's cursor."""
    return await _users(request, request.query_params)


async def propose(request: Request) -> Response:
    """A plan for one write on the users that were chosen, or on all that fit the search."""
    form, desk = form_of(request), desk_of(request)
    try:
        kind = next((item for item in _kinds(request) if item.spec.name == form.get("action")), None)
        if kind is None:
            raise InvalidRequest("Choose what to do.", next_step="Nothing was sent.")
        if form.get("whom") == "all":
            where = {name: value for name, value in _of_users(form).items() if value}
            lister = await desk.jobs.lister(kind, where, {}, CALLER)
            return await to_sign(request, await desk.jobs.propose(kind, lister, CALLER))
        chosen = form.getlist("user")
        if not chosen:
            raise InvalidRequest("Nobody was chosen.", next_step="Nothing was sent. Choose some first.")
        return await to_sign(request, await desk.jobs.propose(kind, chosen, CALLER))
    except DeskclerkError as error:
        return await _users(request, form, error)


async def _users(
    request: Request, given: Mapping[str, str], problem: DeskclerkError | None = None
) -> Response:
    """The list of users for what an address or a form says."""
    search, form, kinds = Search(given, _of_users(given)), form_of(request), _kinds(request)
    part = await _list(request, ListUsers, search, search.asked, "starting_after")
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
    whole = not part.more and not given.get("starting_after")
    choice = Choice(
        kinds,
        len(rows) if whole or not kinds else await _total(request, search.asked),
        frozenset(map(str, form.getlist("user"))),
        form.get("action", ""),
    )
    return _show_list(request, "users", part, rows, search, choice=choice, problem=problem)


async def _total(request: Request, asked: dict[str, Any]) -> int | None:
    """How many users fit a search; None where Clerk does not say."""
    where = {name: value for name, value in asked.items() if value}
    try:
        answer = await desk_of(request).perform(ListUsers.parse({**where, "limit": 0}), caller=CALLER)
    except DeskclerkError:
        return None
    total = answer.value["total"]
    return total if isinstance(total, int) else None


def _kinds(request: Request) -> tuple[type[Action], ...]:
    """The writes that want nothing of a user but who it is; none where nobody may ask for jobs."""
    desk = desk_of(request)
    try:
        desk.policy.check(ProposeBulk, CALLER)
    except NotAllowed:
        return ()
    return tuple(kind for kind in desk.actions(CALLER) if _wants_only_a_user(kind))


def _wants_only_a_user(kind: type[Action]) -> bool:
    spec, names = kind.spec, GetUser.spec.route.names
    if spec.effect is READ or spec.resource is not GetUser.spec.resource or spec.route.names != names:
        return False
    parameters = kind.parameters().values()
    needed = tuple(item.name for item in parameters if item.required)
    return needed == names and not any(item.where == "body" for item in parameters)


def _of_users(given: Mapping[str, str]) -> dict[str, Any]:
    """The search for users that an address or a form holds."""
    return _asked(given) | {"banned": bool(given.get("banned"))}


async def organizations(request: Request) -> Response:
    """One page of organizations, found by `query`; the next by offset."""
    search = Search(request.query_params, _asked(request.query_params))
    asked = search.asked | {"include_members_count": True}
    part = await _list(request, ListOrganizations, search, asked, "offset")
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


async def user(request: Request) -> Response:
    """A user: addresses, memberships, sessions, metadata, and what the journal knows."""
    desk, user_id = desk_of(request), request.path_params["user_id"]
    item = profiles.loose(
        (await desk.perform(GetUser(user_id=user_id, fields=_EVERYTHING), caller=CALLER)).value
    )
    belongs, sessions, lines = await asyncio.gather(
        _part(request, ListOrganizations(user_id=[user_id], limit=50)),
        _part(request, ListSessions(user_id=user_id, limit=20)),
        _journal(request, user_id),
    )
    return render(
        request,
        "user.html",
        user=item,
        id=user_id,
        name=profiles.full_name(item),
        addresses=profiles.addresses(item),
        accounts=profiles.accounts(item),
        belongs=belongs,
        sessions=sessions,
        metadata=profiles.metadata(item),
        lines=lines,
        steps=_steps(request, ("user_id",), item),
        revoke=_steps(request, ("session_id",)),
        when=profiles.when,
        device_of=profiles.device_of,
    )


async def organization(request: Request) -> Response:
    """An organization: its members, its invitations, metadata, and what the journal knows."""
    desk, organization_id = desk_of(request), request.path_params["organization_id"]
    asked = GetOrganization(organization_id=organization_id, include_members_count=True, fields=_EVERYTHING)
    item = profiles.loose((await desk.perform(asked, caller=CALLER)).value)
    organization_id = str(item.get("id", organization_id))
    at = request.query_params.get("offset", "")
    offset = int(at) if at.isdecimal() else None
    members, invitations, lines = await asyncio.gather(
        _part(request, ListOrgMemberships(organization_id=organization_id, limit=_ROWS, offset=offset)),
        _part(request, ListOrgInvitations(organization_id=organization_id, limit=50)),
        _journal(request, organization_id),
    )
    return render(
        request,
        "organization.html",
        organization=item,
        id=organization_id,
        name=profiles.full_name({"first_name": item.get("name")} | item),
        members=members,
        invitations=invitations,
        metadata=profiles.metadata(item),
        lines=lines,
        steps=_steps(request, ("organization_id",)),
        change=_steps(request, ("organization_id", "user_id")),
        revoke=_steps(request, ("organization_id", "invitation_id")),
        name_of=profiles.full_name,
        when=profiles.when,
    )


def _asked(given: Mapping[str, str]) -> dict[str, Any]:
    return {"query": given.get("query", "").strip()}


async def _list(
    request: Request, kind: type[Action], search: Search, asked: dict[str, Any], place: str
) -> Part:
    """A page of a list; a problem of the search itself is told beside its form."""
    arguments: dict[str, Any] = {name: value for name, value in asked.items() if value} | {"limit": _ROWS}
    at = search.given.get(place, "")
    if at:
        arguments[place] = int(at) if place == "offset" and at.isdecimal() else at
    try:
        action = kind.parse(arguments)
    except DeskclerkError as error:
        return Part([], problem=error.as_dict())
    return await _part(request, action)


async def _part(request: Request, action: Action) -> Part:
    try:
        answer = await desk_of(request).perform(action, caller=CALLER)
    except DeskclerkError as error:
        return Part([], problem=error.as_dict())
    onward = answer.value["next"]
    return Part(profiles.loose(answer.value["items"]), urlencode(onward) if onward else "")


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
    given, asked = search.given, search.asked
    kept = urlencode({name: "true" if value is True else value for name, value in asked.items() if value})
    home = "" if kind == "users" else "/organizations"
    status = status_of(problem) if problem else 200
    if part.problem and part.problem["error"] != "invalid_request":
        status = 502
    return render(
        request,
        "people.html",
        status,
        kind=kind,
        rows=rows,
        problem=part.problem or (problem.as_dict() if problem else None),
        asked=asked,
        choice=choice,
        place=given.get("starting_after", ""),
        here_page=f"/people{home}",
        first=f"?{kept}",
        begun=any(name in given for name in ("starting_after", "offset")),
        more=f"?{kept}{'&' if kept else ''}{part.more}" if part.more else "",
    )


async def _journal(request: Request, target: str) -> list[dict[str, Any]]:
    """The last things that were asked for and would change this target, the newest first."""
    desk = desk_of(request)
    entries = await desk.journal.entries(
        EntryFilter(target=target, instance=desk.instance.id), limit=_ENTRIES
    )
    lines = [entry for entry in reversed(entries) if entry["kind"] != "read"]
    return [
        entry | {"when": profiles.when(entry["at"]), "by": entry["client"] or FACES.get(entry["face"], "")}
        for entry in lines[:_MOST_LINES]
    ]


def _steps(
    request: Request, names: tuple[str, ...], item: dict[str, Any] | None = None
) -> list[profiles.Step]:
    """Links to the forms of actions, where the console has these."""
    if not any(page.path == "/actions" for page in console_of(request).pages):
        return []
    return profiles.steps(desk_of(request), names, item)


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
