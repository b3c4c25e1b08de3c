"""The sandbox as a web application: Clerk's Backend API below `/v1`, its routes from the catalogue.

A request goes through here from top to bottom: its key and API version, rate limits, faults, its route, the
check of what it brings, one transaction, the answer. What the controls have set is kept from the last
request; the transaction tells whether that is still so, and if not, the request begins anew.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from deskclerk.catalogue import Route, Verb
from deskclerk.errors import StorageUnavailable
from deskclerk.sandbox.http.admission import (
    TRACE_HEADER,
    Admitted,
    Machine,
    admit,
    has_route,
    in_version,
    key_of_machine,
)
from deskclerk.sandbox.http.answer import encoded
from deskclerk.sandbox.http.call import Call, Handler, Kept, Prepared, Question, Reading, Writing, handler_of
from deskclerk.sandbox.http.dialects import in_words_of
from deskclerk.sandbox.http.errors import Problem, Refusal, envelope, refusal
from deskclerk.sandbox.http.faults import CODES, Faults, Gone, meet
from deskclerk.sandbox.http.images import PATH as IMAGES
from deskclerk.sandbox.http.images import image
from deskclerk.sandbox.http.incoming import Incoming
from deskclerk.sandbox.http.parameters import accepted, read_body, read_items, read_query
from deskclerk.sandbox.http.rate_limits import RateLimits
from deskclerk.sandbox.http.router import Found, Router
from deskclerk.sandbox.http.routes import HANDLERS, not_served
from deskclerk.sandbox.machines.machines import machine_of
from deskclerk.sandbox.oauth.endpoints import Issuers, place_of
from deskclerk.sandbox.store.state import State
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.webhooks.outbox import write_outbox

NOT_FOUND, NO_SUCH_METHOD, FAILED, NOT_IMPLEMENTED, UNAVAILABLE = 404, 405, 500, 501, 503
NOT_SERVED = "operation_not_served"
"""The one code that is not Clerk's: Clerk has no word for what a stand-in leaves out."""
_TRACE = TRACE_HEADER.encode()
_JSON = (b"content-type", b"application/json")


class _Outdated(Exception):
    """What the controls have set is not what it was at the last request."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a route leads to; without a handler Clerk has the operation and the sandbox does not."""

    route: Route
    reads: bool
    prepared: Prepared | None
    kept: Kept | None
    handler: Handler | None


def _endpoint(route: Route) -> Endpoint:
    found = HANDLERS[route]
    reads = (route.method is Verb.GET or isinstance(found, Reading)) and not isinstance(found, Writing)
    return Endpoint(
        route=route,
        reads=reads,
        prepared=found if isinstance(found, Prepared) else None,
        kept=found if isinstance(found, Kept) else None,
        handler=handler_of(found),
    )


