"""One user or one organization in full, and what an agent who reads the same is shown of it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from deskclerk.catalogue import (
    Action,
    GetOrganization,
    GetUser,
    ListOrgInvitations,
    ListOrgMemberships,
    ListSessions,
    ListUserMemberships,
)
from deskclerk.desk import Answer, Caller
from deskclerk.desk.caller import MODELS
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.policy.policy import Permission
from deskclerk.errors import ClerkError, DeskclerkError
from deskclerk.faces.console import profiles
from deskclerk.faces.console.journal_view import pretty
from deskclerk.faces.console.page import caller_of, console_of, desk_of, may_send, session_of
from deskclerk.faces.console.plan_card import FACES
from deskclerk.faces.console.rendering import render, status_of

ROWS = 25
_MOST_LINES = 12
_ENTRIES = 200
_OF_A_MEMBERSHIP = ["role", "role_name", "organization.id", "organization.name", "organization.slug"]


@dataclass(frozen=True, slots=True)
class Part:
    """One section of a page: its items, the query that shows more, and what went wrong instead.

    `total` is how many there are, where Clerk says so, `looked` how many were looked through for them,
    `status` the HTTP status of a page that has nothing else.
    """

    items: list[Any]
    more: str = ""
    total: int | None = None
    looked: int = 0
    problem: dict[str, Any] | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class AgentView:
    """What an agent is shown beside what Clerk has; `denied` says why it is shown nothing."""

    call: str
    shown: str
    whole: str
    characters: int
    of: int
    notes: tuple[str, ...]
    denied: str


def agent_view(request: Request, action: Action, whole: Answer, shown: Answer) -> AgentView:
    """Both forms of one answer, to lie side by side."""
    verdict = desk_of(request).policy.verdict(type(action), Caller(MODELS))
    return AgentView(
        call=f"{action.spec.name} {json.dumps(action.arguments(), ensure_ascii=False)}",
        shown=pretty(shown.value),
        whole=pretty(whole.value),
        characters=len(shown.text),
        of=len(whole.text),
        notes=shown.notes,
        denied=verdict.why if verdict.permission is Permission.DENY else "",
    )


async def user(request: Request) -> Response:
    """A user: addresses, memberships, sessions, metadata, and what the journal knows."""
    desk, user_id = desk_of(request), request.path_params["user_id"]
    asked = GetUser(user_id=user_id)
    whole, shown = await desk.compare(asked, caller_of(request))
    item = profiles.loose(whole.value)
    belongs, sessions, lines = await asyncio.gather(
        part_of(request, ListUserMemberships(user_id=user_id, limit=50, fields=_OF_A_MEMBERSHIP)),
        part_of(request, ListSessions(user_id=user_id, limit=20)),
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
        agent=agent_view(request, asked, whole, shown),
        steps=_steps(request, ("user_id",), item),
        revoke=_steps(request, ("session_id",)),
        when=profiles.when,
        device_of=profiles.device_of,
    )


async def organization(request: Request) -> Response:
    """An organization: its members, its invitations, metadata, and what the journal knows."""
    desk, organization_id = desk_of(request), request.path_params["organization_id"]
    asked = GetOrganization(organization_id=organization_id, include_members_count=True)
    whole, shown = await desk.compare(asked, caller_of(request))
    item = profiles.loose(whole.value)
    organization_id = str(item.get("id", organization_id))
    at = request.query_params.get("offset", "")
    offset = int(at) if at.isdecimal() else None
    members, invitations, lines = await asyncio.gather(
        part_of(request, ListOrgMemberships(organization_id=organization_id, limit=ROWS, offset=offset)),
        part_of(request, ListOrgInvitations(organization_id=organization_id, limit=50)),
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
        agent=agent_view(request, asked, whole, shown),
        steps=_steps(request, ("organization_id",)),
        change=_steps(request, ("organization_id", "user_id")),
        revoke=_steps(request, ("organization_id", "invitation_id")),
        name_of=profiles.full_name,
        when=profiles.when,
    )


def status_of_list(error: DeskclerkError) -> int:
    """The HTTP status of a list that there is not; a page is there, whatever Clerk says of what it lists."""
    return 502 if isinstance(error, ClerkError) else status_of(error)


async def part_of(request: Request, action: Action) -> Part:
    """One section's list; what went wrong stands in its place."""
    try:
        answer = await desk_of(request).perform(action, caller=caller_of(request))
    except DeskclerkError as error:
        return Part([], problem=error.as_dict(), status=status_of_list(error))
    onward = answer.value["next"]
    return Part(
        profiles.loose(answer.value["items"]), urlencode(onward) if onward else "", answer.value["total"]
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
) -> Sequence[profiles.Step]:
    """Links to the forms of actions, where the console has these."""
    if not any(page.path == "/actions" for page in console_of(request).pages):
        return []
    found = profiles.steps(desk_of(request), caller_of(request), names, item)
    return [step for step in found if may_send(session_of(request), f"/actions/{step.name}")]
