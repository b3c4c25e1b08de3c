"""What a client writes on standard input: lines of a bounded length; one that is no message is answered.

The SDK's transport leaves a line that it cannot read without an answer, and reads one of any length. A
client whose model wrote half a character would wait for good.
"""

import json
import re
from types import TracebackType
from typing import Any, BinaryIO, Self

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
_ID = rb'"id"\s*:\s*(\d{1,15}|"[^"\\]{1,100}")\s*'
# Where the SDKs write it: behind the version, or as the last thing. Elsewhere it may be another's id.
_ID_FIRST = re.compile(rb'\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*' + _ID + rb",")
_ID_LAST = re.compile(_ID + rb"\}\s*$")


class Lines:
    """The lines of a stream of bytes, as text; `last` is the one that was given out last."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.last = ""
        self.too_long = False
        self.ends = b""
        """Its first and its last bytes, where it is too long."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        line = await anyio.to_thread.run_sync(self._read)
        if not line:
            raise StopAsyncIteration
        self.too_long = len(line) > LONGEST
        self.ends = line
        # What is no UTF-8 is told as what it then is: no JSON, or other text than was meant.
        self.last = "" if self.too_long else line.decode("utf-8", errors="replace")
        return self.last

    def _read(self) -> bytes:
        """The next line that is not blank; of one that is too long its ends, and the rest is skipped."""
        while line := self._stream.readline(LONGEST + 1):
            if len(line) > LONGEST:
                return self._ends_of(line)
            if line.strip():
                return line
        return b""

    def _ends_of(self, line: bytes) -> bytes:
        """As many bytes as make it too long, with the last ones of the line at their end."""
        last = piece = line
        while piece and not piece.endswith(b"\n"):
            piece = self._stream.readline(_PIECE)
            last = (last + piece)[-_END:]
        return line[:-_END] + last[-_END:]


class Messages:
    """A transport's stream of messages; what it could not read is answered with an error and goes no further.

    Its buffer holds nothing: while an exception is received, the line that caused it is the last one read.
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
                return item
            await self._writer.send(SessionMessage(_error(self._lines)))

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
