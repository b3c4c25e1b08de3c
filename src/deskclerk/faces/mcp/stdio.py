"""MCP over standard input and output, for a client that starts deskclerk itself."""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, cast

from mcp.server.stdio import stdio_server

from deskclerk.desk import Desk
from deskclerk.faces.mcp.calls import Doorway
from deskclerk.faces.mcp.server import build, log_to_stderr
from deskclerk.faces.mcp.stdio_lines import Lines, Messages, Output
from deskclerk.settings import Settings
from deskclerk.system.processes import on_signals

if TYPE_CHECKING:
    import anyio

    from deskclerk.faces.console_server import ConsoleOnDemand

_USUAL = (700, 10, 10)
"""Python's own thresholds: the command line has raised them for the start, which lets go of little."""


def run(settings: Settings) -> None:
    """Serve one client until it closes its end or a signal asks to stop; writes under way end first."""
    log_to_stderr()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    # The real stdout is moved away and descriptor 1 points at stderr. Python's own stdout is pointed there
    # too: what a stray print leaves in its buffer would be flushed onto the wire at the end.
    lines, output = Lines(sys.stdin.fileno()), Output(_claim_output())
    async with stdio_server(
        stdin=cast("anyio.AsyncFile[str]", lines), stdout=cast("anyio.AsyncFile[str]", output)
    ) as (reader, writer):
        with contextlib.redirect_stdout(sys.stderr):
            async with Desk(settings) as desk, _console(desk) as console:
                server = build(desk, console)
                options = server.create_initialization_options()
                _collect_as_usual()
                stopped = await _until_signalled(server.run(Messages(reader, writer, lines), writer, options))
            if stopped:
                sys.stderr.flush()
                # A thread still waits for the client's next line, and nothing can wake it.
                os._exit(128 + stopped)


def _collect_as_usual() -> None:
    """From here on as often as Python does by itself, and not in what is there for good."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def _claim_output() -> int:
    """A descriptor of standard output for the answers alone: whatever else writes there goes to stderr."""
    sys.stdout.flush()
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


@contextlib.asynccontextmanager
async def _console(desk: Desk) -> AsyncIterator[Doorway | None]:
    """The way to a console, which starts when the first plan waits; until then it is not even imported."""
    if desk.settings.console is False:
        yield None
        return
    async with contextlib.AsyncExitStack() as stack:
        opening = asyncio.Lock()
        opened: list[ConsoleOnDemand] = []

        async def console() -> "ConsoleOnDemand":
            async with opening:
                if not opened:
                    from deskclerk.faces.console_server import ConsoleOnDemand  # noqa: PLC0415

                    opened.append(await stack.enter_async_context(ConsoleOnDemand.ready(desk)))
                return opened[0]

        async def address(plan_id: str) -> str | None:
            return await (await console()).address(plan_id)

        async def attend() -> str:
            return await (await console()).attend()

        desk.handovers.open_console = attend
        yield address


async def _until_signalled(serving: Coroutine[Any, Any, None]) -> int:
    """Run until done, or until a signal cancels it; the signal's number, or 0."""
    task = asyncio.create_task(serving)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    on_signals(stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return received[0] if received else 0
