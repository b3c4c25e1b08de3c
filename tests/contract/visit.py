"""A visit to the sandbox: plain requests as an outsider sends them, and every exchange kept."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

from deskclerk.sandbox import open_sandbox
from tests.contract.openapi import ERROR, operation

PASSWORD = "a long and unusual passphrase"
HEADERS = {"Authorization": "Bearer sk_test_sandbox", "Clerk-API-Version": "2026-05-12"}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    `paginated`: the list was asked for with the number of all. `expected`: how Clerk refuses it, as
    `404 resource_not_found`, or as `4` where only so much is known; empty when it does not refuse.
    """

    method: str
    path: str
    paginated: bool
    expected: str
    status: int
    headers: httpx2.Headers
    answer: Any

    @property
    def outcome(self) -> str:
        """The status, with the codes of an error."""
        codes = [error["code"] for error in self.answer["errors"]] if self.status >= ERROR else []
        return " ".join([str(self.status), *codes])

    @property
    def is_expected(self) -> bool:
        """Whether the outcome is the expected one, or one of several refusals is."""
        status, _, code = (self.expected or "2").partition(" ")
        return self.outcome.startswith(status) and (not code or code in self.outcome.split())

    @property
    def route(self) -> str:
        """The method and the path template."""
        return f"{self.method} {operation(self.method, self.path).path}"


@dataclass
class Visit:
    """Somebody with the key, and what was asked and answered so far."""

    http: httpx2.AsyncClient
    exchanges: list[Exchange] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, *, expected: str = "", **query: Any) -> Any:
        """Send one request; the answer's JSON."""
        return await self.send(method, path, expected=expected, query=query, json=body)

    async def send(
        self, method: str, path: str, *, expected: str = "", query: Any = None, **content: Any
    ) -> Any:
        """Send a request with any content; the answer's JSON."""
        query = query or {}
        response = await self.http.request(method, f"/v1{path}", params=query, **content)
        answer = response.json() if response.content else None
        paginated = query.get("paginated") == "true"
        self.exchanges.append(
            Exchange(method, path, paginated, expected, response.status_code, response.headers, answer)
        )
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        """Read."""
        return await self.ask("GET", path, **query)

    async def post(self, path: str, **body: Any) -> Any:
        """Create, or do."""
        return await self.ask("POST", path, body)

    async def patch(self, path: str, **body: Any) -> Any:
        """Change."""
        return await self.ask("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        """Delete."""
        return await self.ask("DELETE", path)

    async def refused(self, expected: str, request: str, /, **more: Any) -> None:
        """Send what Clerk refuses, such as `POST /users`; more goes into a body, or a read's query."""
        method, path = request.split(" ")
        if method == "GET":
            await self.ask(method, path, expected=expected, **more)
        else:
            await self.ask(method, path, None if method == "DELETE" else more, expected=expected)


async def visited(location: Any, *journeys: Any, version: str = "2026-05-12") -> list[Exchange]:
    """The exchanges of these journeys, one after another, in one new sandbox."""
    async with open_sandbox(location) as sandbox:
        transport = httpx2.ASGITransport(app=sandbox.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(
            transport=transport,
            base_url="http://sandbox.test",
            headers=HEADERS | {"Clerk-API-Version": version},
        ) as http:
            visit = Visit(http)
            for journey in journeys:
                await journey(visit)
            return visit.exchanges
