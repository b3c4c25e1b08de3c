"""What the servers' protocol refuses before an application sees it."""

import asyncio
import socket

import pytest
import uvicorn

from deskclerk.http_server import LARGEST_HEAD, BoundedProtocol

pytestmark = pytest.mark.anyio


async def answer(scope, receive, send):
    # As 201 where a header came without the white space around it.
    status = 201 if (b"x-padded", b"a b") in scope["headers"] else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def address():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(answer, http=BoundedProtocol, lifespan="off", ws="none", log_config=None)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield listener.getsockname()
        server.should_exit = True
        await serving


async def told(address, *pieces):
    """The first line of what is answered, and what follows a connection that is left open."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        return (await asyncio.wait_for(reader.readline(), 5)).decode().strip()
    finally:
        writer.close()


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def test_a_head_that_does_not_end_is_refused(address):
    endless = [b"X-Long: " + b"x" * 20_000] + [b"x" * 20_000] * (LARGEST_HEAD // 20_000 + 1)
    assert await told(address, HEAD, *endless) == "HTTP/1.1 400 Bad Request"
    many = [b"".join(b"X-%d: y\r\n" % number for number in range(2_000))] * 5
    assert await told(address, HEAD, *many) == "HTTP/1.1 400 Bad Request"


async def test_white_space_around_a_headers_value_is_no_part_of_it(address):
    assert await told(address, HEAD + b"X-Padded: \t a b \t \r\n\r\n") == "HTTP/1.1 201 Created"


async def test_a_large_body_is_no_large_head(address):
    size = LARGEST_HEAD * 3
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
    assert await told(address, post + b"x" * (size // 2), b"x" * (size - size // 2)) == "HTTP/1.1 200 OK"


async def test_many_small_requests_on_one_connection_are_answered(address):
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(LARGEST_HEAD // len(HEAD) + 10):
        writer.write(HEAD + b"\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    writer.close()
