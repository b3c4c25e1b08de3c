"""Policy: what agents and members may ask for in the workspace, and who signs what; owners change it."""

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.policy.policy import check_patterns
from deskclerk.errors import DeskclerkError, InvalidRequest, InvalidSettings
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.hosted.access import form_of, member_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage, check_owner, note_change
from deskclerk.hosted.limits import WorkspaceLimits
from deskclerk.hosted.workspaces.policy import WorkspacePolicy
from deskclerk.hosted.workspaces.store import read_policy

_LISTS = ("tools", "deny", "toolsets")
_SWITCHES = ("read_only", "destructive_passkey", "own_plans")
_NUMBERS = (
    "destructive_per_hour",
    "items_per_job",
    "approval_seconds",
    "approval_wait",
    "destructive_signatures",
)
_DONE = {"changed": "Changed. It holds from the next request on."}


async def policy(request: Request, problem: DeskclerkError | None = None) -> Response:
    """The policy in force, as a form for owners."""
    record, form = member_of(request).record, form_of(request)
    shown = _shown(record.policy)
    if problem:
        shown |= {name: form.get(name, "") for name in shown if name not in _SWITCHES}
        shown |= {name: name in form for name in _SWITCHES}
    return render(
        request,
        "policy.html",
        code_of(problem) if problem else 200,
        shown=shown,
        choices={name: _choices(name) for name in ("access", "confirm", "secrets", "destructive_by")},
        limits=WorkspaceLimits.stored(record.limits).model_dump(),
        keep_days=record.keep_days,
        done=_DONE.get(request.query_params.get("done", "")),
        problem=problem.as_dict() if problem else None,
    )


async def change(request: Request) -> Response:
    """Put what the form says in the place of the policy that is there."""
    form = form_of(request)
    given: dict[str, Any] = {name: form.get(name, "") for name in (*_LISTS, *_NUMBERS)}
    given |= {name: form.get(name, "") for name in ("access", "confirm", "secrets", "destructive_by")}
    given |= {name: name in form for name in _SWITCHES}
    try:
        check_owner(request)
        wanted = read_policy(given)
        try:
            check_patterns("the policy", wanted)
        except InvalidSettings as error:
            raise InvalidRequest(error.message, next_step=error.next_step) from None
        await site_of(request).workspaces.set_policy(member_of(request).record.id, wanted)
    except DeskclerkError as error:
        return await policy(request, error)
    if told := _difference(member_of(request).record.policy, wanted):
        await note_change(request, f"policy: {told}")
    return RedirectResponse(f"{member_of(request).home}/policy?done=changed", SEE_OTHER)


def _shown(policy: WorkspacePolicy) -> dict[str, Any]:
    values = policy.model_dump()
    return {name: ", ".join(value) if name in _LISTS else value for name, value in values.items()}


def _difference(before: WorkspacePolicy, after: WorkspacePolicy) -> str:
    """What is another now, as `name from old to new`."""
    old, new = _shown(before), _shown(after)
    return ", ".join(f"{name} from {old[name]} to {new[name]}" for name in new if old[name] != new[name])


def _choices(name: str) -> tuple[str, ...]:
    return get_args(WorkspacePolicy.model_fields[name].annotation)


PAGE = WorkspacePage(
    "Policy",
    "/policy",
    (Route("/policy", policy, methods=["GET"]), Route("/policy", change, methods=["POST"])),
)
