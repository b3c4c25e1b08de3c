import asyncio
import re

import pytest

from tests.contract import openapi
from tests.contract.journeys import JOURNEYS
from tests.contract.visit import visited

LEDGER: dict[str, str] = {}
"""How answers of the sandbox differ from Clerk's document, and why. Exact: none more, none less."""


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory):
    """Everything asked and answered on the way through the sandbox."""
    return asyncio.run(visited(tmp_path_factory.mktemp("sandbox") / "sandbox.db", *JOURNEYS))


def test_every_route_of_the_actions_is_answered(exchanges):
    answered = {exchange.route for exchange in exchanges if exchange.status < openapi.ERROR}
    assert {route for action in openapi.ACTIONS for route in action["routes"]} - answered == set()


def test_what_clerk_takes_is_taken_and_what_it_refuses_is_refused_in_the_same_way(exchanges):
    assert [
        f"{exchange.method} {exchange.path}: {exchange.outcome}, expected {exchange.expected or 'a success'}"
        for exchange in exchanges
        if not exchange.is_expected
    ] == []


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_every_answer_is_as_the_document_has_it(exchanges):
    found = {
        f"{exchange.route} {exchange.status}: {problem}"
        for exchange in exchanges
        for problem in openapi.answer_problems(
            exchange.method, exchange.path, exchange.status, exchange.answer, paginated=exchange.paginated
        )
    }
    assert sorted(found - LEDGER.keys()) == []
    assert sorted(LEDGER.keys() - found) == []


def test_every_answer_is_plain_json_without_a_charset(exchanges):
    kinds = {exchange.headers["content-type"] for exchange in exchanges if exchange.answer is not None}
    assert kinds == {"application/json"}


def test_every_error_names_its_trace_in_the_header_and_in_the_body(exchanges):
    for exchange in exchanges:
        trace = exchange.headers["x-clerk-trace-id"]
        assert re.fullmatch("[0-9a-f]{32}", trace)
        assert exchange.status < openapi.ERROR or exchange.answer["clerk_trace_id"] == trace
