"""`deskclerk serve --hosted`: one replica, with the process that carries out jobs beside it."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.desk.jobs.worker import Worker, stop_at_signals
from deskclerk.errors import DeskclerkError, innermost
from deskclerk.faces.hosted.server import hosted_app
from deskclerk.faces.mcp.http import listen, take_every_descriptor
from deskclerk.faces.mcp.http_access import Bind
from deskclerk.faces.mcp.server import log_to_stderr
from deskclerk.hosted.parts import Needed, opened
from deskclerk.hosted.workspaces.desks import Desks
from deskclerk.hosted.workspaces.workplace import HostedWorkplace
from deskclerk.http_server import KEEP_SECONDS, BoundedProtocol
from deskclerk.settings import Settings

_GRACE_SECONDS = 30
"""How long requests under way may take when the server ends; writes are waited for after that."""
_AGAIN_SECONDS = 2.0
"""After which a worker is started in the place of one that died."""


def run(
    settings: Settings, host: str, port: int, ready: Callable[[str], None], *, worker: bool = True
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told where it listens. `worker`: jobs are carried out too.

    Raises:
        InvalidSettings: the address cannot be bound, or a setting that is needed is missing.
        StorageUnavailable: the database cannot be opened.
    """
    Needed.of(settings)
    log_to_stderr()
    take_every_descriptor()
    bind = Bind.find(host, port)
    with listen(bind) as listener:
        place = f"{bind.address}:{listener.getsockname()[1]}"
        failures: list[DeskclerkError] = []
        config = uvicorn.Config(
            _app(settings, failures, worker=worker),
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_keep_alive=KEEP_SECONDS,
        )
        with contextlib.suppress(KeyboardInterrupt):  # raised again by uvicorn after it has shut down
            _Server(config, lambda: ready(place), failures).run(sockets=[listener])
    if failures:
        raise failures[0]


def _app(settings: Settings, failures: list[DeskclerkError], *, worker: bool) -> Starlette:
    inner: list[ASGIApp] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        began = False
        try:
            async with hosted_app(settings) as app, _worker(settings) if worker else contextlib.nullcontext():
                inner.append(app)
                began = True
                yield
        except Exception as error:
            failure = innermost(error)
            if not isinstance(failure, DeskclerkError):
                raise
            # Kept for `run` to raise: here the server would print a traceback, which helps nobody.
            failures.append(failure)
            if not began:
                yield

    async def passed_on(scope: Scope, receive: Receive, send: Send) -> None:
        await inner[0](scope, receive, send)

    found = Starlette(lifespan=lifespan)
    found.mount("", passed_on)
    return found


@contextlib.asynccontextmanager
async def _worker(settings: Settings) -> AsyncIterator[None]:
    """A process that carries out jobs, started anew should it die; it ends with the block."""
    ending = asyncio.Event()
    keeping = asyncio.create_task(_keep_one(settings, ending))
    try:
        yield
    finally:
        ending.set()
        await keeping


async def _keep_one(settings: Settings, ending: asyncio.Event) -> None:
    command = (sys.executable, "-m", "deskclerk", "hosted", "work", "--with-parent")
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


async def carry_out_jobs(settings: Settings, *, with_parent: bool = False) -> None:
    """Carry out the jobs of all workspaces until a signal, or until who started this process is gone."""
    async with opened(settings) as parts:
        desks: Desks[Desk] = Desks.alone(parts.workspaces, parts.doors, parts.agents.rules, yields=True)
        try:
            worker = Worker(HostedWorkplace(parts.database, desks))
            stop_at_signals(worker.stop)
            if with_parent:
                # Its end of the pipe closes with it, however it ends: nobody else would end this process.
                asyncio.get_running_loop().add_reader(sys.stdin.fileno(), worker.stop)
            await worker.work()
        finally:
            await desks.close()
    worker.close()


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is listening."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], failures: list[DeskclerkError]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._failures = failures

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, unless it cannot."""
        await super().startup(sockets=sockets)
        if self._failures:
            self.should_exit = True
        elif self.started:
            self._ready()
