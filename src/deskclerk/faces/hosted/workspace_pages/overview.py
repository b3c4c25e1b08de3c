"""A workspace's first page: its instances, where people sign, and whose keys owners enter."""

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.plans.store import PlanStore
from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.hosted.access import form_of, member_of, person_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage, check_owner, note_change

_DONE = {
    "kept": "The key is sealed and kept. Its console is below: what it shows comes with that key.",
    "replaced": "The new key is sealed and kept in the place of the old one. What waits goes on with it.",
    "removed": "The instance is forgotten, with its key, its secrets and what waited. "
    "What was done stays in the journal.",
}


async def overview(request: Request, problem: DeskclerkError | None = None) -> Response:
    """The instances of the workspace."""
    record = member_of(request).record
    instances = await site_of(request).workspaces.instances(record.id)
    form = form_of(request)
    return render(
        request,
        "overview.html",
        code_of(problem) if problem else 200,
        instances=instances,
        # A key that was typed is never sent back.
        given={"name": form.get("name", ""), "api_url": form.get("api_url", "")} if problem else {},
        done=_DONE.get(request.query_params.get("done", "")),
        problem=problem.as_dict() if problem else None,
    )


async def keep(request: Request) -> Response:
    """Add an instance."""
    form, member = form_of(request), member_of(request)
    try:
        check_owner(request)
        kept = await site_of(request).keys.add(
            member.record.id,
            member.caller,
            form.get("name", "").strip(),
            SecretStr(form.get("secret_key", "").strip()),
            form.get("api_url", "").strip() or None,
        )
        await note_change(request, f"entered a {kept.kind} key for the instance {kept.name}")
    except DeskclerkError as error:
        return await overview(request, error)
    return _onward(request, "kept")


async def replace_key(request: Request) -> Response:
    """Put a new key in the place of the one that an instance has."""
    form, member = form_of(request), member_of(request)
    try:
        check_owner(request)
        key = SecretStr(form.get("secret_key", "").strip())
        kept = await site_of(request).keys.replace(member.record.id, member.caller, form.get("name", ""), key)
        what = f"put another {kept.kind} key in the place of that of the instance {kept.name}"
        await note_change(request, what)
    except DeskclerkError as error:
        return await overview(request, error)
    return _onward(request, "replaced")


async def remove(request: Request) -> Response:
    """Forget an instance, with all that is there of it but the journal."""
    try:
        check_owner(request)
        name = form_of(request).get("name", "")
        gone = await site_of(request).workspaces.remove_instance(member_of(request).record.id, name)
        what = f"plans dismissed: {gone.plans}, jobs cancelled: {gone.jobs}"
        await note_change(
            request, f"removed the instance {name} with its key, secrets and hand-overs; {what}"
        )
    except DeskclerkError as error:
        return await overview(request, error)
    return _onward(request, "removed")


async def ask_passkey(request: Request) -> Response:
    """What the browser is told to have a passkey sign a plan as it is shown, for the page's script."""
    form, site = form_of(request), site_of(request)
    plans = PlanStore(Journal(site.hosted.storage(member_of(request).record.id)))
    # One of this workspace: a passkey is asked about nothing else here.
    plan = (await plans.load(form.get("plan", ""))).plan
    options = await site.passkeys.ask_about(person_of(request).person, plan.id, form.get("digest", ""))
    return Response(options, media_type="application/json")


def _onward(request: Request, done: str) -> Response:
    return RedirectResponse(f"{member_of(request).home}/?done={done}", SEE_OTHER)


PAGE = WorkspacePage(
    "Instances",
    "/",
    (
        Route("/", overview, methods=["GET"]),
        Route("/instances", keep, methods=["POST"]),
        Route("/instances/key", replace_key, methods=["POST"]),
        Route("/instances/remove", remove, methods=["POST"]),
        Route("/passkey", ask_passkey, methods=["POST"]),
    ),
)
