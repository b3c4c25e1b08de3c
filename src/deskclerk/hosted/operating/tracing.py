"""Traces by OpenTelemetry: a request, the call in it, its plan, what was sent to Clerk, the transactions.

The tracer is deskclerk's own and not the process's: libraries here (the MCP SDK, DBOS) trace to that one, and
put names and messages into their spans that come from outside. Of ours every attribute is one of
`ATTRIBUTES`, and their values are names that deskclerk itself has, numbers and outcomes: no id, no argument,
no address, no person.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import URL, Dialect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.database import Connection, Database, Row, Statement
from deskclerk.desk.journal.heads import Head
from deskclerk.desk.journal.storage import Storage
from deskclerk.desk.observing import ORIGIN, Call, Observer, SentRequest, Step
from deskclerk.errors import DeskclerkError
from deskclerk.hosted.operating.requests import method_of, route_of, within
from deskclerk.settings import Settings, headers_in
from deskclerk.version import __version__

Attributes = Mapping[str, str | int]

ATTRIBUTES = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "http.request.resend_count",
        "url.template",
        "error.type",
        "db.system.name",
        "db.operation.name",
        "deskclerk.action",
        "deskclerk.effect",
        "deskclerk.face",
        "deskclerk.outcome",
        "deskclerk.plan.became",
    }
)
"""All that a span of ours may have beside its name, its times and its status."""
_DONE = ("done", "proposed")
_SERVER_FAULT = 500
_EXPORT_SECONDS = 10.0
_FLUSH_MILLISECONDS = 5_000
_TRACE_CONTEXT = TraceContextTextMapPropagator()


class Tracing(Observer):
    """Makes spans, and hands them to a processor."""

    def __init__(self, processor: SpanProcessor, share: float = 1.0) -> None:
        """`share` of the requests that come without a trace are traced; the others as their trace says."""
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create({"service.name": "deskclerk", "service.version": __version__}),
            # By the process's own end: a desk closes when it has ended what is under way, and flushes then.
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attributes=len(ATTRIBUTES), max_events=0, max_links=0),
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("deskclerk", __version__)

    @classmethod
    def of(cls, settings: Settings) -> "Tracing":
        """Tracing to the collector that the settings name."""
        from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415 - for a collector

        exporter: SpanExporter = trace_exporter.OTLPSpanExporter(
            endpoint=f"{settings.otlp_endpoint}/v1/traces",
            headers=headers_in(settings.otlp_headers) if settings.otlp_headers else {},
            timeout=_EXPORT_SECONDS,
        )
        # In a thread of its own with a bounded queue: a collector that is gone keeps nobody waiting.
        return cls(BatchSpanProcessor(exporter), settings.trace_share)

    async def close(self) -> None:
        """Send what has not been sent yet, and end; in bounded time."""
        await asyncio.to_thread(self._provider.force_flush, _FLUSH_MILLISECONDS)
        await asyncio.to_thread(self._provider.shutdown)

    def storage(self, storage: Storage) -> Storage:
        """A desk's storage with its transactions as spans."""
        return TracedStorage(storage, self)

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: Context | None = None,
        about: Attributes | None = None,
    ) -> Iterator[Span]:
        """A span for a block; an error ends it with its kind, and never with what it says."""
        with self._tracer.start_as_current_span(
            name, parent, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            describe(span, about or {})
            try:
                yield span
            except BaseException as error:
                _failed(span, error.kind if isinstance(error, DeskclerkError) else type(error).__name__)
                raise

    @contextmanager
    def asked(self, origin: Mapping[str, str]) -> Iterator[None]:
        """What is done in the block is part of the trace that the request came with."""
        if "traceparent" not in origin:
            yield
            return
        token = contexts.attach(_TRACE_CONTEXT.extract(origin, Context()))
        try:
            yield
        finally:
            contexts.detach(token)

    @contextmanager
    def call(self, call: Call) -> Iterator[None]:
        """A span for a call; named by the step that it is, if another follows."""
        with self.span("call", about={"deskclerk.face": call.face}) as span:
            try:
                yield
            finally:
                span.update_name(f"call {call.action}")
                describe(
                    span,
                    {
                        "deskclerk.action": call.action,
                        "deskclerk.effect": call.effect,
                        "deskclerk.outcome": call.outcome,
                    },
                )
                if call.outcome not in _DONE:
                    _failed(span, call.outcome)

    def step(self, name: Step) -> AbstractContextManager[Span]:
        """A span for a part of a call."""
        return self.span(name)

    @contextmanager
    def request(self, sent: SentRequest) -> Iterator[None]:
        """A span for a try of a request to Clerk."""
        about = {"http.request.method": sent.method, "url.template": sent.route}
        with self.span(f"{sent.method} {sent.route}", SpanKind.CLIENT, about=about) as span:
            try:
                yield
            finally:
                if sent.status:
                    describe(span, {"http.response.status_code": sent.status})
                if sent.attempt > 1:
                    describe(span, {"http.request.resend_count": sent.attempt - 1})
                if sent.outcome not in _DONE:
                    _failed(span, sent.outcome)

    def plan(self, became: str) -> None:
        """Noted with the part of a call in which it happened."""
        describe(trace.get_current_span(), {"deskclerk.plan.became": became})


def describe(span: Span, attributes: Attributes) -> None:
    """Give a span attributes; ValueError for one that is not of `ATTRIBUTES`."""
    if unknown := attributes.keys() - ATTRIBUTES:
        raise ValueError(f"not an attribute that a span may have: {', '.join(sorted(unknown))}")
    for name, value in attributes.items():
        span.set_attribute(name, value)


def _failed(span: Span, kind: str) -> None:
    describe(span, {"error.type": kind})
    span.set_status(StatusCode.ERROR)


class TraceRequests:
    """ASGI middleware, behind `RequestIds`: a span for each HTTP request, in the trace that it came with."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on in its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin, method = scope.setdefault(ORIGIN, {}), method_of(scope)
        parent = _TRACE_CONTEXT.extract(origin, Context())
        about = {"http.request.method": method}
        with self._tracing.span(method, SpanKind.SERVER, parent, about) as span:
            # From here on this span is what the request came with, for logs and for whoever works on it.
            _TRACE_CONTEXT.inject(origin)

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    describe(span, {"http.response.status_code": message["status"]})
                    if message["status"] >= _SERVER_FAULT:
                        _failed(span, str(message["status"]))
                await send(message)

            try:
                with within(origin):
                    await self._app(scope, receive, answer)
            finally:
                route = route_of(scope)
                span.update_name(f"{method} {route}")
                describe(span, {"http.route": route})


class TracedDatabase:
    """A database whose transactions are spans: how long they took, and no statement."""

    def __init__(self, database: Database, tracing: Tracing) -> None:
        self._database = database
        self._tracing = tracing

    @property
    def url(self) -> URL:
        """Where it is."""
        return self._database.url

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""
        return self._database.dialect

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that only reads."""
        return self._traced("read", self._database.reading())

    def writing(
        self, *, synced: bool = True, bounded: bool = True
    ) -> AbstractAsyncContextManager[Connection]:
        """A transaction that holds the write lock."""
        return self._traced("write", self._database.writing(synced=synced, bounded=bounded))

    async def ask(self, statement: Statement, /, **values: Any) -> list[Row]:
        """The rows of one statement."""
        with self._span("ask"):
            return await self._database.ask(statement, **values)

    async def dispose(self) -> None:
        """Close every connection."""
        await self._database.dispose()

    @asynccontextmanager
    async def _traced(
        self, name: str, transaction: AbstractAsyncContextManager[Connection]
    ) -> AsyncIterator[Connection]:
        with self._span(name):
            async with transaction as connection:
                yield connection

    def _span(self, name: str) -> AbstractContextManager[Span]:
        about = {"db.system.name": self.dialect.name, "db.operation.name": name}
        return self._tracing.span(f"database {name}", SpanKind.CLIENT, about=about)


class TracedStorage:
    """A desk's storage whose database is traced."""

    def __init__(self, storage: Storage, tracing: Tracing) -> None:
        self._storage = storage
        self._tracing = tracing

    async def database(self) -> Database:
        """The database, its transactions as spans."""
        return TracedDatabase(await self._storage.database(), self._tracing)

    @property
    def commands(self) -> bool:
        """Whether commands work on it."""
        return self._storage.commands

    @property
    def process(self) -> str | None:
        """This process's name, once it has one."""
        return self._storage.process

    def process_name(self) -> str:
        """This process's name."""
        return self._storage.process_name()

    def locks(self) -> Path | str:
        """Where processes hold their locks."""
        return self._storage.locks()

    async def beginning(self) -> Head:
        """The line behind which the journal begins."""
        return await self._storage.beginning()

    async def close(self) -> None:
        """Let go of what is the desk's alone."""
        await self._storage.close()
