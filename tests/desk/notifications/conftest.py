"""Receivers on this machine, and services that stand in for Apprise's, registered by its own decorator."""

import asyncio
import json
from contextlib import asynccontextmanager

import apprise
import pytest
from apprise.decorators import notify as service

SECRET = "whsec_" + "bm90IGEgcmVhbCBzZWNyZXQsIGJ1dCBsb25nIGVub3VnaA=="
PATH = "/hooks/path-that-is-secret"


class Receiver:
    """Takes webhooks: `got` has them as they come; each is answered with the next of `statuses`, then 200."""

    def __init__(self):
        self.got = asyncio.Queue()
        self.count = 0
        self.statuses = []
        self.answers = asyncio.Event()
        self.answers.set()
        """Cleared, it takes and does not answer."""
        self.before_answering = None
        self.url = ""

    async def next(self):
        async with asyncio.timeout(20):
            return await self.got.get()

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.count += 1
            self.got.put_nowait((lines[0].split()[1], headers, body))
            if self.before_answering:
                await self.before_answering()
            await self.answers.wait()
            status = self.statuses.pop(0) if self.statuses else 200
            more = f"Location: {self.url}/elsewhere\r\n" if status == 307 else ""
            writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\n\r\n".encode())
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiving():
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        receiver.answers.set()
        server.close()


@pytest.fixture
async def receiver():
    async with receiving() as found:
        yield found


@pytest.fixture
def hook(receiver):
    """A `[[notify]]` table that names the receiver."""
    return {"name": "hook", "url": f"{receiver.url}{PATH}", "secret": SECRET}


def said(got):
    """What a webhook says."""
    return json.loads(got[2])


class Service:
    """A service of Apprise's: what it was told, and what it does then."""

    def __init__(self):
        self.told = []
        self.does = lambda: True


@pytest.fixture
def chat():
    """`deskchat://` is a service that takes everything."""
    found = Service()

    @service(on="deskchat", name="Desk chat")
    def tell(body, title, *_, **__):
        found.told.append((title, body))
        return found.does()

    yield found
    apprise.NotificationManager().remove("deskchat")
