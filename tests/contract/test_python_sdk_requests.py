import asyncio
import json

import httpx
import pytest
from clerk_backend_api.models import ClerkBaseError

from deskclerk.catalogue import ACTIONS
from tests.contract import arguments
from tests.contract.openapi import operation
from tests.contract.python_sdk import CALLS, call, client
from tests.contract.wire import every_action, sent

UNKNOWN_TO_THE_CLIENT = "starting_after"
"""Came with a newer API version than the client's."""

NOT_FOUND = {"errors": [{"code": "resource_not_found", "message": "none", "long_message": "none"}]}


async def sent_by_the_official_client(name, given_arguments):
    """The requests of the calls that do what the action does."""
    requests = []

    def answer(request):
        requests.append(request)
        return httpx.Response(404, json=NOT_FOUND)

    async with client(httpx.MockTransport(answer)) as clerk:
        for each in CALLS[name]:
            with pytest.raises(ClerkBaseError):
                await call(clerk, each, given_arguments)
    return requests


def ours_on_the_wire(request) -> tuple:
    """Method, path, query pairs and body of a request of ours, made comparable to the official client's.

    It drops every claim of a JWT template and sends an empty object.
    """
    body = request.body
    if body and "claims" in body:
        body = {**body, "claims": {}}
    return str(request.method), request.path, sorted(request.query), body


def theirs_on_the_wire(request: httpx.Request, ours) -> tuple:
    """The same of the official client, without the defaults that it spells out."""
    path = request.url.path.removeprefix("/v1")
    named = operation(request.method, path).named("query")
    asked = {name for name, _ in ours.query}
    pairs = [
        (name, text)
        for name, text in request.url.params.multi_items()
        if name in asked or text != str(named[name]["schema"].get("default"))
    ]
    return request.method, path, sorted(pairs), json.loads(request.content) if request.content else None


@every_action
@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")  # of last_active_at_since
def test_an_action_sends_what_the_official_client_sends(action):
    name = action.spec.name
    given = arguments.full(name, without=UNKNOWN_TO_THE_CLIENT)
    ours, theirs = sent(action, given), asyncio.run(sent_by_the_official_client(name, given))
    assert [ours_on_the_wire(each) for each in ours] == [
        theirs_on_the_wire(each, match) for each, match in zip(theirs, ours, strict=True)
    ]


def test_every_action_has_a_call_of_the_official_client():
    assert list(CALLS) == [action.spec.name for action in ACTIONS]
