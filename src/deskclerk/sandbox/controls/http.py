"""The controls over HTTP: each by its name, JSON under `/sandbox`, behind a guard of their own."""

import hmac
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.errors import DeskclerkError, InvalidRequest, NotAllowed
from deskclerk.sandbox.controls import clock, data, faults, instances, seeding, webhooks
from deskclerk.sandbox.controls.arguments import Given, read
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.controls.webhooks import is_loopback
from deskclerk.sandbox.store.store import Store

Run = Callable[[Store, Any], Coroutine[Any, Any, dict[str, Any]]]
ROOT = "/sandbox"
# A seed's text, at most ten million characters, comes as JSON; a snapshot is all of the data.
LARGEST_BODY, LARGEST_SNAPSHOT = 16 * 2**20, 2**30
_BAD, _FORBIDDEN = 400, 403


class Control(NamedTuple):
    """One control: where it stands, what it takes, what it does."""

    method: str
    path: str
    takes: type[Given]
    run: Run


CONTROLS: Mapping[str, Control] = {
    "seed": Control("POST", "/seed", seeding.Seed, seeding.seed),
    "reset": Control("POST", "/reset", data.Reset, data.reset),
    "clock": Control("GET", "/clock", clock.Nothing, clock.read_clock),
    "clock.set": Control("POST", "/clock/set", clock.SetClock, clock.set_clock),
    "clock.advance": Control("POST", "/clock/advance", clock.AdvanceClock, clock.advance_clock),
    "clock.freeze": Control("POST", "/clock/freeze", clock.FreezeClock, clock.freeze_clock),
    "clock.release": Control("POST", "/clock/release", clock.Nothing, clock.release_clock),
    "clock.reset": Control("POST", "/clock/reset", clock.Nothing, clock.reset_clock),
    "faults": Control("GET", "/faults", clock.Nothing, faults.list_faults),
    "faults.add": Control("POST", "/faults", faults.AddFault, faults.add_fault),
    "faults.clear": Control("DELETE", "/faults", faults.ClearFaults, faults.clear_faults),
    "limits": Control("GET", "/limits", clock.Nothing, instances.read_limits),
    "limits.set": Control("PUT", "/limits", instances.SetLimits, instances.set_limits),
    "instances": Control("GET", "/instances", clock.Nothing, instances.list_instances),
    "instances.add": Control("POST", "/instances", instances.AddInstance, instances.add_new_instance),
    "instances.remove": Control(
        "DELETE", "/instances/{instance}", instances.WhichInstance, instances.remove_instance
    ),
    "webhooks": Control("GET", "/webhooks", clock.Nothing, webhooks.list_endpoints),
    "webhooks.add": Control("POST", "/webhooks", webhooks.AddEndpoint, webhooks.add_endpoint),
    "webhooks.remove": Control("DELETE", "/webhooks/{id}", webhooks.WhichEndpoint, webhooks.remove_endpoint),
    "outbox": Control("GET", "/outbox", webhooks.ListOutbox, webhooks.list_outbox),
    "outbox.replay": Control("POST", "/outbox/{id}/replay", webhooks.Replay, webhooks.replay),
}
"""Beside these `http` serves `/snapshot` and `/restore`, which carry a file."""


Endpoint = Callable[[Request], Awaitable[Response]]


def with_controls(api: ASGIApp, store: Store, *, open_to: str | None, token: str | None = None) -> ASGIApp:
    """Clerk's API with the controls beside it.

    `open_to` is the host that is served if it is not this machine alone: without a `token` the controls
    are then closed, as anybody could reach them.
    """
    controls = _controls(store, open_to, token)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # With a slash behind it: /sandboxes is none of ours, /sandbox is.
        ours = scope["type"] == "http" and (scope["path"] + "/").startswith(ROOT + "/")
        await (controls if ours else api)(scope, receive, send)

    return app


