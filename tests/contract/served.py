"""A sandbox on a port of this machine, for clients that know nothing but an address."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from deskclerk.sandbox import open_sandbox


@contextmanager
def served(location: Any) -> Iterator[str]:
    """The address of a sandbox that runs in a thread of its own until the end."""
    listening = socket.create_server(("127.0.0.1", 0))  # takes connections before the sandbox is up
    # asyncio does this only for sockets that name their protocol; else each answer waits some 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    servers: list[uvicorn.Server] = []
    begun = threading.Event()

    async def serve() -> None:
        try:
            async with open_sandbox(location) as sandbox:
                servers.append(
                    uvicorn.Server(uvicorn.Config(sandbox.app, log_level="warning", lifespan="off"))
                )
                begun.set()
                await servers[0].serve(sockets=[listening])
        finally:
            begun.set()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        # A test may fail before there is a server that could be told to end.
        begun.wait()
        for server in servers:
            server.should_exit = True
        thread.join()
