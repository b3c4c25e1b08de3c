"""People: the users and organizations of the instance, to browse and search, and one of them in full."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskclerk.catalogue import (
    Action,
    GetOrganization,
    GetUser,
    ListOrganizations,
    ListOrgInvitations,
    ListOrgMemberships,
    ListSessions,
    ListUsers,
)
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import DeskclerkError
from deskclerk.faces.console import profiles
from deskclerk.faces.console.page import ConsolePage, console_of, desk_of
from deskclerk.faces.console.plan_card import FACES
from deskclerk.faces.console.rendering import render
from deskclerk.faces.console.sessions import CALLER

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


async def users(request: Request) -> Response:
    """One page of users, found by `query`; the next by Clerk's cursor."""
    asked = _asked(request) | {"banned": bool(request.query_params.get("banned"))}
    part = await _list(request, ListUsers, asked, "starting_after")
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
    return _show_list(request, "users", part, rows, asked)


async def organizations(request: Request) -> Response:
    """One page of organizations, found by `query`; the next by offset."""
    asked = _asked(request)
    part = await _list(request, ListOrganizations, asked | {"include_members_count": True}, "offset")
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
    return _show_list(request, "organizations", part, rows, asked)


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


def _asked(request: Request) -> dict[str, Any]:
    return {"query": request.query_params.get("query", "").strip()}


async def _list(request: Request, kind: type[Action], asked: dict[str, Any], place: str) -> Part:
    """A page of a list; a problem of the search itself is told beside its form."""
    given: dict[str, Any] = {name: value for name, value in asked.items() if value} | {"limit": _ROWS}
    at = request.query_params.get(place, "")
    if at:
        given[place] = int(at) if place == "offset" and at.isdecimal() else at
    try:
        action = kind.parse(given)
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
    request: Request, kind: str, part: Part, rows: list[dict[str, Any]], asked: dict[str, Any]
) -> Response:
    kept = urlencode({name: "true" if value is True else value for name, value in asked.items() if value})
    return render(
        request,
        "people.html",
        502 if part.problem and part.problem["error"] != "invalid_request" else 200,
        kind=kind,
        rows=rows,
        problem=part.problem,
        asked=asked,
        first=f"?{kept}",
        begun=any(name in request.query_params for name in ("starting_after", "offset")),
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
        Route("/people/users/{user_id}", user, methods=["GET"]),
        Route("/people/organizations", organizations, methods=["GET"]),
        Route("/people/organizations/{organization_id}", organization, methods=["GET"]),
    ),
)
