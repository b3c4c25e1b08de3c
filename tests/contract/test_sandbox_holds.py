import asyncio
from contextlib import AsyncExitStack

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deskclerk.catalogue import Request, Verb
from deskclerk.sandbox import open_sandbox
from tests.contract import arguments, openapi
from tests.contract.visit import HEADERS, Visit
from tests.contract.wire import every_action, sent

LISTS = {
    "user_id": "/users",
    "organization_id": "/organizations",
    "session_id": "/sessions",
    "invitation_id": "/invitations",
    "identifier_id": "/allowlist_identifiers",
    "template_id": "/jwt_templates",
    "domain_id": "/domains",
    "oauth_application_id": "/oauth_applications",
    "role_set_key_or_id": "/role_sets",
}
"""Where ids that stand in paths are found."""
KNOWN = {
    "template_type": ["email", "sms"],
    "slug": ["verification_code", "password_changed"],
    "provider": ["oauth_google"],
}
"""What else stands in paths, and every sandbox has."""

INTERNAL = 500


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Sends a request of an action to one sandbox, which every example finds as the last one left it."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        visit = runner.run(arrive(stack, tmp_path_factory.mktemp("sandbox") / "sandbox.db"))

        def ask(request):
            query = {name: [text for key, text in request.query if key == name] for name, _ in request.query}
            runner.run(visit.ask(str(request.method), request.path, request.body, **query))
            return visit.exchanges[-1]

        yield ask
        runner.run(stack.aclose())


async def arrive(stack: AsyncExitStack, location) -> Visit:
    """A visit to a sandbox with something of everything in it."""
    sandbox = await stack.enter_async_context(open_sandbox(location))
    transport = httpx2.ASGITransport(app=sandbox.app, raise_app_exceptions=False)
    client = httpx2.AsyncClient(transport=transport, base_url="http://sandbox.test", headers=HEADERS)
    return Visit(await stack.enter_async_context(client))


@pytest.fixture(scope="module")
def ids(ask):
    """The ids that the sandbox has, by the name of the path parameter."""
    found = dict(KNOWN)
    for name, path in LISTS.items():
        answer = ask(Request(Verb.GET, path)).answer
        found[name] = [item["id"] for item in (answer["data"] if isinstance(answer, dict) else answer)]
    return found


@every_action
@settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_whatever_the_document_allows_is_answered_as_the_document_has_it(action, data, ask, ids):
    drawn = data.draw(arguments.drawn(action.spec.name))
    here = {name: data.draw(st.sampled_from(ids[name])) for name in action.spec.route.names if ids.get(name)}
    for request in sent(action, drawn | here):
        exchange = ask(request)
        assert exchange.status < INTERNAL
        assert (
            openapi.answer_problems(
                exchange.method,
                exchange.path,
                exchange.status,
                exchange.answer,
                paginated=("paginated", "true") in request.query,
            )
            == []
        )
