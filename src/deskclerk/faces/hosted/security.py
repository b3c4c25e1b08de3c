"""Security: a person's own passkeys, and the browsers in which they are signed in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.console.plan_card import ago, iso_time
from deskclerk.faces.hosted.access import form_of, member_caller, person_of, way_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.sign_in import signed_out
from deskclerk.faces.hosted.site import site_of
from deskclerk.hosted.changes import JournalledChanges

_PAGE = "/security"
_DONE = {"added": "The passkey is yours now.", "removed": "Removed.", "ended": "That browser is signed out."}


async def security(request: Request, problem: DeskclerkError | None = None) -> Response:
    """The passkeys and sessions of whoever looks."""
    site, signed_in = site_of(request), person_of(request)
    passkeys = [
        {
            "id": item.id,
            "name": item.name,
            "made": ago(item.created_at),
            "at": iso_time(item.created_at),
            "used": ago(item.last_used_at) if item.last_used_at else "never",
        }
        for item in await site.passkeys.of(signed_in.person.id)
    ]
    sessions = [
        {
            "id": item.id,
            "browser": item.browser or "a browser that does not say what it is",
            "began": ago(item.created_at),
            "at": iso_time(item.created_at),
            "seen": ago(item.last_seen_at),
            "this": item.id == signed_in.id,
        }
        for item in await site.sessions.of(signed_in.person.id)
    ]
    return render(
        request,
        "security.html",
        code_of(problem) if problem else 200,
        passkeys=passkeys,
        sessions=sessions,
        problem=problem.as_dict() if problem else None,
        done=_DONE.get(request.query_params.get("done", "")),
    )


async def ask_for_passkey(request: Request) -> Response:
    """What the browser is told to make a passkey, for the page's script."""
    options = await site_of(request).passkeys.ask_for_new(person_of(request).person)
    return Response(options, media_type="application/json")


async def ask_about_change(request: Request) -> Response:
    """What the browser is told to have a passkey say yes to another, or to the removal of `id`."""
    site, person = site_of(request), person_of(request).person
    options = await site.passkeys.ask_about_change(person, form_of(request).get("id", ""))
    return Response(options, media_type="application/json")


async def add_passkey(request: Request) -> Response:
    """Keep the passkey that the browser made."""
    form, signed_in = form_of(request), person_of(request)
    try:
        made = await site_of(request).passkeys.add(
            signed_in.person,
            form.get("passkey", ""),
            form.get("name", ""),
            yes=form.get("yes", ""),
            fresh=signed_in.fresh,
        )
        await _note(request, f"added a passkey of their own ({made.id}): {made.name}")
    except DeskclerkError as error:
        return await security(request, error)
    return RedirectResponse(f"{_PAGE}?done=added", SEE_OTHER)


async def remove_passkey(request: Request) -> Response:
    """Forget a passkey."""
    form = form_of(request)
    try:
        gone = await site_of(request).passkeys.remove(
            person_of(request).person.id, form.get("id", ""), form.get("yes", "")
        )
        await _note(request, f"removed a passkey of their own ({gone.id}): {gone.name}")
    except DeskclerkError as error:
        return await security(request, error)
    return RedirectResponse(f"{_PAGE}?done=removed", SEE_OTHER)


async def _note(request: Request, what: str) -> None:
    """In every workspace of the person: with a passkey they may sign in each."""
    site, person = site_of(request), person_of(request).person
    changes = JournalledChanges(site.hosted)
    for record, _ in await site.workspaces.of_person(person.id):
        await changes.note(record.id, member_caller(person), way_of(person), what)


async def end_session(request: Request) -> Response:
    """Sign one browser out: this one, or another."""
    site, signed_in = site_of(request), person_of(request)
    chosen = form_of(request).get("id", "")
    await site.sessions.end(chosen, signed_in.person.id)
    if chosen == signed_in.id:
        return signed_out(site)
    return RedirectResponse(f"{_PAGE}?done=ended", SEE_OTHER)


async def end_all_sessions(request: Request) -> Response:
    """Sign out everywhere, here too."""
    site = site_of(request)
    await site.sessions.end_all(person_of(request).person.id)
    return signed_out(site)


ROUTES: tuple[BaseRoute, ...] = (
    Route("/security", security, methods=["GET"]),
    Route("/security/passkeys/ask", ask_for_passkey, methods=["POST"]),
    Route("/security/passkeys/confirm", ask_about_change, methods=["POST"]),
    Route("/security/passkeys", add_passkey, methods=["POST"]),
    Route("/security/passkeys/remove", remove_passkey, methods=["POST"]),
    Route("/security/sessions/end", end_session, methods=["POST"]),
    Route("/security/sessions/end-all", end_all_sessions, methods=["POST"]),
)
"""What is served to everybody who is in."""
