"""Members: who belongs to the workspace, as what, and who is invited."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.time_and_ids import now
from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.console.plan_card import ago, iso_time, span
from deskclerk.faces.hosted.access import form_of, member_of, person_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage, check_owner, note_change
from deskclerk.hosted.people.members import Members, read_role
from deskclerk.hosted.workspaces.policy import ROLES

_DONE = {
    "role": "The role is changed.",
    "removed": "Removed: the person has no way in any more.",
    "taken-back": "The invitation is taken back.",
}


async def members(request: Request, problem: DeskclerkError | None = None, link: str = "") -> Response:
    """Everybody in the workspace; `link` is that of an invitation just made, shown this once."""
    site, member = site_of(request), member_of(request)
    found = [
        {
            "id": item.person.id,
            "label": item.person.label,
            "email": item.person.email or "",
            "role": item.role,
            "came": ago(item.created_at),
            "at": iso_time(item.created_at),
            "me": item.person.id == person_of(request).person.id,
        }
        for item in await Members(site.hosted, member.record.id).list()
    ]
    waiting = [
        {"id": item.id, "email": item.email, "role": item.role, "left": span(item.expires_at - now())}
        for item in await site.invitations.waiting(member.record.id)
    ]
    return render(
        request,
        "members.html",
        code_of(problem) if problem else 200,
        members=found,
        waiting=waiting,
        roles=ROLES,
        link=link,
        given=form_of(request),
        done=_DONE.get(request.query_params.get("done", "")),
        problem=problem.as_dict() if problem else None,
    )


async def invite(request: Request) -> Response:
    """Make an invitation; its link is on the page that answers, and nowhere else."""
    site, form = site_of(request), form_of(request)
    try:
        check_owner(request)
        made, value = await site.invitations.invite(
            member_of(request).record.id,
            form.get("email", ""),
            read_role(form.get("role", "")),
            person_of(request).person.id,
        )
        await note_change(request, f"invited {made.email} as {made.role}")
    except DeskclerkError as error:
        return await members(request, error)
    return await members(request, link=f"{site.public_url}/invitations/{value}")


async def take_back(request: Request) -> Response:
    """Make an invitation's link good for nothing."""
    try:
        check_owner(request)
        invitation = form_of(request).get("id", "")
        await site_of(request).invitations.take_back(member_of(request).record.id, invitation)
        await note_change(request, f"took the invitation {invitation} back")
    except DeskclerkError as error:
        return await members(request, error)
    return _onward(request, "taken-back")


async def set_role(request: Request) -> Response:
    """Change what a member is."""
    form = form_of(request)
    try:
        check_owner(request)
        person, role = form.get("id", ""), read_role(form.get("role", ""))
        await _members(request).set_role(person, role)
        await note_change(request, f"made {person} {role}")
    except DeskclerkError as error:
        return await members(request, error)
    return _onward(request, "role")


async def remove(request: Request) -> Response:
    """Take a member out: an owner does, and everybody themselves."""
    person = form_of(request).get("id", "")
    myself = person == person_of(request).person.id
    try:
        if not myself:
            check_owner(request)
        await _members(request).remove(person)
        await note_change(request, f"took {person} out")
    except DeskclerkError as error:
        return await members(request, error)
    return RedirectResponse("/", SEE_OTHER) if myself else _onward(request, "removed")


def _members(request: Request) -> Members:
    return Members(site_of(request).hosted, member_of(request).record.id)


def _onward(request: Request, done: str) -> Response:
    return RedirectResponse(f"{member_of(request).home}/members?done={done}", SEE_OTHER)


PAGE = WorkspacePage(
    "Members",
    "/members",
    (
        Route("/members", members, methods=["GET"]),
        Route("/members/invite", invite, methods=["POST"]),
        Route("/members/take-back", take_back, methods=["POST"]),
        Route("/members/role", set_role, methods=["POST"]),
        Route("/members/remove", remove, methods=["POST"]),
    ),
)
