"""Spans of a request, its call, its plan, what is sent and the transactions; and what they do not hold."""

import asyncio
import http.server
import threading
from dataclasses import replace
from types import SimpleNamespace

import mcp_types as types
import pytest
from mcp import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deskclerk.catalogue import BanUser, GetUser, ListUsers
from deskclerk.desk.observing import ORIGIN, Observer
from deskclerk.errors import NotFound
from deskclerk.faces.mcp.server import _origin_of, build
from deskclerk.hosted.operating.operating import Operating
from deskclerk.hosted.operating.requests import TRACE_ID, RequestIds
from deskclerk.hosted.operating.tracing import ATTRIBUTES, TraceRequests, Tracing, describe
from deskclerk.settings import Settings
from tests.hosted.operating.conftest import PARENT, SECRET, TRACE, TRACEPARENT, middleware, site, visiting

pytestmark = pytest.mark.anyio


class Spans(InMemorySpanExporter):
    def named(self, name):
        (found,) = [span for span in self.get_finished_spans() if span.name == name]
        return found

    def under(self, span):
        return [
            other.name
            for other in self.get_finished_spans()
            if other.parent and other.parent.span_id == span.context.span_id
        ]

    def text(self):
        return "\n".join(span.to_json() for span in self.get_finished_spans())


@pytest.fixture
def spans():
    return Spans()


@pytest.fixture
def tracing(spans):
    return Tracing(SimpleSpanProcessor(spans))


@pytest.fixture
def traced(open_desk, tracing, tmp_path):
    """Opens a desk that is traced."""
    operating = Operating(Settings(home=tmp_path / "home"), lambda: None, metrics=False)
    operating._tracing, operating.observer = tracing, tracing

    def opened():
        return open_desk(operating.watched)

    return opened


async def test_a_write_is_a_tree_of_its_plan_its_requests_and_its_transactions(traced, spans):
    async with traced() as desk:
        user = (await desk.perform(ListUsers(limit=1))).value["items"][0]["id"]
        spans.clear()
        await desk.perform(BanUser(user_id=user))
    call = spans.named("call clerk_user_ban")
    assert dict(call.attributes) == {
        "deskclerk.face": "python",
        "deskclerk.action": "clerk_user_ban",
        "deskclerk.effect": "write",
        "deskclerk.outcome": "done",
    }
    assert [name for name in spans.under(call) if name in ("plan", "write")] == ["plan", "write"]
    plan, write = spans.named("plan"), spans.named("write")
    assert "GET /users/{user_id}" in spans.under(plan)
    assert "database write" in spans.under(plan)
    assert plan.attributes["deskclerk.plan.became"] == "proposed"
    assert spans.under(write).count("POST /users/{user_id}/ban") == 1
    assert spans.under(write).count("database write") == 2
    sent = spans.named("POST /users/{user_id}/ban")
    assert sent.kind is SpanKind.CLIENT
    assert dict(sent.attributes) == {
        "http.request.method": "POST",
        "url.template": "/users/{user_id}/ban",
        "http.response.status_code": 200,
    }


@pytest.mark.promise("operating-is-watched")
async def test_no_span_holds_an_id_or_a_name_and_all_attributes_are_listed(traced, spans):
    async with traced() as desk:
        user = (await desk.perform(ListUsers(limit=1))).value["items"][0]
        await desk.perform(BanUser(user_id=user["id"]))
        with pytest.raises(NotFound):
            await desk.perform(GetUser(user_id="user_nobody"))
    told = spans.text()
    for secret in (user["id"], "user_nobody", user["email_addresses"][0]["email_address"], "sk_test"):
        assert secret not in told
    assert {name for span in spans.get_finished_spans() for name in span.attributes} <= ATTRIBUTES
    assert not [span for span in spans.get_finished_spans() if span.events]


async def test_an_error_ends_a_span_with_its_kind_and_not_with_what_it_says(traced, spans):
    async with traced() as desk:
        with pytest.raises(NotFound):
            await desk.perform(GetUser(user_id="user_nobody"))
    call = spans.named("call clerk_user_get")
    assert call.status.status_code is StatusCode.ERROR
    assert call.status.description is None
    assert call.attributes["error.type"] == "not_found"


def test_an_attribute_that_is_not_listed_is_refused(tracing):
    with tracing.span("call") as span, pytest.raises(ValueError, match=r"user\.id"):
        describe(span, {"user.id": "user_1"})


async def test_a_request_goes_on_with_the_trace_that_it_came_with(tracing, spans, lines):
    lines.logger("deskclerk.requests")
    app = site(middleware(RequestIds), middleware(TraceRequests, tracing=tracing))
    async with visiting(app) as client:
        headers = {"traceparent": TRACEPARENT, "tracestate": "vendor=1", "user-agent": SECRET}
        await client.get(f"/things/user_1?token={SECRET}", headers=headers)
    span = spans.named("GET /things/{id}")
    assert span.kind is SpanKind.SERVER
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert span.context.trace_state.get("vendor") == "1"
    assert span.attributes["http.response.status_code"] == 200
    assert lines.read()[-1]["trace_id"] == TRACE
    assert SECRET not in spans.text()
    assert "user_1" not in spans.text()


