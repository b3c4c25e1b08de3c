"""What every request meets before routing: a trace id, the key, the API version."""

import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.sandbox.refusals import Refusal, envelope, not_found, refusal
from deskclerk.sandbox.store.store import Instance, Store
from deskclerk.sandbox.versions import VERSIONS

TRACE_HEADER = "x-clerk-trace-id"


class Admission:
    """ASGI middleware: refuses a wrong key before anything else, as Clerk does, also on unknown paths."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it.

        The scope's state then holds its instance, API version and trace id, and under `sandbox` what the
        controls have set.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        trace = secrets.token_hex(16)
        state = scope.setdefault("state", {})
        state["trace"] = trace

        async def traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (TRACE_HEADER.encode(), trace.encode())]
            await send(message)

        headers = Headers(scope=scope)
        try:
            state["sandbox"] = await self.store.state()
            state["instance"] = _instance(headers.get("authorization"), state["sandbox"].by_key)
            state["version"] = _version(headers, QueryParams(scope["query_string"]))
            if "\0" in scope["path"]:  # PostgreSQL keeps no such text, so nothing has it as its id
                raise not_found("resource", "U+0000")
        except Refusal as error:
            await envelope(error.status, error.problems, trace)(scope, receive, traced)
            return
        await self.app(scope, receive, traced)


def _instance(header: str | None, by_key: Mapping[str, Instance]) -> Instance:
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise refusal(
            "authorization_header_format_invalid",
            "Invalid Authorization header format",
            "The Authorization header must be 'Bearer' and a secret key.",
        )
    # The sandbox's keys are no secrets: a plain look-up gives nothing away.
    instance = by_key.get(key.strip())
    if instance is None:
        raise refusal("clerk_key_invalid", "The secret key is invalid", "No instance has this secret key.")
    return instance


def _version(headers: Headers, query: QueryParams) -> str:
    header, parameter = headers.get("clerk-api-version"), query.get("__clerk_api_version")
    if header and parameter:
        raise _bad_version("Give the API version in the header or in the query, not in both.")
    version = header or parameter or VERSIONS[0]
    if version not in VERSIONS:
        raise _bad_version(f"Known API versions: {', '.join(VERSIONS)}.")
    return version


def _bad_version(text: str) -> Refusal:
    return refusal("api_version_invalid", "The API version is invalid", text)
