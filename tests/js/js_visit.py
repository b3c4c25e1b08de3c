"""A visit whose requests are made by Clerk's official JavaScript client, wherever it has a method."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.contract import openapi
from tests.contract.sdk_visit import ids_of
from tests.contract.visit import HEADERS, Exchange, Visit

HERE = Path(__file__).parent
PATIENCE = 60
LONGEST_LINE = 2**26
"""A list of five hundred users is one line."""


def route_of(method: str, template: str) -> str:
    """A route as the bridge names it, such as `GET /v1/users/{}`."""
    return f"{method} /v1{openapi.shape(template)}"


@dataclass
class Bridge:
    """The client in a process of its own.

    `calls` are its methods by route, as `GET /v1/users/{}`; `methods` how many there are, `silent` those of
    which no route is known.
    """

    process: asyncio.subprocess.Process
    methods: int = 0
    silent: list[str] = field(default_factory=list)
    calls: dict[str, list[str]] = field(default_factory=dict)

    async def begin(self) -> None:
        """Hear what the client has."""
        told = await self._line()
        self.methods, self.silent, self.calls = told["methods"], told["silent"], told["calls"]

    async def ask(self, **line: Any) -> dict[str, Any]:
        """Have a request made; what came of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        answer = await self._line()
        if "fault" in answer:
            raise RuntimeError(f"bridge.js failed at {line}: {answer['fault']}")
        return dict(answer)

    async def _line(self) -> Any:
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        except TimeoutError:
            raise TimeoutError(f"bridge.js has said nothing for {PATIENCE} s.") from None
        if not line:
            raise RuntimeError("bridge.js has ended before its time; what it printed says why.")
        return json.loads(line)


@asynccontextmanager
async def bridge(address: str) -> AsyncIterator[Bridge]:
    """The client before this address; its process ends when there is nothing more to ask."""
    node = shutil.which("node")
    assert node, "Node 20 or newer comes first."
    assert (HERE / "node_modules" / "@clerk").exists(), "npm ci in tests/js comes first: make test-js"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        node, HERE / "bridge.js", address, stdin=pipe, stdout=pipe, limit=LONGEST_LINE
    )
    assert process.stdin is not None
    try:
        known = Bridge(process)
        await known.begin()
        yield known
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass
class JsVisit(Visit):
    """As a visit, with what succeeds asked by the client; what it cannot say is sent plainly.

    `made` are the routes and methods that succeeded; `not_understood` the answers that the client
    could not read; `added` what it sent unasked; `unsaid` the routes of what it could not say; `missing` the
    fields of its objects that an answer had nothing for; `plain` the methods that hand over an object as it
    came, with its kind.
    """

    bridge: Bridge = field(kw_only=True)
    made: set[tuple[str, str]] = field(default_factory=set)
    not_understood: list[str] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    unsaid: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    plain: set[str] = field(default_factory=set)

    async def send(
        self, method: str, path: str, *, expected: str = "", query: Any = None, **content: Any
    ) -> Any:
        """The answer's JSON, whoever asked."""
        query = query or {}
        template = openapi.operation(method, path).path
        told = None
        if route_of(method, template) in self.bridge.calls and not expected:
            told = await self._ask_client(method, path, template, query, content)
        if told is None:
            return await super().send(method, path, expected=expected, query=query, **content)
        # Of a list it asks for the number of all wherever it can, whoever wants the bare list.
        counted = "paginated=true" in told["added"]
        status, answer, headers = told["status"], told["answer"], httpx2.Headers(told["headers"])
        paginated = counted or query.get("paginated") == "true"
        self.exchanges.append(Exchange(method, path, paginated, "", status, headers, answer))
        return answer["data"] if counted and status < openapi.ERROR else answer

    async def _ask_client(
        self, method: str, path: str, template: str, query: dict[str, Any], content: dict[str, Any]
    ) -> dict[str, Any] | None:
        """What came of it; None where it was not sent."""
        route = route_of(method, template)
        told = await self.bridge.ask(
            route=route,
            ids=list(ids_of(template, path).values()),
            query=query,
            body=content.get("json") or {},
            file={name: _file(*sent) for name, sent in content.get("files", {}).items()},
            key=content.get("headers", HEADERS)["Authorization"].removeprefix("Bearer "),
        )
        if not told["sent"]:
            self.unsaid.add(route)
            return None
        assert (told["method"], told["path"]) == (method, f"/v1{path}")
        self.added.update(told["added"])
        self.missing.update(told["missing"])
        self.plain.update(f"{told['call']}: {kind}" for kind in told["plain"])
        if told["error"]:
            self.not_understood.append(f"{told['call']}: {told['error']}")
        elif told["status"] < openapi.ERROR:
            self.made.add((route, told["call"]))
        return told


def _file(name: str, content: bytes, kind: str) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(content).decode(), "type": kind}
