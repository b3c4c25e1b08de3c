"""What deskclerk's servers run on: uvloop, and httptools with a bound on what it has not."""

import asyncio
import importlib
import importlib.util
import socket
from collections.abc import Coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEEP_SECONDS = 30
"""How long an idle connection is kept: longer than clients keep one, or a request could meet its end."""
LARGEST_HEAD = 2**16
"""Bytes of a request line and its headers."""
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
