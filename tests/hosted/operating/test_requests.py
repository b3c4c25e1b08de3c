"""Each request has an id and a route; neither its path nor who sent it is told."""

import pytest

from deskclerk.hosted.operating.requests import (
    HEADER,
    REQUEST_ID,
    RequestContext,
    RequestIds,
    request_id_of,
    trace_id_of,
)
from tests.hosted.operating.conftest import PARENT, TRACE, TRACEPARENT, middleware, site, visiting

pytestmark = pytest.mark.anyio


async def asked(lines, path, method="GET", **headers):
    lines.logger("deskclerk.requests")
    async with visiting(site(middleware(RequestIds))) as client:
        answer = await client.request(method, path, headers=headers)
    return answer, lines.read()[-1]


async def test_a_request_gets_an_id_that_is_returned_and_logged(lines):
    answer, line = await asked(lines, "/things/user_1")
    assert answer.headers[HEADER].startswith("req_")
    assert line["request_id"] == answer.headers[HEADER]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/things/{id}", 200)
    assert 0 <= line["seconds"] < 5
    assert REQUEST_ID.get() is None


async def test_a_well_formed_id_is_taken_over(lines):
    answer, line = await asked(lines, "/things/1", **{HEADER: "gateway-0123:456"})
    assert answer.headers[HEADER] == line["request_id"] == "gateway-0123:456"


@pytest.mark.parametrize(
    "given", ["short", "a" * 129, "with blanks in it", 'quote"0123456', "ünïcödé-123", ""]
)
def test_an_id_that_is_not_well_formed_is_replaced(given):
    assert request_id_of(given).startswith("req_")


async def test_the_trace_that_a_request_came_with_is_on_its_line(lines):
    _, line = await asked(lines, "/things/1", traceparent=TRACEPARENT)
    assert line["trace_id"] == TRACE


@pytest.mark.parametrize(
    "given",
    [
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        "nonsense",
        "",
        None,
    ],
)
def test_a_broken_traceparent_is_no_trace(given):
    assert trace_id_of(given) is None


@pytest.mark.promise("operating-is-watched")
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/w/acme/i/prod/plans/plan_1", "/w/{slug}/i/{instance}/plans/{id}"),
        ("/w/acme/i/prod/nothing/here", "/w/{slug}/i/{instance}/…"),
        ("/static/console.css", "/static/…"),
        ("/in/link-that-signs", "(none)"),
        ("/things/a/b", "(none)"),
    ],
)
async def test_a_route_has_no_value_of_its_path(lines, path, route):
    _, line = await asked(lines, path)
    assert line["route"] == route
    assert [word for word in ("acme", "prod", "plan_1", "link-that-signs") if word in lines.text] == []


async def test_a_method_that_somebody_made_up_is_no_label(lines):
    _, line = await asked(lines, "/things/1", method="BREW")
    assert (line["method"], line["status"]) == ("(other)", 405)


async def test_a_request_that_fails_inside_has_its_line(lines):
    _, line = await asked(lines, "/broken")
    # Answered further out than any middleware: when the line was written, no answer had begun.
    assert (line["route"], line["status"]) == ("/broken", None)


def test_work_of_a_long_session_is_logged_under_the_request_that_asked_for_it(lines):
    logger = lines.logger("deskclerk.mcp")
    with RequestContext().asked({"request_id": "req_of_this_call", "traceparent": TRACEPARENT}):
        logger.warning("within")
    logger.warning("after")
    within, after = lines.read()
    assert (within["request_id"], within["trace_id"]) == ("req_of_this_call", TRACE)
    assert (after["request_id"], after["trace_id"]) == (None, None)
