"""Metrics for Prometheus: what this process has done, and what waits in the database.

Labels are names that deskclerk itself has (of actions, effects, outcomes, routes), so that there are only so
many; none says who asked, or for whom, unless `metrics_by_workspace` has workspaces named by their ids.
"""

import asyncio
import hmac
import platform
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from pydantic import SecretStr
from sqlalchemy import bindparam, column, func, or_, select
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskclerk.catalogue import EVERY_ACTION
from deskclerk.database import Database, Statement
from deskclerk.database.postgres import PostgresDatabase
from deskclerk.database.scoping import COLUMN
from deskclerk.desk.jobs.job import OPEN, PAUSED, PLANNED
from deskclerk.desk.journal.tables import events, jobs, plans
from deskclerk.desk.observing import Call, Observer, SentRequest
from deskclerk.desk.plans.store import SIGNED, WAITING
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.operating.requests import method_of, route_of
from deskclerk.version import __version__

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""The buckets of every histogram: from an answer of the sandbox to a person who signs."""
_FRESH_SECONDS = 5.0
"""For how long what the database was asked is told again: of several who scrape, one asks."""
_ASK_SECONDS = 2.0
_MOST_WORKSPACES = 200
"""Workspaces that are named at most, those with the most that waits."""
_HOUR, _MINUTE = 3_600_000, 60_000
_OTHER = "(other)"
_KNOWN = frozenset(action.spec.name for action in EVERY_ACTION) | {"undo"}
_NO_ANSWER = "none"
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_ADDRESS_IS_OPEN = (
    "Other machines reach this address: set DESKCLERK_METRICS_TOKEN, and show it as a bearer token.\n"
)


@dataclass(frozen=True, slots=True)
class Described:
    """One metric, as the reference page has it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class Metrics(Observer):
    """What is measured, in a registry of its own: it watches desks, and asks the database when scraped."""

    def __init__(
        self,
        database: Callable[[], Awaitable[Database]] | None = None,
        *,
        sessions: Callable[[], int] | None = None,
        redis: Callable[[], float] | None = None,
        worker: Callable[[], float] | None = None,
        by_workspace: bool = False,
    ) -> None:
        """`database` opens the whole database, `sessions` counts the open ones of MCP's older era.

        `redis` says for how many seconds Redis has not been heard, `worker` for how many this process, which
        carries out jobs, has not looked at them.
        """
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        self._database = database
        self._sessions = sessions
        self._redis = redis
        self._worker = worker
        self._by_workspace = by_workspace
        self._looking = asyncio.Lock()
        self._looked = -_FRESH_SECONDS

        self.calls = self._counter("calls", "Calls that ended, however they did.", "action", "outcome")
        self.call_seconds = self._histogram(
            "call_seconds", "How long calls took, a person's signature among it.", "effect"
        )
        self.plans = self._counter(
            "plans", "Plans that became proposed, signed, used, declined or dismissed.", "became"
        )
        self.items = self._counter(
            "job_items",
            "Items of jobs that this process carried out: done, refused, unknown or skipped.",
            "became",
        )
        self.items_in_minute = self._gauge(
            "job_items_in_minute",
            "Items of jobs that ended in the last minute, by the journal, of all replicas.",
            "outcome",
        )
        self.clerk_requests = self._counter(
            "clerk_requests",
            "Requests sent to Clerk, every try; status 429 is the rate limit, none no answer.",
            "method",
            "route",
            "status",
        )
        self.clerk_seconds = self._histogram(
            "clerk_seconds", "How long Clerk took to answer, without waits of our own.", "method"
        )
        self.clerk_retries = self._counter("clerk_retries", "Tries after the first.", "method")
        self.http_requests = self._counter(
            "http_requests", "HTTP requests that were answered.", "method", "route", "status"
        )
        self.http_seconds = self._histogram(
            "http_seconds", "How long they took; streams, to their end.", "route"
        )
        self.http_open = self._gauge("http_requests_open", "HTTP requests that are under way.")
        self.streams = self._gauge("streams_open", "Event streams that are open.")
        self.open_sessions = self._gauge("mcp_sessions_open", "Sessions of MCP's older era that are open.")
        self.plans_waiting = self._gauge("plans_waiting", "Plans that wait for a signature, of all replicas.")
        self.oldest_plan = self._gauge("plans_waiting_oldest_seconds", "The age of the oldest of them.")
        self.plans_expired = self._gauge(
            "plans_expired_in_hour", "Plans that nobody used in time, in the last hour."
        )
        self.jobs = self._gauge("jobs", "Jobs that are not over, of all replicas.", "status")
        self.workspace_plans = self._gauge(
            "workspace_plans_waiting",
            "Plans that wait, by workspace; with `metrics_by_workspace` alone.",
            "workspace",
        )
        self.redis_unheard = self._gauge(
            "redis_unheard_seconds",
            "For how long Redis has not been heard; 0 while it is. Of a hosted desk alone.",
            shown=redis is not None,
        )
        self.worker_unlooked = self._gauge(
            "worker_unlooked_seconds",
            "For how long this worker has not looked at the jobs; on a worker's page alone.",
            shown=worker is not None,
        )
        self.database_up = self._gauge("database_up", "Whether the database answered when it was asked last.")
        self.connections = self._gauge("database_connections", "Connections of this process.", "state")
        self.most_connections = self._gauge("database_connections_most", "How many it may have.")
        self.build = self._gauge("build_info", "Always 1.", "version", "python")
        self.build.labels(__version__, platform.python_version()).set(1)
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self.described.append(Described(f"deskclerk_{name}_total", "counter", labels, text))
        return Counter(f"deskclerk_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str, shown: bool = True) -> Gauge:
        # Not where nobody tells it: a 0 would say that all is well.
        self.described.append(Described(f"deskclerk_{name}", "gauge", labels, text))
        return Gauge(f"deskclerk_{name}", text, labels, registry=self.registry if shown else None)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        self.described.append(Described(f"deskclerk_{name}", "histogram", labels, text))
        return Histogram(f"deskclerk_{name}", text, labels, registry=self.registry, buckets=_SECONDS)

    # Told by desks, as things happen.

    @contextmanager
    def call(self, call: Call) -> Iterator[None]:
        """Counts a call when it is over."""
        began = perf_counter()
        try:
            yield
        finally:
            if call.over:
                action = call.action if call.action in _KNOWN else _OTHER
                self.calls.labels(action, call.outcome).inc()
                self.call_seconds.labels(call.effect).observe(perf_counter() - began)

    @contextmanager
    def request(self, sent: SentRequest) -> Iterator[None]:
        """Counts one try of a request to Clerk."""
        began = perf_counter()
        try:
            yield
        finally:
            status = str(sent.status) if sent.status else _NO_ANSWER
            self.clerk_requests.labels(sent.method, sent.route or _OTHER, status).inc()
            self.clerk_seconds.labels(sent.method).observe(perf_counter() - began)
            if sent.attempt > 1:
                self.clerk_retries.labels(sent.method).inc()

    def plan(self, became: str) -> None:
        """Counts what became of plans."""
        self.plans.labels(became).inc()

    def item(self, became: str) -> None:
        """Counts what became of items."""
        self.items.labels(became).inc()

    # Asked when somebody scrapes.

    async def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics, and the content type in which a scraper that accepts these takes them."""
        await self._look()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    async def _look(self) -> None:
        """Ask what is not counted as it happens; a database that does not answer in time is down."""
        if self._sessions:
            self.open_sessions.set(self._sessions())
        if self._redis:
            self.redis_unheard.set(self._redis())
        if self._worker:
            self.worker_unlooked.set(self._worker())
        if self._database is None:
            return
        async with self._looking:
            if monotonic() - self._looked < _FRESH_SECONDS:
                return
            try:
                async with asyncio.timeout(_ASK_SECONDS):
                    await self._ask(await self._database())
                self.database_up.set(1)
            except (TimeoutError, StorageUnavailable, DBAPIError):
                # What was so some time ago is not told as if it were so now.
                self.database_up.set(0)
                for gauge in (self.plans_waiting, self.oldest_plan, self.plans_expired):
                    gauge.set(float("nan"))
                for gauge in (self.jobs, self.items_in_minute, self.workspace_plans):
                    gauge.clear()
            self._looked = monotonic()

    async def _ask(self, database: Database) -> None:
        if isinstance(database, PostgresDatabase):
            use = database.pool_use
            self.connections.labels("in_use").set(use.in_use)
            self.connections.labels("idle").set(use.idle)
            self.most_connections.set(use.most)
        moment = now()
        ((waiting, oldest),) = await database.ask(_PLANS_WAITING, now=moment)
        ((expired,),) = await database.ask(_PLANS_EXPIRED, now=moment, since=moment - _HOUR)
        by_status = await database.ask(_JOBS_BY_STATUS)
        self.plans_waiting.set(waiting)
        self.oldest_plan.set(max(0, moment - oldest) / 1000 if oldest else 0)
        self.plans_expired.set(expired)
        for status, count in (*((status, 0) for status in _NOT_OVER), *by_status):
            self.jobs.labels(status).set(count)
        ended = await database.ask(_ITEMS_ENDED, since=moment - _MINUTE)
        self.items_in_minute.clear()
        for outcome, count in ended:
            self.items_in_minute.labels(outcome).set(count)
        if self._by_workspace:
            found = await database.ask(_PLANS_BY_WORKSPACE, now=moment)
            self.workspace_plans.clear()
            for workspace, count in found:
                self.workspace_plans.labels(workspace).set(count)


# Written out: a list of values is put into a statement only when it is sent, and these are compiled before.
_NOT_OVER = (PLANNED, *OPEN, PAUSED)
_STILL = plans.c.expires_at > bindparam("now")
_PLANS_WAITING = Statement(
    select(func.count(), func.min(plans.c.created_at)).where(plans.c.status == WAITING, _STILL)
)
_PLANS_EXPIRED = Statement(
    select(func.count()).where(
        or_(plans.c.status == WAITING, plans.c.status == SIGNED),
        ~_STILL,
        plans.c.expires_at > bindparam("since"),
    )
)
_JOBS_BY_STATUS = Statement(
    select(jobs.c.status, func.count())
    .where(or_(*(jobs.c.status == status for status in _NOT_OVER)))
    .group_by(jobs.c.status)
)
_ITEMS_ENDED = Statement(
    select(events.c.outcome, func.count())
    .where(events.c.at > bindparam("since"), events.c.kind == "outcome", events.c.job.is_not(None))
    .group_by(events.c.outcome)
)
_WORKSPACE: Any = column(COLUMN, _selectable=plans)
_PLANS_BY_WORKSPACE = Statement(
    select(_WORKSPACE, func.count().label("waiting"))
    .where(plans.c.status == WAITING, _STILL)
    .group_by(_WORKSPACE)
    .order_by(func.count().desc())
    .limit(_MOST_WORKSPACES)
)


class MetricsPage:
    """`/metrics`: for whoever shows the token; where none is set, for this machine alone."""

    def __init__(self, metrics: Metrics, *, token: SecretStr | None, loopback: bool) -> None:
        """`loopback` says that the server's bind can be reached from this machine alone."""
        self._metrics = metrics
        self._token = token.get_secret_value().encode() if token else None
        self._loopback = loopback

    async def __call__(self, request: Request) -> Response:
        """The metrics, in the form that the scraper asks for."""
        # By the bind and not by who asks: behind a proxy everybody comes from this machine. By the name too:
        # a page in a browser can have a name of its own resolve to this machine.
        if self._token is None and not (self._loopback and request.url.hostname in _LOOPBACK_NAMES):
            return PlainTextResponse(_ADDRESS_IS_OPEN, 403)
        if self._token is not None and not self._shows(request, self._token):
            told = {"WWW-Authenticate": 'Bearer realm="deskclerk metrics"'}
            return PlainTextResponse("Show DESKCLERK_METRICS_TOKEN as a bearer token.\n", 401, headers=told)
        body, content_type = await self._metrics.scrape(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    @staticmethod
    def _shows(request: Request, token: bytes) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("latin-1"), token)
        return same and scheme.lower() == "bearer"


class CountRequests:
    """ASGI middleware: counts HTTP requests by their route, and the streams that are open."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began, metrics = 0, perf_counter(), self._metrics

        with metrics.http_open.track_inprogress(), _Stream(metrics.streams) as stream:

            async def answer(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    stream.look(message)
                await send(message)

            try:
                await self._app(scope, receive, answer)
            finally:
                route = route_of(scope)
                code = str(status) if status else _NO_ANSWER
                metrics.http_requests.labels(method_of(scope), route, code).inc()
                metrics.http_seconds.labels(route).observe(perf_counter() - began)


class _Stream(AbstractContextManager["_Stream"]):
    """Whether one answer is an event stream: counted for as long as it is open."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._counted = False

    def look(self, message: Message) -> None:
        """Count it if its head says so."""
        kinds = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
        if kinds and kinds[0].startswith(b"text/event-stream") and not self._counted:
            self._counted = True
            self._gauge.inc()

    def __exit__(self, *_: object) -> None:
        if self._counted:
            self._gauge.dec()
