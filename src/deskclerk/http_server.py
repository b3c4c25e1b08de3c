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
UNDER_WAY_SECONDS = 30
"""How long requests under way may take once a server ends; the desk's writes are waited for after that."""
_STARTING_SECONDS = 10
LARGEST_HEAD = 2**16
"""Bytes of a request line and its headers."""
_BETWEEN_SEARCHES = (5_000, 10, 10)
"""Objects between two searches of the youngest, and how many of those come before one of the older."""
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_TOO_LARGE = "The request's head is too large."
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
    b"content-length: 36\r\n\r\nThe request did not come in in time."
)
_AGAIN_SECONDS = 1.0
"""After which a request that could not come in is looked at again."""


def run(serving: Coroutine[Any, Any, None]) -> None:
    """Run a server to its end, on uvloop where that is: it is not made for Windows."""
    if importlib.util.find_spec("uvloop") is None:
        asyncio.run(serving)
    else:
        importlib.import_module("uvloop").run(serving)


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head that does not end, and what comes in too slowly; sends answers at once."""

    head_seconds = 10.0
    """For a request line and its headers, from their first byte on."""
    body_seconds = 60.0
    """For a body, however large it is: four megabytes of it within a minute are what slow lines carry."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head, self._head = True, 0
        self._piece = 0
        self._in_body = False
        self._number = 0
        self._waits_for: tuple[str, int] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection."""
        super().connection_made(transport)
        # asyncio does this only for sockets that name their protocol; else each answer waits some 40 ms.
        if (peer := transport.get_extra_info("socket")) is not None and peer.family in _INTERNET:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # One that never asks for anything is kept as long as one that has, and with uvicorn's own timer: that
        # one ends when a request comes, and does not cut its answer.
        self._keep_until(self.loop.time() + self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """What has come in."""
        self._piece = len(data)
        idle, number = self.timeout_keep_alive_task, self._number
        super().data_received(data)
        # Line ends begin no request: with these alone nobody keeps a connection for longer.
        if idle and number == self._number and not self.transport.is_closing():
            self._keep_until(idle.when())
        # Counted only while the head goes on: what came with its end may be body, or the next request.
        if self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response(_TOO_LARGE)
        # Here and not where a part begins: most requests come whole, and need no timer.
        self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head = True, 0
        self._in_body = False
        self._number += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; white space around a value is no part of it (RFC 9110, 5.5)."""
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        # Counted by its parts only where it came in pieces so large that it could be too much.
        if self._head + self._piece > LARGEST_HEAD and (size := self._size_of_head()) > LARGEST_HEAD:
            self._head = size
            raise ValueError(_TOO_LARGE)  # the parser ends with it, and uvicorn answers 400
        self._in_head, self._in_body = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, or is too much of a head."""
        super().send_400_response(_TOO_LARGE if self._head > LARGEST_HEAD else msg)

    def _keep_until(self, at: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(at, self.timeout_keep_alive_handler)

    def _size_of_head(self) -> int:
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n")
        return (
            line + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers) + len("\r\n")
        )

    def _wait(self) -> None:
        """Have what is still to come be there in time; each part of each request has a time of its own."""
        waits_for = None
        if self._in_head:
            waits_for = ("head", self._number)
        elif self._in_body:
            waits_for = ("body", self._number)
        if waits_for == self._waits_for:
            return
        self._stop_waiting()
        self._waits_for = waits_for
        if waits_for and not self.transport.is_closing():
            seconds = self.head_seconds if waits_for[0] == "head" else self.body_seconds
            self._timer = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        """Refuse a request that did not come in time, and let go of whoever waits for its body."""
        if self.transport.is_closing():
            return
        cycle = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        # Not the client's doing: nothing is read meanwhile, or the answer before goes on.
        if self.flow.read_paused or self.pipeline or (self._in_head and under_way):
            self._timer = self.loop.call_later(_AGAIN_SECONDS, self._too_slow)
            return
        if under_way:
            # Now and not when the connection has ended: nothing may be answered behind this.
            cycle.disconnected = True
            cycle.message_event.set()
        # What is answered already, in whole or in part, is followed by no second answer.
        if cycle is None or self._in_head or not cycle.response_started:
            self.transport.write(_TOO_SLOW)
        self.transport.close()


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
        from sse_starlette.sse import AppStatus  # noqa: PLC0415 - by who serves alone

        # It would cut every stream at the first signal, and with it the answer of a write that is under way.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
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
