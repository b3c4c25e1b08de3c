"""Connect: a secret key goes in, is tried, is stored and never shown again; what clients need comes out."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.instances.stored import CheckedKey, Instances, check_instance_name
from deskclerk.errors import DeskclerkError, InvalidRequest, InvalidSettings, KeyRejected
from deskclerk.faces.console.page import (
    ConsolePage,
    caller_of,
    console_of,
    desk_of,
    form_of,
    home_of,
    session_of,
)
from deskclerk.faces.console.rendering import render, status_of

_NEW_KEY = "Nothing was stored. Copy it again from Clerk Dashboard, API Keys, Secret key, or make a new one."


async def connect(request: Request, problem: DeskclerkError | None = None) -> Response:
    """What is in use, what is stored, the form for another, and what clients are told."""
    # What reads and writes the clients' formats is needed for this page alone.
    from deskclerk.faces.console.client_view import client_cards  # noqa: PLC0415

    settings, instances = desk_of(request).settings, desk_of(request).instances
    session = session_of(request)
    told, session.told = session.told, None
    try:
        stored, chosen = instances.listed(), instances.chosen
    except InvalidSettings as error:
        stored, chosen, problem = [], settings.instance, problem or error
    given = form_of(request) if request.url.path == f"{session.home}/connect" else {}
    return render(
        request,
        "connect.html",
        _status(problem) if problem else 200,
        stored=stored,
        chosen=chosen,
        running=None if settings.secret_key else settings.instance,
        from_outside=settings.secret_key is not None,
        file=str(instances.path),
        clients=client_cards(settings, console_of(request).mcp),
        found=told if isinstance(told, CheckedKey) else None,
        done=told if isinstance(told, str) else "",
        given={name: given.get(name, "") for name in ("name", "api_url")},
        problem=problem.as_dict() if problem else None,
    )


async def add(request: Request) -> Response:
    """Try a key and store it under a new name."""
    form = form_of(request)

    def store(instances: Instances, key: str, api_url: str | None) -> None:
        instances.add(form.get("name", "").strip(), key, api_url, choose="use" in form)

    return await _tried(request, store, new=form.get("name", "").strip())


async def replace_key(request: Request) -> Response:
    """Try another key for a stored instance."""
    name = form_of(request).get("instance", "")
    return await _tried(request, lambda instances, key, url: instances.replace_key(name, key, url))


async def use(request: Request) -> Response:
    """Choose the instance for what starts from now on."""
    name = form_of(request).get("instance") or None
    return await _changed(request, lambda instances: instances.choose(name), "Chosen.")


async def rename(request: Request) -> Response:
    """Give a stored instance another name."""
    old, new = form_of(request).get("instance", ""), form_of(request).get("name", "").strip()
    return await _changed(
        request, lambda instances: instances.rename(old, new), f"{old} is now called {new}."
    )


async def remove(request: Request) -> Response:
    """Forget a stored instance, whose name is typed."""
    name = form_of(request).get("instance", "")
    if form_of(request).get("typed", "").strip() != name:
        return await connect(
            request, InvalidRequest(f"To remove it, type its name: {name}.", next_step="Nothing was removed.")
        )
    done = f"{name} is forgotten here. Its key stays good in Clerk: delete it there if nobody else uses it."
    return await _changed(request, lambda instances: instances.remove(name), done)


async def _tried(
    request: Request, store: Callable[[Instances, str, str | None], None], new: str | None = None
) -> Response:
    """Ask Clerk about the form's key, and store it if the answer is good."""
    form, instances = form_of(request), desk_of(request).instances
    key, api_url = form.get("key", "").strip(), form.get("api_url", "").strip() or None
    try:
        if new is not None:
            check_instance_name(new)
        found = await instances.check(key, api_url, caller_of(request))
        store(instances, key, api_url)
    except KeyRejected:
        return await connect(request, InvalidRequest("Clerk does not accept this key.", next_step=_NEW_KEY))
    except DeskclerkError as error:
        return await connect(request, error)
    return _onward(request, found)


async def _changed(request: Request, change: Callable[[Instances], None], done: str) -> Response:
    try:
        change(desk_of(request).instances)
    except DeskclerkError as error:
        return await connect(request, error)
    return _onward(request, done)


def _onward(request: Request, told: object) -> Response:
    session_of(request).told = told
    return RedirectResponse(f"{home_of(request)}/connect", 303)


def _status(problem: DeskclerkError) -> int:
    return 422 if isinstance(problem, InvalidSettings) else status_of(problem)


PAGE = ConsolePage(
    "Connect",
    "/connect",
    (
        Route("/connect", connect, methods=["GET"]),
        Route("/connect", add, methods=["POST"]),
        Route("/connect/key", replace_key, methods=["POST"]),
        Route("/connect/use", use, methods=["POST"]),
        Route("/connect/rename", rename, methods=["POST"]),
        Route("/connect/remove", remove, methods=["POST"]),
    ),
    own_machine=True,
)
