"""Secrets: what Clerk hands out once, shown once; what a plan needs, entered where no model sees it."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.secrets.references import check_secret_name
from deskclerk.errors import InvalidRequest
from deskclerk.faces.console.page import ConsolePage, desk_of, form_of, home_of
from deskclerk.faces.console.plan_card import ago, iso_time
from deskclerk.faces.console.rendering import render, status_of

_DONE = {"stored": "Stored. An agent can name it now, and never see it.", "removed": "Removed."}


async def secrets(request: Request, problem: InvalidRequest | None = None) -> Response:
    """What waits to be handed over, what is stored, and the form for another."""
    desk = desk_of(request)
    stored = [
        {"name": item.name, "age": ago(item.set_at), "at": iso_time(item.set_at)}
        for item in await desk.secrets.listed()
    ]
    over = [
        {
            "id": item.id,
            "title": item.title,
            "about": item.about,
            "age": ago(item.at),
            "at": iso_time(item.at),
        }
        for item in await desk.handovers.listed()
    ]
    name = form_of(request).get("name") or request.query_params.get("name", "")
    return render(
        request,
        "secrets.html",
        status_of(problem) if problem else 200,
        stored=stored,
        handovers=over,
        name=name,
        done=_DONE.get(request.query_params.get("done", "")),
        problem=problem.as_dict() if problem else None,
    )


async def hand_over(request: Request) -> Response:
    """Show one hand-over, which is gone with this answer."""
    found = await desk_of(request).handovers.take(form_of(request).get("id", ""))
    if found is None:
        problem = InvalidRequest(
            "It is not here any more: a hand-over is shown once.",
            next_step="If nobody has the secret, make a new one: rotate it in Clerk.",
        )
        return await secrets(request, problem)
    return render(request, "handover.html", handover=found)


async def store(request: Request) -> Response:
    """Store a secret under its name."""
    form = form_of(request)
    one_line, several = form.get("value", ""), form.get("lines", "").replace("\r\n", "\n").strip("\n")
    try:
        if bool(one_line.strip()) == bool(several.strip()):
            raise InvalidRequest(
                "Fill in one of the two: a single line, or several.", next_step="Nothing was stored."
            )
        await desk_of(request).secrets.store(check_secret_name(form.get("name", "")), one_line or several)
    except InvalidRequest as error:
        return await secrets(request, error)
    return RedirectResponse(f"{home_of(request)}/secrets?done=stored", 303)


async def remove(request: Request) -> Response:
    """Forget a stored secret."""
    try:
        await desk_of(request).secrets.remove(form_of(request).get("name", ""))
    except InvalidRequest as error:
        return await secrets(request, error)
    return RedirectResponse(f"{home_of(request)}/secrets?done=removed", 303)


PAGE = ConsolePage(
    "Secrets",
    "/secrets",
    (
        Route("/secrets", secrets, methods=["GET"]),
        Route("/secrets", store, methods=["POST"]),
        Route("/secrets/remove", remove, methods=["POST"]),
        Route("/secrets/hand-over", hand_over, methods=["POST"]),
    ),
)
