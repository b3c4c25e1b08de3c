"""An invitation's link: what it is for, and the button that accepts it."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.hosted.access import member_caller, person_of
from deskclerk.faces.hosted.rendering import render
from deskclerk.faces.hosted.site import site_of
from deskclerk.hosted.changes import JournalledChanges


async def show(request: Request) -> Response:
    """Which workspace it is for, and as what; nothing is accepted by looking."""
    site, value = site_of(request), request.path_params["value"]
    found = await site.invitations.find(value, person_of(request).person)
    workspace = await site.workspaces.load(found.workspace)
    return render(request, "invitation.html", workspace=workspace, role=found.role, value=value)


async def accept(request: Request) -> Response:
    """Become a member."""
    site = site_of(request)
    person = person_of(request).person
    found = await site.invitations.accept(request.path_params["value"], person)
    changes, caller = JournalledChanges(site.hosted), member_caller(person)
    await changes.note(
        found.workspace, caller, f"invitation, {person.named}", f"{person.id} joined as {found.role}"
    )
    workspace = await site.workspaces.load(found.workspace)
    return RedirectResponse(f"/w/{workspace.slug}/", SEE_OTHER)


ROUTES: tuple[BaseRoute, ...] = (
    Route("/invitations/{value}", show, methods=["GET"]),
    Route("/invitations/{value}", accept, methods=["POST"]),
)
"""What is served to everybody who is in."""
