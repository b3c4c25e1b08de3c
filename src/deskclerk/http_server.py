"""What deskclerk's servers run on: uvloop, httptools with a bound on what it has not, an end in order."""

import asyncio
import contextlib
import gc
import importlib
import importlib.util
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from time import monotonic
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEEP_SECONDS = 30
"""How long an idle connection is kept: longer than clients keep one, or a request could meet its end."""
_STARTING_SECONDS = 10
LARGEST_HEAD = 2**16
"""Bytes of a request line and its headers."""
_BETWEEN_SEARCHES = (5_000, 10, 10)
"""Objects between two searches of the youngest, and how many of those come before one of the older."""
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_TOO_LARGE = "The request's head is too large."


def run(serving: Coroutine[Any, Any, None]) -> None:
    """Run a server to its end, on uvloop where that is: it is not made for Windows."""
    if importlib.util.find_spec("uvloop") is None:
        asyncio.run(serving)
    else:
        importlib.import_module("uvloop").run(serving)


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head that does not end, and sends answers at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head, self._head = True, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection."""
        super().connection_made(transport)
        # asyncio does this only for sockets that name their protocol; else each answer waits some 40 ms.
        if (peer := transport.get_extra_info("socket")) is not None and peer.family in _INTERNET:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """What has come in."""
        super().data_received(data)
        # Counted only while the head goes on: what came with its end is body, or the next request.
        if self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; white space around a value is no part of it (RFC 9110, 5.5)."""
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()


def _keep_what_is_loaded() -> None:
    """From here on the search for objects that nobody uses leaves out what is loaded, and comes less often.

    A search stops every request for as long as it takes: with all modules in it, for a tenth of a second and
    more. What a request makes goes without a search, but for cycles; the usual 700 objects are so few that
    most of what is searched belongs to requests under way, and is kept among what is searched seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_BETWEEN_SEARCHES)


class EndingServer(uvicorn.Server):
    """A uvicorn server that says when it is listening, and ends in the order that is wanted of it.

    The first signal asks it to end. After SIGTERM it goes on for some time, so that whoever balances the load
    notices; then it takes no more connections, those there are get their time, and the application ends. A
    second signal cancels all of that wherever it waits.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        ready: Callable[[], None],
        failed: Callable[[], bool],
        asked_to_end: Callable[[], None] | None = None,
        leaving: Callable[[], None] | None = None,
        grace_seconds: float = 0,
    ) -> None:
        """`ready` is told that it listens, unless `failed` says that the application could not begin.

        `asked_to_end` is told of the first signal, `leaving` that connections are about to be closed.
        """
        super().__init__(config)
        self._ready = ready
        self._failed = failed
        self._told_to_end = asked_to_end
        self._leaving = leaving
        self._grace_seconds = grace_seconds
        self._serving: asyncio.Task[Any] | None = None
        self._asked_to_end = False
        self._exit_at: float | None = None

    def serve_until_ended(self, listener: socket.socket) -> None:
        """Serve on a socket that listens."""
        # An interrupt is raised again by uvicorn after it has shut down.
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            self.run(sockets=[listener])

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve to the end."""
        self._serving = asyncio.current_task()
        await super().serve(sockets=sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, unless the application cannot."""
        await super().startup(sockets=sockets)
        if self._failed():
            self.should_exit = True
        elif self.started:
            _keep_what_is_loaded()
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Whether it is to end now."""
        if self._exit_at is not None and monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End connections, then the application."""
        if self._leaving:
            self._leaving()
        await super().shutdown(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal that asks it to end."""
        if self._asked_to_end:
            self.force_exit = self.should_exit = True
            # What is cut off from here on is so because somebody wanted it.
            logging.getLogger("uvicorn.error").disabled = True
            if self._serving:
                # Wherever it waits: for streams, for connections, for writes under way.
                self._serving.get_loop().call_soon_threadsafe(self._serving.cancel)
            return
        self._asked_to_end = True
        if self._told_to_end:
            self._told_to_end()
        # Ctrl-C is a person at a terminal, to whom no load balancer sends requests.
        if sig == signal.SIGTERM and self._grace_seconds:
            self._captured_signals.append(sig)
            self._exit_at = monotonic() + self._grace_seconds
        else:
            super().handle_exit(sig, frame)


@contextlib.asynccontextmanager
async def serving_within(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    """Serve on a socket that listens, inside a program that has other work, as long as the block lasts."""
    server = _InnerServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(_STARTING_SECONDS):
            await server.listening.wait()
        yield
    finally:
        server.should_exit = True
        await task


class _InnerServer(uvicorn.Server):
    """A uvicorn server inside another program: signals are not its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()
