"""What watches a server, put together as its settings want it: one object that its start-up composes with."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.database import Database
from deskclerk.desk.observing import Call, Observer, SentRequest, Step
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import InvalidSettings
from deskclerk.hosted.operating.health import (
    Check,
    Health,
    database_answers,
    jobs_looked_at,
    migrations_current,
    redis_heard,
    vault_opens,
    workspaces_apart,
)
from deskclerk.hosted.operating.requests import RequestContext, RequestIds
from deskclerk.settings import Settings

if TYPE_CHECKING:
    from deskclerk.hosted.database import HostedDatabase
    from deskclerk.hosted.vault.vault import Vault
    from deskclerk.hosted.wakes import RedisWakes

Page = Callable[[Request], Awaitable[Response]]


class Operating:
    """Health, metrics, traces and request ids of one server.

    Its `middleware` goes before everything else that the server has; `watched` gives a desk its observer;
    `leave` is called when the process is asked to end, `close` when all has ended.
    """

    def __init__(
        self,
        settings: Settings,
        database: Callable[[], Awaitable[Database]],
        *,
        checks: Sequence[Check] = (),
        redis: Callable[[], float] | None = None,
        sessions: Callable[[], int] | None = None,
        loopback: bool = False,
        worker: Callable[[], float] | None = None,
        metrics: bool = True,
    ) -> None:
        """`database` opens the whole database, `loopback` says that only this machine reaches the server.

        `checks` are what it needs beside a database that answers, `redis` says for how many seconds Redis has
        not been heard, `sessions` counts the open sessions of MCP's older era,
        `worker` says for how many seconds this process, a worker, has not looked at the jobs. Without
        `metrics` there are none.

        Raises:
            InvalidSettings: a library is missing for what the settings want.
        """
        needed = [database_answers(database), *checks]
        needed += [redis_heard(redis)] if redis else []
        needed += [jobs_looked_at(worker)] if worker else []
        self.health = Health(needed)
        pages: dict[str, Page] = {"/livez": self.health.livez, "/readyz": self.health.readyz}
        self.middleware = [Middleware(Probes, pages=pages), Middleware(RequestIds)]
        observers: list[Observer] = [RequestContext()]
        if metrics:
            with _installed("/metrics", "hosted"):
                from deskclerk.hosted.operating import metrics as measured  # noqa: PLC0415 - an extra
            self.metrics = measured.Metrics(
                database,
                sessions=sessions,
                redis=redis,
                worker=worker,
                by_workspace=settings.metrics_by_workspace,
            )
            pages["/metrics"] = measured.MetricsPage(
                self.metrics, token=settings.metrics_token, loopback=loopback
            )
            self.middleware.append(Middleware(measured.CountRequests, metrics=self.metrics))
            observers.append(self.metrics)
        self._tracing = None
        if settings.otlp_endpoint:
            with _installed("DESKCLERK_OTLP_ENDPOINT", "telemetry"):
                from deskclerk.hosted.operating.tracing import TraceRequests, Tracing  # noqa: PLC0415 - an extra
            self._tracing = Tracing.of(settings)
            observers.append(self._tracing)
            self.middleware.append(Middleware(TraceRequests, tracing=self._tracing))
        self.observer: Observer = Observers(observers)

    @classmethod
    def of_replica(
        cls,
        settings: Settings,
        database: "HostedDatabase",
        vault: "Vault",
        wakes: "RedisWakes",
        *,
        loopback: bool = False,
        worker: Callable[[], float] | None = None,
    ) -> Self:
        """What watches a process of a hosted desk; `worker` as above, for one that does jobs."""
        # A desk on one machine has none of these.
        from deskclerk.hosted.database import MIGRATIONS  # noqa: PLC0415
        from deskclerk.hosted.isolation import check_isolation  # noqa: PLC0415

        async def whole() -> Database:
            return database.whole

        return cls(
            settings,
            whole,
            checks=[
                migrations_current(whole, MIGRATIONS),
                workspaces_apart(lambda: check_isolation(database.shared)),
                vault_opens(lambda: vault.check(database.whole)),
            ],
            redis=lambda: wakes.unheard_seconds,
            loopback=loopback,
            worker=worker,
        )

    def watched(self, workspace: Workspace) -> Workspace:
        """A desk's workspace with its observer, and its transactions traced where traces are made."""
        storage = self._tracing.storage(workspace.storage) if self._tracing else workspace.storage
        return replace(workspace, observer=self.observer, storage=storage)

    def leave(self) -> None:
        """The process was asked to end: `/readyz` says so from here on."""
        self.health.leave()

    async def close(self) -> None:
        """Send the last traces, in bounded time."""
        if self._tracing:
            await self._tracing.close()


class Probes:
    """ASGI middleware, the outermost: answers what a platform asks, which is no request of anybody's.

    Before the checks of Host and token: a probe comes by an address and has no token. Not logged, counted or
    traced either.
    """

    def __init__(self, app: ASGIApp, pages: Mapping[str, Page]) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        asked = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        page = self._pages.get(scope["path"]) if asked else None
        if page is None:
            await self._app(scope, receive, send)
            return
        response = await page(Request(scope))
        await response(scope, receive, send)


class Observers(Observer):
    """Several observers as one, the first outermost."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._all = tuple(observers)

    def asked(self, origin: Mapping[str, str]) -> AbstractContextManager[object]:
        """Tells each."""
        return _entered(observer.asked(origin) for observer in self._all)

    def call(self, call: Call) -> AbstractContextManager[object]:
        """Tells each."""
        return _entered(observer.call(call) for observer in self._all)

    def step(self, name: Step) -> AbstractContextManager[object]:
        """Tells each."""
        return _entered(observer.step(name) for observer in self._all)

    def request(self, sent: SentRequest) -> AbstractContextManager[object]:
        """Tells each."""
        return _entered(observer.request(sent) for observer in self._all)

    def plan(self, became: str) -> None:
        """Tells each."""
        for observer in self._all:
            observer.plan(became)

    def item(self, became: str) -> None:
        """Tells each."""
        for observer in self._all:
            observer.item(became)


@contextmanager
def _installed(what: str, extra: str) -> Iterator[None]:
    """InvalidSettings where a library is missing, with how it comes."""
    try:
        yield
    except ImportError:
        raise InvalidSettings(
            f"{what} needs libraries that are not installed.",
            next_step=f"Install them with: pip install 'deskclerk[{extra}]'.",
        ) from None


@contextmanager
def _entered(blocks: Iterator[AbstractContextManager[object]]) -> Iterator[None]:
    with ExitStack() as stack:
        for block in blocks:
            stack.enter_context(block)
        yield
