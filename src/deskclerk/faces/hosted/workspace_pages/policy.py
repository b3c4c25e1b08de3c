"""Policy: what may be asked for in the workspace at all, and what a signature wants."""

from typing import Any

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.policy.policy import Policy
from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.hosted.access import form_of, member_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage, check_owner, note_change
from deskclerk.hosted.workspaces.policy import WorkspacePolicy
from deskclerk.hosted.workspaces.store import read_policy
from deskclerk.settings import Rules

_CHOICES = ("access", "confirm", "destructive_by", "destructive_signatures")
_NUMBERS = ("destructive_per_hour", "items_per_job", "approval_seconds")
_SWITCHES = ("read_only", "destructive_passkey", "own_plans")
_LISTS = ("deny",)


async def policy(request: Request, problem: DeskclerkError | None = None) -> Response:
    """The policy in force; what an owner typed stays where it was refused."""
    record = await site_of(request).workspaces.load(member_of(request).record.id)
    shown = record.policy.model_dump(mode="json")
    shown |= {name: "\n".join(shown[name]) for name in _LISTS}
    return render(
        request,
        "policy.html",
        code_of(problem) if problem else 200,
        policy=shown | (_typed(request) if problem else {}),
        problem=problem.as_dict() if problem else None,
        done="done" in request.query_params,
    )


async def change(request: Request) -> Response:
    """Put what the form says in the place of what is in force; what it does not name stays."""
    site, member = site_of(request), member_of(request)
    try:
        check_owner(request)
        before = (await site.workspaces.load(member.record.id)).policy
        typed = _typed(request)
        typed |= {name: tuple(typed[name].split()) for name in _LISTS}
        after = read_policy(before.model_dump() | typed)
        # A name that no action has would keep the desks of the workspace from opening.
        Policy(after.settings("any", SecretStr("sk_test_any"), None, Rules(), {}))
        await site.workspaces.set_policy(member.record.id, after)
    except DeskclerkError as error:
        return await policy(request, error)
    if told := _difference(before, after):
        await note_change(request, f"policy: {told}")
    return RedirectResponse(f"{member.home}/policy?done", SEE_OTHER)


def _typed(request: Request) -> dict[str, Any]:
    form = form_of(request)
    found: dict[str, Any] = {name: form.get(name, "") for name in (*_CHOICES, *_NUMBERS, *_LISTS)}
    return found | {name: name in form for name in _SWITCHES}


def _difference(before: WorkspacePolicy, after: WorkspacePolicy) -> str:
    """What is another now, as `name: old to new`."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return ", ".join(f"{name} from {old[name]} to {new[name]}" for name in new if old[name] != new[name])


PAGE = WorkspacePage(
    "Policy",
    "/policy",
    (Route("/policy", policy, methods=["GET"]), Route("/policy", change, methods=["POST"])),
)
