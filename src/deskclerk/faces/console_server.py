"""A console of its own on a free port of this machine, for a process that serves none.

Beside the faces' rooms, since the MCP face starts a console and the console is guarded like MCP over HTTP.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn

from deskclerk.desk import Desk
from deskclerk.faces.console.site import Console
from deskclerk.faces.mcp.http_access import AccessGuard, Bind, security_of
from deskclerk.http_server import KEEP_SECONDS, BoundedProtocol, serving_within

HOST = "127.0.0.1"
_GRACE_SECONDS = 2


class ConsoleOnDemand:
    """The consoles that a process without one can send a person to: another's that runs, else its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stack = contextlib.AsyncExitStack()
        self._starting = asyncio.Lock()
        self._own: Console | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def ready(cls, desk: Desk) -> AsyncIterator["ConsoleOnDemand"]:
        """Ready to start one, which ends with the block."""
        found = cls(desk)
        async with found._stack:
            yield found

    async def address(self, plan_id: str) -> str | None:
        """A one-time link to one plan. A model is told it, so it lets look and does not sign by itself."""
        stored = await self._desk.plans.load(plan_id)
        # One console is enough for a person: another process's is used before one is started.
        running = [] if self._own else await self._desk.console_links.running()
        url = running[0] if running else (await self._start()).url
        return f"{url}/in/{await self._desk.console_links.issue(plan_id, stored.plan.expires_at)}"

    async def attend(self) -> str:
        """The page where a person who is in takes what this process hands over."""
        return f"{(await self._start()).url}/secrets"

    async def _start(self) -> Console:
        async with self._starting:
            if self._own is None:
                self._own = await self._stack.enter_async_context(serving(self._desk))
            return self._own


@contextlib.asynccontextmanager
async def serving(desk: Desk, port: int = 0, *, greets: bool = False) -> AsyncIterator[Console]:
    """A console of its own on loopback, listening within the block; OSError if it cannot."""
    with socket.create_server((HOST, port)) as listener:
        bind = Bind(socket.AF_INET, HOST, listener.getsockname()[1], HOST)
        console = Console(desk, bind.origin, greets=greets)
        config = uvicorn.Config(
            AccessGuard(console.app, security_of(desk.settings, bind), {}),
            http=BoundedProtocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_keep_alive=KEEP_SECONDS,
        )
        async with console.running(), serving_within(config, listener):
            try:
                yield console
            finally:
                console.leave()
