"""A Clerk of few words: what it was asked is kept, what it answers is settled by the test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Stub:
    """Users by id; `status` other than 200 is answered to everything."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    status: int = 200
    origin: str = ""

    def add(self, **facts: Any) -> str:
        """A user with these facts; the id."""
        user_id = f"user_{len(self.users):027d}"
        user = {"id": user_id, "object": "user", "first_name": "Ada", "last_name": "Lovelace"}
        user |= {"email_addresses": [{"email_address": f"ada{len(self.users)}@example.com"}]}
        user |= {"banned": False, "locked": False, "created_at": 1_767_225_600_000, "public_metadata": {}}
        self.users[user_id] = user | facts
        return user_id

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What was asked that is no read."""
        return [request for request in self.requests if request[0] != "GET"]

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """The status and the JSON of one answer."""
        url = urlsplit(target)
        path = url.path.removeprefix("/v1")
        self.requests.append((method, path))
        self.bodies.append(body)
        if self.status != 200:
            return self.status, {"errors": [{"message": "No.", "code": "clerk_key_invalid"}]}
        match path.strip("/").split("/"):
            case ["users"] if method == "POST":
                return 200, self.users[self.add(**body)]
            case ["users"]:
                return 200, self._page({key: values[0] for key, values in parse_qs(url.query).items()})
            case ["users", user_id, *verb] if user_id in self.users:
                changes = {"banned": verb == ["ban"]} if verb else body or {}
                self.users[user_id] |= changes if method != "DELETE" else {"deleted": True}
                return 200, self.users[user_id]
            case ["domains"]:
                return 200, {"data": [{"id": "dmn_1", "name": "example.com"}], "total_count": 1}
            case ["oauth_applications"]:
                return 200, {"id": "oa_1", "object": "oauth_application", "client_secret": "very-secret"}
        return 404, {"errors": [{"message": "Not found.", "code": "resource_not_found"}]}

    def _page(self, query: dict[str, str]) -> list[Any]:
        names = list(self.users)
        after = query.get("starting_after")
        start = names.index(after) + 1 if after else int(query.get("offset", 0))
        return [self.users[name] for name in names[start : start + int(query.get("limit", 10))]]


@contextmanager
def running(stub: Stub) -> Iterator[Stub]:
    """The stub on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = stub.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = do_any  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.origin = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield stub
        server.shutdown()
        thread.join()
