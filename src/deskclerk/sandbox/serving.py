"""Serves an open sandbox on a socket: Clerk's API, its controls, and its webhooks in the background."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from deskclerk.http_server import KEEP_SECONDS, BoundedProtocol
from deskclerk.sandbox.controls.http import with_controls
from deskclerk.sandbox.http.faults import ABORT
from deskclerk.sandbox.opening import Sandbox
from deskclerk.sandbox.webhooks.delivery import delivering


class _Protocol(BoundedProtocol):
    """Lets a fault cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # ASGI has no word for cutting a connection; the fault finds the transport in the scope's state.
        self.app_state = {**self.app_state, ABORT: transport.abort}


class Server(uvicorn.Server):
    """Starts and stops without signals; ends at once, whatever connections idle."""

    async def start(self, listener: socket.socket) -> None:
        """Begin to answer."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup([listener])

    async def stop(self) -> None:
        """Answer no more; requests under way are given up."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            # Tests end a sandbox while a client keeps its connection open: waiting for it would hang them.
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        await self.lifespan.shutdown()


@asynccontextmanager
async def serving(
    sandbox: Sandbox, listener: socket.socket, *, token: str | None = None
) -> AsyncIterator[None]:
    """Answer on a listening socket until the end."""
    address = listener.getsockname()[0]
    open_to = None if ipaddress.ip_address(address.partition("%")[0]).is_loopback else address
    app = with_controls(sandbox.app, sandbox.store, open_to=open_to, token=token)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        http=_Protocol,
        timeout_keep_alive=KEEP_SECONDS,
    )
    server = Server(config)
    async with delivering(sandbox.store):
        await server.start(listener)
        try:
            yield
        finally:
            await server.stop()
