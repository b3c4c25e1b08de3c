"""Sandbox: the controls of the local Clerk, where it is the instance."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.errors import DeskclerkError, InvalidRequest
from deskclerk.faces.console.page import ConsolePage, desk_of, form_of, home_of, session_of
from deskclerk.faces.console.plan_card import span, value_text
from deskclerk.faces.console.profiles import loose, when
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.sandbox_access import Reach, reaching

WORD = "reset"
"""What is typed before everything goes."""
_MESSAGES = 20
_DONE: Mapping[str, str] = {
    "seed": "Put in.",
    "reset": "Reset.",
    "clock.advance": "The time has passed.",
    "clock.set": "The clock is set.",
    "clock.freeze": "The clock stands.",
    "clock.release": "The clock runs on.",
    "clock.reset": "The clock shows this machine's time.",
    "faults.add": "Requests that fit will meet it.",
    "faults.clear": "Cleared.",
    "webhooks.add": "What happens from now on is sent there.",
    "webhooks.remove": "Removed.",
    "outbox.replay": "It goes out once more.",
}
"""The controls that the page has a form for, and what it says when one is done."""


async def sandbox(request: Request, problem: DeskclerkError | None = None, of: str = "") -> Response:
    """Its clock, faults, endpoints and outbox as they stand, and the forms that change them."""
    session = session_of(request)
    told, session.told = session.told, None
    facts: dict[str, Any] = {}
    try:
        async with _reach(request) as reach:
            facts = await _facts(reach)
    except DeskclerkError as error:
        problem = error
    return render(
        request,
        "sandbox.html",
        status_of(problem) if problem else 200,
        facts=facts,
        serves=desk_of(request).settings.origin,
        word=WORD,
        done=told if isinstance(told, str) else "",
        given=form_of(request),
        of=of,
        problem=problem.as_dict() if problem else None,
    )


async def control(request: Request) -> Response:
    """Run one control with the form's fields."""
    name, form = request.path_params["control"], form_of(request)
    try:
        if name not in _DONE:
            raise InvalidRequest("There is no such control.", next_step="Use the page's own buttons.")
        if name == "reset" and form.get("typed", "").strip().lower() != WORD:
            raise InvalidRequest(f"To reset it, type {WORD}.", next_step="Nothing was changed.")
        async with _reach(request) as reach:
            await reach.run(name, _values(form))
    except DeskclerkError as error:
        return await sandbox(request, error, name)
    session_of(request).told = _DONE[name]
    return RedirectResponse(f"{home_of(request)}/sandbox", 303)


async def _facts(reach: Reach) -> dict[str, Any]:
    clock, faults = await reach.run("clock", {}), await reach.run("faults", {})
    endpoints, outbox = await reach.run("webhooks", {}), await reach.run("outbox", {"limit": _MESSAGES})
    ahead = clock["ahead"]
    return {
        "now": str(clock["iso"]).partition(".")[0].replace("T", " "),
        "frozen": clock["frozen"],
        "ahead": f"{span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'}" if abs(ahead) > 999 else "",  # noqa: PLR2004 - under a second
        "faults": [(loose(fault), _effect(fault)) for fault in faults["faults"]],
        "endpoints": loose(endpoints["endpoints"]),
        "messages": [
            loose(message) | {"when": when(message["created_at"]), "text": value_text(message["payload"])}
            for message in outbox["messages"]
        ],
    }


def _effect(fault: Mapping[str, Any]) -> str:
    """What a request meets, in words."""
    parts = [f"waits {fault['delay']:g} s"] if fault.get("delay") else []
    parts += [f"answers {fault['status']} {fault.get('code', '')}".strip()] if fault.get("status") else []
    parts += ["drops the connection, undone"] if fault.get("drop") else []
    parts += ["sends half of the answer, done"] if fault.get("truncate") else []
    return ", ".join(parts)


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    """What a control takes from a form: what was filled in; `effect` names a flag, `events` is a list."""
    given: dict[str, Any] = {
        name: value.strip() if name != "yaml" else value.replace("\r\n", "\n")
        for name, value in form.items()
        if name not in ("csrf", "typed", "effect", "events") and value.strip()
    }
    if form.get("effect") in ("drop", "truncate"):
        given[form["effect"]] = "true"
    if form.get("effect") in ("drop", "truncate", "delay"):
        given.pop("status", None)
    if events := form.get("events", "").replace(",", " ").split():
        given["events"] = events
    return given


def _reach(request: Request) -> Any:
    settings = desk_of(request).settings
    token = settings.token.get_secret_value() if settings.token else None
    return reaching(settings.origin, settings.data / "sandbox.db", token)


PAGE = ConsolePage(
    "Sandbox",
    "/sandbox",
    (
        Route("/sandbox", sandbox, methods=["GET"]),
        Route("/sandbox/{control}", control, methods=["POST"]),
    ),
    sandbox_only=True,
)
