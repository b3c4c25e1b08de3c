from deskclerk.sandbox.handlers import HANDLERS
from deskclerk.sandbox.refusals import STATUS
from tests.contract import openapi

BEYOND = {"too_many_requests"}
"""Answered by the real service when a rate limit is reached; its document lists codes of operations only."""


def test_every_refusal_of_the_sandbox_has_a_code_and_a_status_of_clerks():
    known = {code for code, _ in openapi.ERRORS}
    undecided = {code for code, status in openapi.ERRORS if status is None}
    assert set(STATUS) - known == BEYOND
    assert {
        pair for pair in STATUS.items() if pair not in openapi.ERRORS and pair[0] not in undecided | BEYOND
    } == set()


def test_every_route_of_the_sandbox_is_an_operation_of_clerks():
    assert {(str(route.method), route.path) for route in HANDLERS} - set(openapi.OPERATIONS) == set()
