"""What a client writes on standard input: lines of a bounded length; one that is no message is answered.

The SDK's transport leaves a line that it cannot read without an answer, and reads one of any length. A
client whose model wrote half a character would wait for good.
"""

import asyncio
import json
import os
import re
import select
import sys
from types import TracebackType
from typing import Any, Self

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE
from mcp.shared.message import SessionMessage

LONGEST = DEFAULT_MAX_REQUEST_BODY_SIZE
"""Bytes of one line: as many as one request may have over HTTP."""
_PIECE = 2**16
_DIGITS = 20
_END = 200
_AT_ONCE = getattr(select, "PIPE_BUF", 512)
_ID = rb'"id"\s*:\s*(\d{1,15}|"[^"\\]{1,100}")\s*'
# Where the SDKs write it: behind the version, or as the last thing. Elsewhere it may be another's id.
_ID_FIRST = re.compile(rb'\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*' + _ID + rb",")
_ID_LAST = re.compile(_ID + rb"\}\s*$")


class Lines:
    """The lines that come in at a descriptor, as text; `last` is the one that was given out last."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = bytearray()
        self._ended = False
        self._watched = True
        self.taken = asyncio.Event()
        """Set when the last line has been dealt with: only then is there another last one."""
        self.taken.set()
        self.last = ""
        self.too_long = False
        self.ends = b""
        """Its first and its last bytes, where it is too long."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        await self.taken.wait()
        line = await self._line()
        while line and not line.strip():
            line = await self._line()
        if not line:
            raise StopAsyncIteration
        self.taken.clear()
        self.too_long = len(line) > LONGEST
        self.ends = line
        # What is no UTF-8 is told as what it then is: no JSON, or other text than was meant.
        self.last = "" if self.too_long else line.decode("utf-8", errors="replace")
        return self.last

    async def _line(self) -> bytes:
        """The next line; of one that is too long its ends, and the rest is skipped. Empty at the end."""
        buffer, sought = self._buffer, 0
        while (at := buffer.find(b"\n", sought)) < 0 and len(buffer) <= LONGEST and not self._ended:
            sought = len(buffer)
            await self._read()
        size = at + 1 if at >= 0 else len(buffer)
        if size > LONGEST:
            return await self._ends_of_line()
        line = bytes(buffer[:size])
        del buffer[:size]
        return line

    async def _ends_of_line(self) -> bytes:
        """As many bytes as make it too long, with the last ones of the line at their end."""
        buffer = self._buffer
        first = bytes(buffer[: LONGEST + 1])
        while (at := buffer.find(b"\n")) < 0 and not self._ended:
            del buffer[:-_END]
            await self._read()
        size = at + 1 if at >= 0 else len(buffer)
        last = bytes(buffer[max(0, size - _END) : size])
        del buffer[:size]
        return first[:-_END] + last

    async def _read(self) -> None:
        """What has come in by now, or comes in next."""
        piece = await (self._when_ready() if self._watched else self._in_thread())
        self._buffer += piece
        self._ended = not piece

    async def _when_ready(self) -> bytes:
        # A thread that waits costs each line a tenth of a millisecond.
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, ready.set)
        # A file is always ready, which no event loop watches for; Windows watches sockets only.
        except (NotImplementedError, OSError):
            self._watched = False
            return await self._in_thread()
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)
        return os.read(self._descriptor, _PIECE)

    async def _in_thread(self) -> bytes:
        return await anyio.to_thread.run_sync(os.read, self._descriptor, _PIECE)


class Output:
    """Where the answers go: as the SDK's transport writes a file, without a thread where none can wait."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._turn = asyncio.Lock()

    async def write(self, text: str) -> None:
        """Write a text, all of it."""
        content = text.encode()
        async with self._turn:
            # A pipe that takes something takes this much at once; more could keep the event loop waiting.
            if len(content) <= _AT_ONCE and _takes(self._descriptor):
                os.write(self._descriptor, content)
            else:
                await anyio.to_thread.run_sync(self._write, content)

    def _write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    async def flush(self) -> None:
        """Nothing is held back."""


def _takes(descriptor: int) -> bool:
    """Whether something can be written without waiting."""
    if sys.platform == "win32":  # asks of sockets only
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))


class Messages:
    """A transport's stream of messages; what it could not read is answered with an error and goes no further.

    The transport gives one item for each line, and asks for the next line when that is taken.
    """

    def __init__(self, reader: Any, writer: Any, lines: Lines) -> None:
        self._reader = reader
        self._writer = writer
        self._lines = lines

    @property
    def last_context(self) -> Any:
        """Where the message came from, for who restores it."""
        return getattr(self._reader, "last_context", None)

    async def receive(self) -> SessionMessage:
        """The next message."""
        while True:
            item: SessionMessage | Exception = await self._reader.receive()
            if not isinstance(item, Exception):
                self._lines.taken.set()
                return item
            error = _error(self._lines)
            self._lines.taken.set()
            await self._writer.send(SessionMessage(error))

    async def aclose(self) -> None:
        """Close the transport's stream."""
        await self._reader.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _error(lines: Lines) -> types.JSONRPCError:
    """What is wrong with a line, to the request that it was, as far as that can be told."""
    if lines.too_long:
        found = _ID_FIRST.match(lines.ends) or _ID_LAST.search(lines.ends[-_END:])
        asked = json.loads(found[1]) if found else None
        return _refused(asked, types.INVALID_REQUEST, f"A line has at most {LONGEST:,} bytes; this has more.")
    try:
        # Python refuses to read a number of thousands of digits; what it is does not matter here.
        message = json.loads(lines.last, parse_int=lambda digits: int(digits[:_DIGITS]))
    except (ValueError, RecursionError):
        return _refused(None, types.PARSE_ERROR, "A line is one JSON-RPC message; this one is no JSON.")
    if isinstance(message, list):
        return _refused(None, types.INVALID_REQUEST, "A line is one JSON-RPC message; batches are not taken.")
    asked = message.get("id") if isinstance(message, dict) and "method" in message else None
    known = asked if isinstance(asked, str | int) and not isinstance(asked, bool) else None
    return _refused(
        known,
        types.INVALID_REQUEST,
        "Not a JSON-RPC 2.0 message of MCP: those have whole characters and numbers of a usual size.",
    )


def _refused(asked: str | int | None, code: int, text: str) -> types.JSONRPCError:
    return types.JSONRPCError(jsonrpc="2.0", id=asked, error=types.ErrorData(code=code, message=text))
