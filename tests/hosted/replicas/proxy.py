"""A round-robin proxy before the replicas, as a platform has one: it knows nothing of what it passes on.

Each request goes to the next replica in turn, whoever asks; one that refuses the connection is left out. A
request that has been sent is never sent again.
"""

import asyncio
import contextlib
import itertools

_CHUNK = 65_536
_HEAD_SECONDS = 30


class RoundRobin:
    """`async with RoundRobin([port, …]) as proxy`; it listens on `proxy.port`."""

    def __init__(self, ports, port=0):
        self.ports = list(ports)
        self.port = port
        self.sent = dict.fromkeys(ports, 0)
        self._turn = itertools.count()
        self._open = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._open.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _one(self, reader, writer):
        """One request of a connection that is kept; whether there may be another."""
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        except (TimeoutError, asyncio.IncompleteReadError):
            return False
        lines = head.split(b"\r\n")
        fields = [line for line in lines[1:] if line and not line.lower().startswith(b"connection:")]
        told = [line for line in fields if line.lower().startswith(b"content-length:")]
        length = int(told[0].partition(b":")[2]) if told else 0
        body = await reader.readexactly(length)
        self.saw(lines[0])
        there = await self._connect()
        if there is None:
            writer.write(b"HTTP/1.1 503 No replica\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            return True
        back, forth = there
        try:
            # One connection a request: its end is the answer's, however long that is.
            forth.write(b"\r\n".join([lines[0], *fields, b"connection: close", b"", b""]) + body)
            await forth.drain()
            first = True
            while part := await back.read(_CHUNK):
                writer.write(part)
                await writer.drain()
                first = False
            if first:
                writer.write(b"HTTP/1.1 502 The replica is gone\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        finally:
            forth.close()
        return False

    def saw(self, line):
        """Told the first line of every request."""

    async def _connect(self):
        for _ in self.ports:
            port = self.ports[next(self._turn) % len(self.ports)]
            with contextlib.suppress(OSError):
                opened = await asyncio.open_connection("127.0.0.1", port)
                self.sent[port] += 1
                return opened
        return None
