"""Clerk's official Python client goes the ways through the sandbox: it has a call for almost every route."""

import asyncio

import httpx
import httpx2
import pytest

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.http.routes import HANDLERS
from tests.contract import openapi
from tests.contract.journeys import JOURNEYS
from tests.contract.sdk_visit import CALLS, REFUSED, SdkVisit
from tests.contract.visit import HEADERS

SERVED = {(str(route.method), openapi.shape(route.path)) for route in HANDLERS}


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    async def go():
        async with open_sandbox(tmp_path_factory.mktemp("sdk") / "sandbox.db") as sandbox:
            plain = httpx2.ASGITransport(app=sandbox.app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(
                transport=plain, base_url="http://sandbox.test", headers=HEADERS
            ) as http:
                visit = SdkVisit(http, transport=httpx.ASGITransport(app=sandbox.app))
                for journey in JOURNEYS:
                    await journey(visit)
                return visit

    return asyncio.run(go())


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_the_client_reaches_every_route_that_it_has_a_call_for(visit):
    assert (SERVED & CALLS.keys()) - visit.made == REFUSED.keys() & CALLS.keys()
    # Read from its source: a newer one may be written otherwise.
    assert len(CALLS) == 237


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_the_client_understands_every_answer(visit):
    assert visit.not_understood == []


def test_what_the_client_asks_for_is_taken(visit):
    assert [
        f"{exchange.method} {exchange.path}: {exchange.outcome}"
        for exchange in visit.exchanges
        if not exchange.is_expected
    ] == []
