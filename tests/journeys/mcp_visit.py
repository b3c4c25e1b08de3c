"""A visit to the sandbox whose requests are tool calls of an MCP client, signed by the person before it."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client

from deskclerk.catalogue import ALL, TOOLSETS, Action
from tests.contract import openapi
from tests.contract.visit import Exchange, Visit
from tests.faces.mcp.conftest import Dialogue

LONG = 12
"""Characters of a text that is no accident when it turns up somewhere."""


def shape(method: str, path: str) -> tuple[str, str]:
    """The operation that a path means."""
    return method, openapi.shape(openapi.operation(method, path).path)


TOOLS: dict[tuple[str, str], type[Action]] = {
    (str(action.spec.route.method), openapi.shape(action.spec.route.path)): action
    for action in reversed(TOOLSETS[ALL])
    if not action.spec.by_desk
}
for one in TOOLSETS[ALL]:
    for also in one.spec.also:
        TOOLS.setdefault((str(also.method), openapi.shape(also.path)), one)
"""The action of each operation; of several the first that has it as its own."""


class Wire(httpx2.AsyncBaseTransport):
    """The way from the desk to the sandbox, and what went by."""

    def __init__(self, app: Any) -> None:
        self._app = httpx2.ASGITransport(app=app)
        self.passed: list[tuple[str, str, httpx2.Response]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The sandbox's answer."""
        response = await self._app.handle_async_request(request)
        await response.aread()
        self.passed.append((request.method, request.url.path.removeprefix("/v1"), response))
        return response


@dataclass
class McpVisit(Visit):
    """As a visit, with what succeeds done by tools; what a tool cannot be told is sent plainly.

    `made` are the operations that tools were called for with success, `refusals` what tools said that did
    not send the request, `leaked` the tools whose answer or preview had what they are to hand over.
    """

    mcp: Client = field(kw_only=True)
    person: Dialogue = field(kw_only=True)
    wire: Wire = field(kw_only=True)
    made: set[tuple[str, str]] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    async def send(
        self, method: str, path: str, *, expected: str = "", query: Any = None, **content: Any
    ) -> Any:
        """The sandbox's answer, as it went to the desk."""
        asked = shape(method, path)
        action = TOOLS.get(asked)
        given = arguments_of(action, path, query or {}, content) if action and not expected else None
        if action and given is not None and await self._call(action, asked, path, given):
            return self.exchanges[-1].answer
        return await super().send(method, path, expected=expected, query=query, **content)

    async def _call(
        self, action: type[Action], asked: tuple[str, str], path: str, given: dict[str, Any]
    ) -> bool:
        """Whether the tool has sent the request."""
        before, previews = len(self.wire.passed), len(self.person.asked)
        result = await self.mcp.call_tool(action.spec.name, given)
        told = "".join(item.text for item in result.content)
        sent = [item for item in self.wire.passed[before:] if shape(*item[:2]) == asked]
        if not sent:
            self.refusals.append(f"{action.spec.name}: {told}")
            return False
        method, _, response = sent[-1]
        answer = json.loads(response.content) if response.content else None
        if action.spec.is_list and not action.spec.wrapped and isinstance(answer, dict):
            # The desk asks for the number of all, which the visit did not.
            answer = answer.get("data", answer)
        status, headers = response.status_code, response.headers
        self.exchanges.append(Exchange(method, path, False, "", status, headers, answer))
        if result.is_error:
            self.refusals.append(f"{action.spec.name}: {told}")
        else:
            self.made.add(asked)
        shown = [item.message for item in self.person.asked[previews:]]
        said = json.dumps(result.structured_content, ensure_ascii=False)
        for secret in secrets_of(answer, action.spec.hands_over):
            if any(secret in text for text in (told, said, *shown)):
                self.leaked.append(f"{action.spec.name}: {secret}")
        return True


def arguments_of(
    action: type[Action], path: str, query: dict[str, Any], content: dict[str, Any]
) -> dict[str, Any] | None:
    """A request as the arguments of a tool; None where it has none for some of it, or another key is used."""
    parameters = action.parameters()
    patterns = (re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path) for route in action.spec.routes)
    found = next(filter(None, (re.fullmatch(pattern, path) for pattern in patterns)), None)
    body = content.get("json")
    given = (found.groupdict() if found else {}) | query
    for name, (_, data, _kind) in content.get("files", {}).items():
        given[name] = base64.b64encode(data).decode()
    if isinstance(body, list):
        given |= {name: body for name, item in parameters.items() if item.whole}
    elif body is not None:
        given |= body
    if "headers" in content:
        key = content["headers"]["Authorization"].removeprefix("Bearer ")
        given |= {name: key for name, item in parameters.items() if item.secret and item.where == "local"}
        if key not in given.values():
            return None
    if given.keys() - parameters.keys():
        return None
    return {
        name: [value] if parameters[name].schema["type"] == "array" and isinstance(value, str) else value
        for name, value in given.items()
    }


def secrets_of(answer: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """The texts under these keys, anywhere in an answer."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            if key in keys and isinstance(value, str) and len(value) >= LONG:
                yield value
            else:
                yield from secrets_of(value, keys)
    elif isinstance(answer, list):
        for item in answer:
            yield from secrets_of(item, keys)
