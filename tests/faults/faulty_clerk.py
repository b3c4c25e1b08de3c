"""A Clerk on a real socket that answers wrongly on demand: a sandbox behind it, raw bytes before it."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass

import httpx2

API = {"clerk-api-version": "2026-05-12"}


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    body: bytes
    key: str


@dataclass(frozen=True)
class Reply:
    """What the sandbox answered to one that was carried out."""

    status: int
    body: bytes


class FaultyClerk:
    """Serves a sandbox; requests by the `methods` meet the `fault`, all others are answered rightly.

    `carried` holds the writes that the sandbox took, `met` how many requests met the fault. One connection
    carries one request, so that every one of them has to be made.
    """

    def __init__(self, sandbox, fault, methods):
        self.sandbox, self.fault, self.methods = sandbox, fault, methods
        self.carried, self.keys, self.met = [], set(), 0
        self.origin = ""
        self._answering = set()

    @contextlib.asynccontextmanager
    async def serving(self):
        transport = httpx2.ASGITransport(app=self.sandbox.app)
        headers = {"authorization": f"Bearer {self.sandbox.key}", **API}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://sandbox", headers=headers
        ) as self._http:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.origin = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                self._server.close()
                for task in self._answering:
                    task.cancel()
                await asyncio.gather(*self._answering, return_exceptions=True)

    async def carry_out(self, asked):
        """Have the sandbox do it; what it answers."""
        sent = {"content": asked.body, "headers": {"content-type": "application/json"}} if asked.body else {}
        answer = await self._http.request(asked.method, asked.path, **sent)
        if asked.method != "GET" and answer.is_success:
            self.carried.append((asked.method, asked.path.partition("?")[0]))
        return Reply(answer.status_code, answer.content)

    def refuse_connections(self):
        """Listen no more: whoever connects from now on is refused."""
        self._server.close()

    async def _serve(self, reader, writer):
        self._answering.add(asyncio.current_task())
        try:
            # Cancelled: the test is over, and a fault that still holds its connection ends with it.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                asked = await _read(reader)
                self.keys.add(asked.key)
                if asked.method in self.methods:
                    self.met += 1
                    await self.fault(self, asked, writer)
                else:
                    reply = await self.carry_out(asked)
                    if self.fault.__name__ == "connection_refused":
                        self.refuse_connections()
                    await send(writer, reply.status, reply.body)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _read(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, body, headers.get("authorization", ""))


async def send(writer, status, body=b"", kind="application/json", **headers):
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}", "connection: close"]
    more = {"content_type": kind, **headers}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


def reset(writer):
    """Cut the connection so that the other side sees a reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
