"""A workspace's first page: its instances, whose consoles are where people sign."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskclerk.faces.hosted.access import form_of, member_of, person_of
from deskclerk.faces.hosted.rendering import render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage


async def overview(request: Request) -> Response:
    """The instances of the workspace."""
    record = member_of(request).record
    instances = await site_of(request).workspaces.instances(record.id)
    return render(request, "overview.html", instances=instances)


async def ask_passkey(request: Request) -> Response:
    """What the browser is told to have a passkey sign a plan as it is shown, for the page's script."""
    form = form_of(request)
    options = await site_of(request).passkeys.ask_about(
        person_of(request).person, form.get("plan", ""), form.get("digest", "")
    )
    return Response(options, media_type="application/json")


PAGE = WorkspacePage(
    "Instances",
    "/",
    (Route("/", overview, methods=["GET"]), Route("/passkey", ask_passkey, methods=["POST"])),
)
