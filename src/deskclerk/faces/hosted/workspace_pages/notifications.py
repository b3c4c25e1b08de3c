"""Notifications: where people are told that something waits for them; owners set it, and nobody reads it."""

import asyncio
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.console.plan_card import ago, iso_time
from deskclerk.faces.hosted.access import form_of, member_of, person_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage, check_owner, note_change
from deskclerk.hosted.notifications.addresses import KINDS
from deskclerk.hosted.notifications.destinations import MOST, Told

_DONE = {
    "added": "The destination is set, and its address sealed. Send it a test message.",
    "removed": "Removed, and its address forgotten.",
    "tested": "What became of the test message stands beside its destination.",
}
_LOOKS, _LOOK_SECONDS = 20, 0.25
"""How often is looked for what became of a test message before the page is shown without it."""


@dataclass(frozen=True, slots=True)
class _Last:
    """What became of the last message, as the page has it."""

    outcome: str
    why: str
    at: str
    ago: str

    @classmethod
    def of(cls, told: Told | None) -> "_Last | None":
        if told is None:
            return None
        outcome = told.outcome or ("to be tried again" if told.why else "under way")
        return cls(outcome, told.why or "", iso_time(told.at), ago(told.at))


async def notifications(request: Request, problem: DeskclerkError | None = None) -> Response:
    """The destinations, and what became of the last message to each."""
    form = form_of(request)
    found = await site_of(request).destinations.listed(member_of(request).record.id)
    return render(
        request,
        "notifications.html",
        code_of(problem) if problem else 200,
        destinations=[
            {"id": item.id, "name": item.name, "kind": item.kind, "last": _Last.of(item.last)}
            for item in found
        ],
        most=MOST,
        kinds=KINDS,
        # What was typed as an address or a secret is never sent back.
        given={"name": form.get("name", ""), "kind": form.get("kind", "")} if problem else {},
        done=_DONE.get(request.query_params.get("done", "")),
        problem=problem.as_dict() if problem else None,
    )


async def add(request: Request) -> Response:
    """Set a destination."""
    form = form_of(request)
    secret = form.get("secret", "").strip()
    try:
        check_owner(request)
        made = await site_of(request).destinations.add(
            member_of(request).record.id,
            form.get("name", "").strip(),
            form.get("kind", ""),
            address=SecretStr(form.get("address", "").strip()),
            secret=SecretStr(secret) if secret else None,
            by=person_of(request).person.id,
        )
        await note_change(request, f"set the destination {made.name} ({made.kind}, {made.id})")
    except DeskclerkError as error:
        return await notifications(request, error)
    return _onward(request, "added")


async def remove(request: Request) -> Response:
    """Forget a destination."""
    try:
        check_owner(request)
        destination = form_of(request).get("id", "")
        name = await site_of(request).destinations.remove(member_of(request).record.id, destination)
        await note_change(request, f"removed the destination {name} ({destination})")
    except DeskclerkError as error:
        return await notifications(request, error)
    return _onward(request, "removed")


async def test(request: Request) -> Response:
    """Have a test message sent, and wait a moment for what becomes of it."""
    places, workspace = site_of(request).destinations, member_of(request).record.id
    try:
        check_owner(request)
        destination = form_of(request).get("id", "")
        message, name = await places.test(workspace, destination)
        await note_change(request, f"had a test message sent to the destination {name} ({destination})")
        for _ in range(_LOOKS):
            told = await places.told(workspace, message)
            if told is None or told.outcome:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    except DeskclerkError as error:
        return await notifications(request, error)
    return _onward(request, "tested")


def _onward(request: Request, done: str) -> Response:
    return RedirectResponse(f"{member_of(request).home}/notifications?done={done}", SEE_OTHER)


PAGE = WorkspacePage(
    "Notifications",
    "/notifications",
    (
        Route("/notifications", notifications, methods=["GET"]),
        Route("/notifications", add, methods=["POST"]),
        Route("/notifications/remove", remove, methods=["POST"]),
        Route("/notifications/test", test, methods=["POST"]),
    ),
)