def _controls(store: Store, open_to: str | None, token: str | None) -> Starlette:
    routes = [
        Route(ROOT + item.path, _endpoint(store, item), methods=[item.method]) for item in CONTROLS.values()
    ]
    routes += [
        Route(ROOT, _overview(store), methods=["GET"]),
        Route(ROOT + "/snapshot", _snapshot(store), methods=["GET"]),
        Route(ROOT + "/restore", _restore(store), methods=["POST"]),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, open_to=open_to, token=token)],
        exception_handlers={DeskclerkError: _refused, HTTPException: _not_routed},
    )


class Guard:
    """ASGI middleware: keeps pages in a browser out, and other machines without the token.

    A page can send requests to this machine under a name of its own (DNS rebinding) and read the answers:
    so the Host is checked, and an Origin has to be this server's.
    """

    def __init__(self, app: ASGIApp, open_to: str | None, token: str | None) -> None:
        self.app = app
        self.open_to = open_to
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer 403."""
        if scope["type"] == "http" and (problem := self.problem(Request(scope))):
            error = NotAllowed(problem)
            await JSONResponse(error.as_dict(), _FORBIDDEN)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def problem(self, request: Request) -> str:
        """Why the request is refused; empty if it is not."""
        if self.open_to is not None and self.token is None:
            return "Other machines can reach this sandbox, so its controls need a token: set DESKCLERK_TOKEN."
        host = request.headers.get("host", "")
        name = _host_name(host)
        # Under a token any name will do: a page that rebinds its name does not know the token.
        if not is_loopback(name) and (self.open_to is None or self.token is None):
            return f"The controls answer to this machine's own names only, not to {name!r}."
        origin = request.headers.get("origin")
        # A page may send what it likes here, but not without its origin in a POST.
        if origin is not None and origin != f"http://{host}":
            return "The controls are not for pages of other origins."
        # A browser's GET may come without an origin, but tells where it comes from here.
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return "The controls are not for pages of other origins."
        if self.token is not None and not self._shows_token(request):
            return "The controls want the bearer token that the sandbox was started with."
        return ""

    def _shows_token(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # In constant time: how long a refusal takes tells nothing of the token.
        same = hmac.compare_digest(given.strip().encode(), (self.token or "").encode())
        return same and scheme.lower() == "bearer"


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    # An IPv6 address without its closing bracket.
    except ValueError:
        return ""


def _endpoint(store: Store, control: Control) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        values = dict(request.path_params)
        given = dict(request.query_params) if control.method in ("GET", "DELETE") else await _body(request)
        if doubled := sorted(values.keys() & given.keys()):
            raise InvalidRequest(f"{doubled[0]} stands in the path already.")
        return JSONResponse(await control.run(store, read(control.takes, {**given, **values})))

    return endpoint


def _overview(store: Store) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        names = ("clock", "instances", "faults", "webhooks")
        return JSONResponse({name: await CONTROLS[name].run(store, Nothing()) for name in names})

    return endpoint


def _snapshot(store: Store) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return Response(await data.snapshot(store, Nothing()), media_type="application/gzip")

    return endpoint


def _restore(store: Store) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type") != "application/gzip":
            raise InvalidRequest("Send a snapshot, as application/gzip.")
        return JSONResponse(await data.restore(store, await _content(request, LARGEST_SNAPSHOT)))

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    content = await _content(request, LARGEST_BODY)
    if not content:
        return {}
    # A form in a browser cannot send this type, and a script cannot without being asked about.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise InvalidRequest("Send application/json.")
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not JSON.") from None
    if not isinstance(given, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return given


async def _content(request: Request, largest: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > largest:
            raise InvalidRequest(f"The body is too large: at most {largest} bytes.")
    return bytes(content)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DeskclerkError)  # noqa: S101 - what it is registered for
    return JSONResponse(error.as_dict(), _BAD)


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    known = sorted({f"{item.method} {ROOT}{item.path}" for item in CONTROLS.values()})
    text = f"{request.method} {request.url.path} is no control; there are {', '.join(known)}."
    return JSONResponse(InvalidRequest(text).as_dict(), error.status_code)
