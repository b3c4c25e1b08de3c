"""The sandbox as a web application: Clerk's Backend API below `/v1`, its routes from the catalogue."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as WebRoute

from deskclerk.catalogue import Route, Verb
from deskclerk.errors import StorageUnavailable
from deskclerk.sandbox.http.admission import Admission, has_route, in_version
from deskclerk.sandbox.http.call import Call, Handler, Prepared, read_upload
from deskclerk.sandbox.http.errors import Problem, Refusal, envelope, refusal
from deskclerk.sandbox.http.faults import CODES, Faults
from deskclerk.sandbox.http.images import ImageServer
from deskclerk.sandbox.http.parameters import accepted, read_body, read_items, read_query
from deskclerk.sandbox.http.rate_limits import RateLimits
from deskclerk.sandbox.http.routes import HANDLERS, OPERATIONS, not_served
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.webhooks.outbox import write_outbox

LARGEST_BODY = 2**20
NOT_IMPLEMENTED, UNAVAILABLE = 501, 503
NOT_SERVED = "operation_not_served"
"""The one code that is not Clerk's: Clerk has no word for what a stand-in leaves out."""

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(store: Store) -> Starlette:
    """The Backend API on an open store."""
    endpoints = {route: _endpoint(store, route) for route in HANDLERS}
    endpoints |= {route: _not_served(route) for route in not_served()}
    # A path in words goes before one with a placeholder that would swallow it: /users/count.
    routes = sorted(endpoints, key=lambda route: route.path.count("{"))
    app = Starlette(
        routes=[WebRoute(f"/v1{route.path}", endpoints[route], methods=[route.method]) for route in routes],
        middleware=[Middleware(layer, store=store) for layer in (ImageServer, Admission, RateLimits, Faults)],
        exception_handlers={
            Refusal: _refused,
            HTTPException: _not_routed,
            StorageUnavailable: _no_disk,
            Exception: _failed,
        },
    )
    # A client that follows such a redirect may send a POST as a GET.
    app.router.redirect_slashes = False
    return app


def _not_served(route: Route) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        text = f"{route.method} /v1{route.path} is an operation of Clerk's that the sandbox does not serve."
        problem = Problem(NOT_SERVED, "not served by the sandbox", text)
        return envelope(NOT_IMPLEMENTED, (problem,), request.state.trace)

    return endpoint


def _endpoint(store: Store, route: Route) -> Endpoint:
    found, operation = HANDLERS[route], OPERATIONS.get(route)
    prepared = found if isinstance(found, Prepared) else None
    handler: Handler = found.handler if isinstance(found, Prepared) else found
    reads = route.method is Verb.GET
    if operation and operation.writes is not None:
        reads = not operation.writes

    async def endpoint(request: Request) -> Response:
        # Checked before a transaction begins: a request that is wrong costs no lock.
        takes, version = accepted(route, operation), request.state.version
        if not has_route(route, version):
            text = f"{route.method} /v1{route.path} is no route of API version {version}."
            raise refusal("resource_not_found", "not found", text)
        query = read_query(request.query_params.multi_items(), takes.query)
        body: dict[str, Any] = {}
        items: list[dict[str, Any]] = []
        upload = await read_upload(request, operation.upload) if operation and operation.upload else None
        if operation and operation.many:
            items = read_items(await _content(request), takes.body)
        elif upload is None and route.method not in (Verb.GET, Verb.DELETE):
            body = read_body(await _content(request), takes.body_in(version))
        # Before the transaction: hashing a password takes as long as a thousand rows, and would hold the
        # write lock.
        if prepared:
            body = await prepared.prepare(body)
        state = request.state.sandbox
        async with store.transaction(reads=reads) as connection:
            call = Call(
                connection=connection,
                instance=request.state.instance,
                path=request.path_params,
                query=query,
                body=body,
                version=version,
                now=state.time.at(store.clock.now()),
                wrapped=takes.wrapped,
                pages="limit" in takes.query,
                items=items,
                origin=request.headers.get("origin"),
                upload=upload,
                base_url=str(request.base_url).rstrip("/"),
            )
            answer = await handler(call)
            if call.events:
                # In the same transaction: what is rolled back is never told, what is committed always.
                await write_outbox(call, state.endpoints, **_sender(request))
        if call.events:
            # Only after the commit, or the deliverer would look for rows that nobody can see yet.
            store.emitted.set()
        return answer if isinstance(answer, Response) else JSONResponse(in_version(answer, version))

    return endpoint


def _sender(request: Request) -> dict[str, str]:
    """Who asked, as a webhook tells it."""
    address = request.client.host if request.client else "127.0.0.1"
    return {"client_ip": address, "user_agent": request.headers.get("user-agent", "")}


async def _content(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        # While it arrives: a body is refused before it is whole in memory.
        if len(content) > LARGEST_BODY:
            raise refusal("request_body_too_large", "The body is too large", f"At most {LARGEST_BODY} bytes.")
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content and kind != "application/json":
        raise refusal("unsupported_content_type", "Unsupported content type", "Send application/json.")
    return bytes(content)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - what it is registered for
    return envelope(error.status, error.problems, request.state.trace)


async def _not_routed(request: Request, error: Exception) -> Response:
    """No such path, or not with this method; Clerk's list of codes has none for the latter."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    text = f"{request.method} {request.url.path} is not a route of the sandbox."
    problem = Problem("resource_not_found", "not found", text)
    return envelope(error.status_code, (problem,), request.state.trace, error.headers)


async def _no_disk(request: Request, error: Exception) -> Response:
    problem = Problem(CODES[UNAVAILABLE], "Service unavailable", str(error))
    return envelope(UNAVAILABLE, (problem,), request.state.trace)


async def _failed(request: Request, error: Exception) -> Response:
    # The type alone: a message may quote what was sent.
    text = f"The sandbox failed: {type(error).__name__}."
    return envelope(500, (Problem("internal_clerk_error", "Internal error", text),), request.state.trace)
