"""MCP over standard input and output, for a client that starts deskclerk itself."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from mcp.server.stdio import stdio_server

from deskclerk.desk import Desk
from deskclerk.faces.mcp.server import build, log_to_stderr
from deskclerk.settings import Settings


def run(settings: Settings) -> None:
    """Serve one client until it closes its end or a signal asks to stop; writes under way end first."""
    log_to_stderr()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    # The transport moves the real stdout away and points descriptor 1 at stderr. Python's own stdout is
    # pointed there too: what a stray print leaves in its buffer would be flushed onto the wire at the end.
    async with stdio_server() as (reader, writer):
        with contextlib.redirect_stdout(sys.stderr):
            async with Desk(settings) as desk:
                server = build(desk)
                options = server.create_initialization_options()
                stopped = await _until_signalled(server.run(reader, writer, options))
            if stopped:
                sys.stderr.flush()
                # A thread still waits for the client's next line, and nothing can wake it.
                os._exit(128 + stopped)


async def _until_signalled(serving: Coroutine[Any, Any, None]) -> int:
    """Run until done, or until SIGINT or SIGTERM cancels it; the signal's number, or 0."""
    task = asyncio.create_task(serving)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: the client's closing end remains
            loop.add_signal_handler(number, stop, number)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return received[0] if received else 0
