"""A desk before a Clerk made of plain dictionaries, which counts what reaches it."""

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from tests.desk_database import desk_at_home, empty_desk

from deskclerk.clerk.client import Clerk
from deskclerk.desk import Decision, Desk, Signature
from deskclerk.settings import Settings

__all__ = ["desk_at_home", "empty_desk"]


class TinyClerk:
    """Users by id; a ban is a POST, a deletion a DELETE; `trouble` answers the next write instead."""

    def __init__(self):
        self.users = {"user_1": {"id": "user_1", "object": "user", "first_name": "Ada", "banned": False}}
        self.writes = []
        self.trouble = None
        self.instance = None

    async def __call__(self, request):
        path = request.url.path.removeprefix("/v1")
        user = self.users.get(path.split("/")[2] if path.count("/") > 1 else "")
        if request.method == "GET":
            if path == "/instance" and self.instance:
                return httpx2.Response(200, json={"object": "instance", "id": self.instance})
            if path == "/users":
                return httpx2.Response(200, json=list(self.users.values()))
            # Escaped, so that it carries what UTF-8 cannot.
            body = {"content": json.dumps(user), "headers": {"content-type": "application/json"}}
            return httpx2.Response(200, **body) if user else self.missing()
        self.writes.append((request.method, path))
        if self.trouble:
            trouble, self.trouble = self.trouble, None
            return await trouble(request)
        if not user:
            return self.missing()
        if path.endswith("/ban"):
            user["banned"] = True
        elif request.method == "PATCH":
            user.update(json.loads(request.content))
        return httpx2.Response(200, json=user, headers={"x-clerk-trace-id": "trace-1"})

    def missing(self):
        return httpx2.Response(404, json={"errors": [{"message": "not found", "code": "resource_not_found"}]})


class Person:
    """Somebody who answers every plan the same way, and remembers what was shown."""

    def __init__(self, decision=Decision.APPROVED, meanwhile=None):
        self.decision = decision
        self.meanwhile = meanwhile
        self.shown = []

    async def __call__(self, plan):
        self.shown.append(plan)
        if self.meanwhile:
            self.meanwhile()
        return Signature(self.decision, "test")


@pytest.fixture
def upstream():
    return TinyClerk()


@pytest.fixture
def open_desk(upstream, tmp_path):
    @asynccontextmanager
    async def opened(**options):
        approver = options.pop("approver", None)
        given = {"secret_key": "sk_test_x", "approval_wait": 0} | options
        settings = Settings(**{"home": tmp_path / "home"} | given)
        transport = httpx2.MockTransport(upstream)
        async with (
            Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk,
            Desk.open(settings, approver=approver, clerk=clerk) as desk,
        ):
            yield desk

    return opened