async def test_a_trace_that_begins_here_is_on_the_lines_of_its_request(tracing, spans, lines):
    lines.logger("deskclerk.requests")
    seen = []
    app = site(middleware(RequestIds), middleware(TraceRequests, tracing=tracing))

    async def look(_request):
        seen.append(TRACE_ID.get())
        return PlainTextResponse("seen")

    app.router.routes.append(Route("/look", look))
    async with visiting(app) as client:
        await client.get("/look")
    trace = f"{spans.named('GET /look').context.trace_id:032x}"
    assert seen == [lines.read()[-1]["trace_id"]] == [trace]


@pytest.mark.promise("operating-is-watched")
async def test_a_fault_is_told_by_its_class(tracing, spans):
    async with visiting(site(middleware(TraceRequests, tracing=tracing))) as client:
        await client.get("/broken")
    assert spans.named("GET /broken").attributes["error.type"] == "ZeroDivisionError"
    assert SECRET not in spans.text()


@pytest.mark.promise("operating-is-watched")
async def test_a_trace_that_is_not_sampled_by_whoever_asks_is_not_made_here(spans):
    never = Tracing(SimpleSpanProcessor(spans), share=0.0)
    async with visiting(site(middleware(RequestIds), middleware(TraceRequests, tracing=never))) as client:
        await client.get("/things/1")
        await client.get("/things/1", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
        assert spans.get_finished_spans() == ()
        await client.get("/things/1", headers={"traceparent": TRACEPARENT})
    assert len(spans.get_finished_spans()) == 1


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_over_mcp_goes_on_with_the_trace_in_its_meta(traced, spans, mode):
    async with traced() as desk, Client(build(desk), mode=mode) as client:
        meta = types.RequestParamsMeta(traceparent=TRACEPARENT)
        result = await client.call_tool("clerk_users_list", {"limit": 1}, meta=meta)
        assert not result.is_error
    calls = [
        span for span in spans.get_finished_spans() if span.attributes.get("deskclerk.outcome") == "done"
    ]
    assert {f"{span.context.trace_id:032x}" for span in calls} == {TRACE}
    assert {span.attributes["deskclerk.face"] for span in calls} == {"mcp"}


class Origins(Observer):
    """Notes what messages came with."""

    def __init__(self):
        self.told = []

    def asked(self, origin):
        self.told.append(dict(origin))
        return super().asked(origin)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_an_observer_is_told_the_trace_of_each_message(open_desk, mode):
    origins = Origins()
    async with (
        open_desk(lambda workspace: replace(workspace, observer=origins)) as desk,
        Client(build(desk), mode=mode) as client,
    ):
        meta = types.RequestParamsMeta(traceparent=TRACEPARENT, tracestate="vendor=1")
        await client.call_tool("clerk_users_list", {"limit": 1}, meta=meta)
        await client.call_tool("clerk_users_list", {"limit": 1})
    # Each of a session's messages its own, and those that follow not that of the first.
    assert [told for told in origins.told if told] == [{"traceparent": TRACEPARENT, "tracestate": "vendor=1"}]
    assert origins.told[-1] == {}


def test_the_trace_of_a_message_outweighs_that_of_its_request():
    http = {
        "request_id": "req_12345678",
        "traceparent": f"00-{'a' * 32}-{PARENT}-01",
        "tracestate": "vendor=2",
    }
    request = Request({"type": "http", "headers": [], ORIGIN: http})
    assert _origin_of(SimpleNamespace(request=request, meta=None)) == http
    own = _origin_of(SimpleNamespace(request=request, meta={"traceparent": TRACEPARENT}))
    assert own == {"request_id": "req_12345678", "traceparent": TRACEPARENT}


@pytest.fixture
def collector():
    """An OTLP receiver on a port of this machine; what it was sent, and with which key."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, self.headers.get("x-key"), ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


@pytest.mark.promise("operating-is-watched")
async def test_spans_are_sent_to_the_collector_before_the_end(collector, open_desk, tmp_path):
    endpoint, got = collector
    settings = Settings(
        home=tmp_path / "home", otlp_endpoint=f"{endpoint}/", otlp_headers=SecretStr("X-Key=sesame")
    )
    operating = Operating(settings, lambda: None, metrics=False)
    async with open_desk(operating.watched) as desk:
        await desk.perform(ListUsers(limit=1))
    await operating.close()
    ((path, key, sent),) = got
    assert (path, key) == ("/v1/traces", "sesame")
    (resource,) = sent.resource_spans
    about = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert about["service.name"] == "deskclerk"
    names = [span.name for scope in resource.scope_spans for span in scope.spans]
    assert "call clerk_users_list" in names
    assert "GET /users" in names


async def test_a_collector_that_is_gone_keeps_nobody_waiting(open_desk, tmp_path, lines):
    lines.logger("opentelemetry")
    settings = Settings(home=tmp_path / "home", otlp_endpoint="http://127.0.0.1:9")
    operating = Operating(settings, lambda: None, metrics=False)
    async with asyncio.timeout(20):
        async with open_desk(operating.watched) as desk:
            await desk.perform(ListUsers(limit=1))
        await operating.close()
