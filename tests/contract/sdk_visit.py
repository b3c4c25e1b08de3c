"""A visit whose requests are made by Clerk's official Python client, wherever it has a call for them."""

import inspect
import json
import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import httpx
import httpx2
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkBaseError, ResponseValidationError
from pydantic import ValidationError

from tests.contract import openapi
from tests.contract.python_sdk import client
from tests.contract.visit import HEADERS, Exchange, Visit


def calls_by_route() -> dict[tuple[str, str], str]:
    """The client's call for each route that it knows, such as `users.get_async`; read from its own source."""
    clerk = Clerk(bearer_auth="sk_test_sandbox")
    found = {}
    for group in Clerk._sub_sdk_map:
        calls = getattr(clerk, group)
        for name in dir(calls):
            if not name.endswith("_async") or name.startswith("_"):
                continue
            source = inspect.getsource(getattr(calls, name))
            method, path = re.search(r'method="(\w+)"', source), re.search(r'path="([^"]+)"', source)
            if method and path:
                found[method[1], openapi.shape(path[1])] = f"{group}.{name}"
    return found


CALLS = calls_by_route()

REFUSED = {
    ("DELETE", "/billing/subscription_items/{}"): "A free plan cannot be cancelled.",
    ("POST", "/billing/subscription_items/{}/extend_free_trial"): "A free plan has no trial.",
    ("POST", "/billing/subscription_items/{}/discounts"): "There are no discounts.",
    ("DELETE", "/billing/subscription_items/{}/discounts/{}"): "There are no discounts.",
    ("GET", "/billing/statements/{}"): "Nothing was ever charged.",
    ("GET", "/billing/statements/{}/payment_attempts"): "Nothing was ever charged.",
    ("POST", "/instance/change_domain"): "An instance of the sandbox keeps its domain.",
    ("PUT", "/beta_features/domain"): "An instance of the sandbox keeps its domain.",
}
"""What the sandbox serves and always refuses."""


def arguments_for(call: Any, given: dict[str, Any]) -> dict[str, Any] | None:
    """What is given as the call takes it; None where it has no argument for some of it."""
    kinds = {name: str(kind.annotation) for name, kind in inspect.signature(call).parameters.items()}
    given = {snake(name): value for name, value in given.items()}
    if "request" in kinds:
        return {"request": given.pop("request", given)}
    if "request_body" in kinds:
        if "request" in given:
            given["request_body"] = given.pop("request")
        elif rest := {name: value for name, value in given.items() if name not in kinds}:
            given = {name: value for name, value in given.items() if name in kinds} | {"request_body": rest}
    if given.keys() - kinds.keys():
        return None
    # In a query one value of a list is written as a single one.
    return {
        name: [value] if isinstance(value, str) and "Iterable[" in kinds[name] else value
        for name, value in given.items()
    }


def snake(name: str) -> str:
    """A name as Python writes it: `apiKeyID` is `api_key_id`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def ids_of(template: str, path: str) -> dict[str, str]:
    """What stands in the places of a path's names."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
    found = re.fullmatch(pattern, path)
    return found.groupdict() if found else {}


class Recording(httpx.AsyncBaseTransport):
    """Passes requests on, and keeps the last answer."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.transport = transport
        self.response: httpx.Response | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of whoever is behind it."""
        response = await self.transport.handle_async_request(request)
        await response.aread()
        self.response = response
        return response


@dataclass
class SdkVisit(Visit):
    """As a visit, with what succeeds asked by the client; what it has no arguments for is sent plainly.

    `made` are the routes that it asked for with success, `not_understood` the answers that it could not
    make its own objects of.
    """

    transport: httpx.AsyncBaseTransport = field(kw_only=True)
    made: set[tuple[str, str]] = field(default_factory=set)
    not_understood: list[str] = field(default_factory=list)

    async def send(
        self, method: str, path: str, *, expected: str = "", query: Any = None, **content: Any
    ) -> Any:
        """The answer's JSON, whoever asked."""
        template = openapi.operation(method, path).path
        name = CALLS.get((method, openapi.shape(template)))
        # A list with the number of all is no list to the client, although it can be asked for.
        unread = (query or {}).get("paginated") == "true"
        plainly = not name or expected or unread
        if plainly or not await self._ask_client(str(name), method, path, query or {}, content):
            return await super().send(method, path, expected=expected, query=query, **content)
        return self.exchanges[-1].answer

    async def _ask_client(
        self, name: str, method: str, path: str, query: dict[str, Any], content: dict[str, Any]
    ) -> bool:
        """Whether the client has sent it."""
        template = openapi.operation(method, path).path
        group, _, verb = name.partition(".")
        recording = Recording(self.transport)
        key = content.get("headers", HEADERS)["Authorization"].removeprefix("Bearer ")
        async with client(recording, key) as clerk:
            call = getattr(getattr(clerk, group), verb)
            arguments = arguments_for(call, ids_of(template, path) | query | _body(content))
            if arguments is None:
                return False
            try:
                with warnings.catch_warnings():
                    # It warns of old parameters even where nobody gives them.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    await call(**arguments)
            except ResponseValidationError as error:
                self.not_understood.append(f"{name}: {error}")
            except ClerkBaseError:
                pass
            except (ValidationError, TypeError, ValueError):
                if recording.response is not None:
                    raise
        response = recording.response
        if response is None:
            return False
        answer = json.loads(response.content) if response.content else None
        paginated = query.get("paginated") == "true"
        told = httpx2.Headers(dict(response.headers))
        self.exchanges.append(Exchange(method, path, paginated, "", response.status_code, told, answer))
        if response.status_code < openapi.ERROR:
            self.made.add((method, openapi.shape(template)))
        return True


def _body(content: dict[str, Any]) -> dict[str, Any]:
    body = content.get("json")
    if "files" in content:
        return {
            name: {"file_name": file, "content": data, "content_type": kind}
            for name, (file, data, kind) in content["files"].items()
        }
    if body is None:
        return {}
    return body if isinstance(body, dict) else {"request": body}
