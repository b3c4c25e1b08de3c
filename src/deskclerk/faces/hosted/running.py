"""`deskclerk serve --hosted`: one replica, with the process that carries out jobs beside it."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.desk.jobs.worker import Worker, stop_at_signals
from deskclerk.errors import DeskclerkError, innermost
from deskclerk.faces.hosted.server import Replica, hosted_app
from deskclerk.faces.mcp.http import listen, take_every_descriptor
from deskclerk.faces.mcp.http_access import Bind
from deskclerk.faces.mcp.server import log_to_stderr
from deskclerk.hosted.notifications.delivery import Delivery
from deskclerk.hosted.operating.logs import log_json
from deskclerk.hosted.operating.operating import Operating
from deskclerk.hosted.parts import Needed, opened
from deskclerk.hosted.workspaces.desks import Desks
from deskclerk.hosted.workspaces.workplace import HostedWorkplace
from deskclerk.http_server import (
    KEEP_SECONDS,
    UNDER_WAY_SECONDS,
    BoundedProtocol,
    EndingServer,
    serving_within,
)
from deskclerk.settings import Settings

_AGAIN_SECONDS = 2.0
"""After which a worker is started in the place of one that died."""


def run(
    settings: Settings,
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    worker: bool = True,
    worker_port: int | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told where it listens. `worker`: jobs are carried out too.

    `worker_port` is where the worker has its page, on the same host; None: it has none.

    Raises:
        InvalidSettings: the address cannot be bound, or a setting that is needed is missing.
        StorageUnavailable: the database cannot be opened.
    """
    Needed.of(settings)
    log_to_stderr()
    if settings.log_format == "json":
        log_json(settings)
    take_every_descriptor()
    bind = Bind.find(host, port)
    with listen(bind) as listener:
        place = f"{bind.address}:{listener.getsockname()[1]}"
        if worker and worker_port is not None:
            # The worker would end at once, and so would each that is started in its place.
            listen(Bind.find(host, worker_port), "--worker-port").close()
        beside = _command(host, worker_port) if worker else None
        replica = _Opened(settings, worker=beside, loopback=bind.loopback)
        config = uvicorn.Config(
            replica.app,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=UNDER_WAY_SECONDS,
            timeout_keep_alive=KEEP_SECONDS,
        )
        server = EndingServer(
            config,
            ready=lambda: ready(place),
            failed=lambda: bool(replica.failures),
            asked_to_end=replica.asked_to_end,
            leaving=replica.leave,
            grace_seconds=settings.grace_seconds,
        )
        server.serve_until_ended(listener)
    if replica.failures:
        raise replica.failures[0]


class _Opened:
    """A replica that is opened when its server begins, in the server's own loop."""

    def __init__(self, settings: Settings, *, worker: Sequence[str] | None, loopback: bool) -> None:
        """`worker` is the command of the process beside it that carries out jobs."""
        self._settings, self._worker, self._loopback = settings, worker, loopback
        self._replica: Replica | None = None
        self.failures: list[DeskclerkError] = []
        self.app = Starlette(lifespan=self._lifespan)
        self.app.mount("", self._pass_on)

    def asked_to_end(self) -> None:
        """Nobody is to send it further requests."""
        if self._replica:
            self._replica.operating.leave()

    def leave(self) -> None:
        """Let those go who only wait."""
        if self._replica:
            self._replica.leave()

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        began = False
        try:
            async with (
                hosted_app(self._settings, loopback=self._loopback) as self._replica,
                _worker(self._settings, self._worker) if self._worker else contextlib.nullcontext(),
            ):
                began = True
                yield
        except Exception as error:
            failure = innermost(error)
            if not isinstance(failure, DeskclerkError):
                raise
            # Kept for `run` to raise: here the server would print a traceback, which helps nobody.
            self.failures.append(failure)
            if not began:
                yield

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._replica is not None  # noqa: S101 - the lifespan came first
        await self._replica.app(scope, receive, send)


@contextlib.asynccontextmanager
async def _worker(settings: Settings, command: Sequence[str]) -> AsyncIterator[None]:
    """A process that carries out jobs, started anew should it die; it ends with the block."""
    ending = asyncio.Event()
    keeping = asyncio.create_task(_keep_one(settings, command, ending))
    try:
        yield
    finally:
        ending.set()
        await keeping


def _command(host: str, port: int | None) -> Sequence[str]:
    """What starts a worker."""
    page = () if port is None else ("--host", host, "--port", str(port))
    return (sys.executable, "-m", "deskclerk", "hosted", "work", "--with-parent", *page)


async def _keep_one(settings: Settings, command: Sequence[str], ending: asyncio.Event) -> None:
    while not ending.is_set():
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=settings.environment()
        )
        died = asyncio.create_task(process.wait())
        told = asyncio.create_task(ending.wait())
        await asyncio.wait((died, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not died.done():
            process.terminate()
        await died
        if not ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _AGAIN_SECONDS)


@contextlib.asynccontextmanager
async def _telling(delivery: Delivery) -> AsyncIterator[None]:
    """People are told what waits for them as long as the block lasts, and what is under way then ends."""
    running = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        delivery.stop()
        await running


async def carry_out_jobs(
    settings: Settings,
    *,
    with_parent: bool = False,
    page: Bind | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Carry out the jobs of all workspaces and tell their people what waits for them.

    Until a signal, or until who started this process is gone. `page` is where `/livez`, `/readyz` and
    `/metrics` of this process are; `ready` is told the address.

    Raises:
        InvalidSettings: the address cannot be bound, or a setting that is needed is missing.
        StorageUnavailable: the database cannot be opened.
    """
    log_to_stderr()
    if settings.log_format == "json":
        log_json(settings)
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listen(page)) if page else None
        parts = await stack.enter_async_context(opened(settings))
        operating = Operating.of_replica(
            settings,
            parts.database,
            parts.vault,
            parts.wakes,
            loopback=page is not None and page.loopback,
            worker=lambda: worker.unlooked_seconds,
        )
        stack.push_async_callback(operating.close)
        desks: Desks[Desk] = Desks.alone(
            parts.workspaces,
            lambda workspace, instance: operating.watched(parts.doors(workspace, instance)),
            parts.agents.rules,
            parts.common,
            yields=True,
        )
        stack.push_async_callback(desks.close)
        worker = Worker(HostedWorkplace(parts.database, desks))

        def stop() -> None:
            operating.leave()
            worker.stop()

        if page and listener:
            await stack.enter_async_context(serving_within(_page(operating), listener))
            if ready:
                ready(f"{page.address}:{listener.getsockname()[1]}")
        stop_at_signals(stop)
        if with_parent:
            # Its end of the pipe closes with it, however it ends: nobody else would end this process.
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop)
        async with _telling(parts.delivery()):
            await worker.work()
    worker.close()


def _page(operating: Operating) -> uvicorn.Config:
    """The server of a worker's page: what watches it answers, and nothing else is there."""
    return uvicorn.Config(
        Starlette(middleware=operating.middleware),
        http=BoundedProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=KEEP_SECONDS,
    )