class BackendApi:
    """The Backend API on an open store; an ASGI application."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._limits, self._faults = RateLimits(), Faults(store)
        self._issuers = Issuers(store, self._faults)
        # Clients in a browser read metadata and fetch tokens from their own origin; no cookie counts here.
        self._to_any_origin = CORSMiddleware(
            self._respond,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["WWW-Authenticate"],
        )
        self._router: Router[Endpoint] = Router("/v1")
        for route in HANDLERS:
            self._router.add(route, _endpoint(route))
        for route in not_served():
            absent = Endpoint(route, reads=True, prepared=None, kept=None, handler=None)
            self._router.add(route, absent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"The sandbox speaks HTTP, not {scope['type']}.")
        # Before the key: a browser that shows a picture has none to send.
        if scope["method"] == "GET" and scope["path"].startswith(IMAGES):
            await (await image(self.store, scope["path"].removeprefix(IMAGES)))(scope, receive, send)
            return
        place = place_of(scope["path"])
        await (self._to_any_origin if place and place.is_open else self._respond)(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Before anything can be refused: errors name it too.
        request = Incoming(scope, receive, send, secrets.token_hex(16))
        try:
            place = place_of(scope["path"])
            answer = await (self._issuers.answer(request, place) if place else self._answer(request))
        except Gone:
            return
        except Exception as error:
            await _send(_problem(error, request.trace), request)
            if not isinstance(error, (Refusal, StorageUnavailable)):
                # Told in full where the sandbox runs, not to who asked.
                raise
        else:
            await _send(answer, request)

    async def _answer(self, request: Incoming) -> bytes | Response:
        state = self.store.known
        # Faults and limits count each request, and so begin with what is certain.
        if state is None or not state.plain:
            state = await self.store.state()
        while True:
            admitted = await self._admit(request, state)
            if wait := self._limits.wait(request, admitted, self.store.clock.now()):
                return _too_many(wait, request.trace)
            if fault := await self._faults.met(request, admitted):
                stopped = await meet(fault, request)
                if stopped is not None:
                    return stopped
            try:
                return await self._carry_out(request, admitted)
            except _Outdated:
                state = await self.store.state()

    async def _admit(self, request: Incoming, state: State) -> Admitted:
        machine = await self._machine(request, state)
        try:
            return admit(request, state, machine)
        except Refusal:
            # The instance may have been made a moment ago, by another process.
            current = await self.store.state()
            if current is state:
                raise
            return admit(request, current, machine)

    async def _machine(self, request: Incoming, state: State) -> Machine | None:
        """The machine whose secret key a request shows, where such keys count."""
        key = key_of_machine(request)
        if key is None:
            return None
        return await machine_of(self.store.database, key, state.time.at(self.store.clock.now()))

    async def _carry_out(self, request: Incoming, admitted: Admitted) -> bytes | Response:
        found = self._router.find(request.method, request.path)
        if not isinstance(found, Found):
            return _not_routed(request, found)
        try:
            return await self._serve(request, admitted, found)
        except Refusal as refused:
            raise in_words_of(found.target.route, refused) from None

    async def _serve(self, request: Incoming, admitted: Admitted, found: Found[Endpoint]) -> bytes | Response:
        endpoint, version = found.target, admitted.version
        route = endpoint.route
        if endpoint.handler is None:
            raise _not_served(route)
        takes = accepted(route)
        # Checked before a transaction begins: a request that is wrong costs no lock.
        if not has_route(route, version):
            text = f"{route.method} /v1{route.path} is no route of API version {version}."
            raise refusal("resource_not_found", "not found", text)
        query = read_query(request.query, takes.query)
        state = admitted.state
        now = state.time.at(self.store.clock.now())
        if endpoint.kept:
            question = Question(self.store, admitted.instance.id, found.values, query, now, request.base_url)
            kept = await endpoint.kept.ask(question)
            if kept is not None and kept[1] == state.revision:
                return encoded(kept[0]).encode()
        body: dict[str, Any] = {}
        items: list[dict[str, Any]] = []
        upload = await request.upload(takes.upload) if takes.upload else None
        if takes.items is not None:
            items = read_items(await request.content(), takes.items)
        elif upload is None and route.method not in (Verb.GET, Verb.DELETE):
            body = read_body(await request.content(), takes.body_in(version))
        # Before the transaction: hashing a password takes as long as a thousand rows, and would hold the
        # write lock.
        if endpoint.prepared:
            body = await endpoint.prepared.prepare(body)
        delivers = False
        async with self.store.transaction(reads=endpoint.reads) as connection:
            if not await self.store.is_current(connection, state):
                raise _Outdated
            call = Call(
                connection=connection,
                instance=admitted.instance,
                path=found.values,
                query=query,
                body=body,
                version=version,
                now=now,
                wrapped=takes.wrapped,
                pages="limit" in takes.query,
                items=items,
                origin=request.header("origin"),
                upload=upload,
                base_url=request.base_url,
                machine=admitted.machine,
            )
            answer = await endpoint.handler(call)
            if call.events:
                # In the same transaction: what is rolled back is never told, what is committed always.
                delivers = await write_outbox(
                    call,
                    state.endpoints,
                    client_ip=request.client_ip,
                    user_agent=request.header("user-agent") or "",
                )
        if delivers:
            # Only after the commit, or the deliverer would look for rows that nobody can see yet.
            self.store.emitted.set()
        return answer if isinstance(answer, Response) else encoded(in_version(answer, version)).encode()


async def _send(answer: bytes | Response, request: Incoming) -> None:
    send, named = request.send, (_TRACE, request.trace.encode())
    if isinstance(answer, Response):

        async def traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], named]
            await send(message)

        await answer(request.scope, request.receive, traced)
        return
    headers = [_JSON, (b"content-length", str(len(answer)).encode()), named]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _problem(error: Exception, trace: str) -> Response:
    if isinstance(error, Refusal):
        return envelope(error.status, error.problems, trace)
    if isinstance(error, StorageUnavailable):
        problem = Problem(CODES[UNAVAILABLE], "Service unavailable", str(error))
        return envelope(UNAVAILABLE, (problem,), trace)
    # The type alone: a message may quote what was sent.
    text = f"The sandbox failed: {type(error).__name__}."
    return envelope(FAILED, (Problem("internal_clerk_error", "Internal error", text),), trace)


def _not_served(route: Route) -> Refusal:
    text = f"{route.method} /v1{route.path} is an operation of Clerk's that the sandbox does not serve."
    return Refusal(Problem(NOT_SERVED, "not served by the sandbox", text), status=NOT_IMPLEMENTED)


def _not_routed(request: Incoming, methods: set[str]) -> Response:
    """No such path, or not with this method; Clerk's list of codes has none for the latter."""
    text = f"{request.method} {request.path} is not a route of the sandbox."
    problem = Problem("resource_not_found", "not found", text)
    headers: Mapping[str, str] | None = {"Allow": ", ".join(sorted(methods))} if methods else None
    return envelope(NO_SUCH_METHOD if methods else NOT_FOUND, (problem,), request.trace, headers)


def _too_many(wait: int, trace: str) -> Response:
    text = f"Too many requests. Try again in {wait} s."
    problem = Problem("too_many_requests", "Too many requests", text)
    return envelope(429, (problem,), trace, {"retry-after": str(wait)})
