"""What the servers' protocol refuses before an application sees it."""

import asyncio
import contextlib
import socket
import subprocess
import sys

import pytest
import uvicorn

from deskclerk.http_server import LARGEST_HEAD, BoundedProtocol, serving_within

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


@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_head_that_is_too_large_is_refused_though_it_ends_in_the_piece_that_it_came_in(
    address, pieces
):
    def of(size, body=b""):
        begun = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-Long: " % len(body)
        whole = begun + b"x" * (size - len(begun) - 4) + b"\r\n\r\n" + body
        cut = size // 2 if pieces == 2 else len(whole)
        return [whole[:cut], whole[cut:]] if pieces == 2 else [whole]

    assert await told(address, *of(LARGEST_HEAD)) == "HTTP/1.1 200 OK"
    # What comes with the end of a head is no part of it.
    assert await told(address, *of(LARGEST_HEAD, b"x" * 5_000)) == "HTTP/1.1 200 OK"
    for size in (LARGEST_HEAD + 1, 70_000):
        assert await told(address, *of(size)) == "HTTP/1.1 400 Bad Request"
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"".join(of(70_000)))
    assert b"The request's head is too large." in await reader.read()
    writer.close()


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


# What trickles in, with the times of a protocol of the test's own in the place of seconds.


class Hasty(BoundedProtocol):
    head_seconds, body_seconds = 0.3, 0.5


class Seen:
    """An application that reads a whole body, and what it has met."""

    def __init__(self):
        self.begun, self.ended, self.sizes = 0, asyncio.Event(), []

    async def __call__(self, scope, receive, send):
        self.begun += 1
        size, more = 0, True
        try:
            if scope["path"] == "/at-once":
                await answer(scope, receive, send)
                return
            if scope["path"] == "/late":
                await asyncio.sleep(1.5)
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                size += len(message["body"])
                more = message["more_body"]
            self.sizes.append(size)
            await answer(scope, receive, send)
        finally:
            self.ended.set()


@pytest.fixture
async def hasty():
    """Where a server with these times listens, and its application."""
    seen = Seen()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            seen, http=Hasty, lifespan="off", ws="none", log_config=None, timeout_keep_alive=1
        )
        async with serving_within(config, listener):
            yield listener.getsockname(), seen


async def trickled(address, begins, every=0.05):
    """All that is answered to whoever sends something and then a byte now and then, while it goes."""
    reader, writer = await asyncio.open_connection(*address)
    answered = asyncio.ensure_future(reader.read())
    try:
        writer.write(begins)
        async with asyncio.timeout(10):
            while not answered.done():
                writer.write(b"x")
                await asyncio.wait([answered], timeout=every)
        return await answered
    except ConnectionError:
        return b""
    finally:
        answered.cancel()
        writer.close()


POST = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize("begins", [b"GET /x", HEAD, HEAD + b"X-Slow: "])
async def test_a_head_that_trickles_in_is_refused_in_time(hasty, begins):
    address, seen = hasty
    began = asyncio.get_running_loop().time()
    assert (await trickled(address, begins)).startswith(b"HTTP/1.1 408 Request Timeout")
    assert asyncio.get_running_loop().time() - began < 3
    assert seen.begun == 0


async def test_a_body_that_trickles_in_is_refused_in_time_and_its_application_let_go(hasty):
    address, seen = hasty
    answered = await trickled(address, POST % b"")
    assert answered.startswith(b"HTTP/1.1 408 Request Timeout")
    assert answered.endswith(b"The request did not come in in time.")
    async with asyncio.timeout(5):
        await seen.ended.wait()
    assert seen.sizes == []


async def test_who_was_answered_already_is_not_listened_to_for_longer(hasty):
    address, _ = hasty
    answered = await trickled(address, POST % b"at-once")
    assert answered.startswith(b"HTTP/1.1 200 OK")
    assert b"408" not in answered


async def test_a_second_request_has_the_same_times(hasty):
    address, seen = hasty
    answered = await trickled(address, HEAD + b"\r\n" + POST % b"")
    assert answered.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1 408 Request Timeout" in answered
    assert seen.begun == 2
    # Line ends are no request: who sends nothing else is let go too.
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"\r\n")
    async with asyncio.timeout(5):
        while not reader.at_eof():
            writer.write(b"\r\n")
            await asyncio.sleep(0.02)
            with contextlib.suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(100), 0.01)
    writer.close()


async def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(hasty):
    address, _ = hasty
    reader, writer = await asyncio.open_connection(*address)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_an_answer_that_takes_longer_than_an_idle_connection_is_kept_is_not_cut(hasty):
    address, _ = hasty
    reader, writer = await asyncio.open_connection(*address)
    # The first one too, which comes whole: nothing of the time of a connection that asks for nothing is left.
    for path in (b"late", b"", b"late"):
        writer.write(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK")
    # And then it is idle.
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_that_is_used_all_the_time_is_not_closed(hasty):
    address, _ = hasty
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(15):
        writer.write(HEAD + b"\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"ok"), 5)).startswith(b"HTTP/1.1 200 OK")
        await asyncio.sleep(0.1)
    writer.close()


async def test_many_requests_one_after_another_take_as_long_as_they_like(hasty):
    address, seen = hasty
    reader, writer = await asyncio.open_connection(*address)
    whole = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    # Each piece ends within the head of a request: the head of none of them takes long.
    cut = whole[:20]
    writer.write(cut)
    for _ in range(40):
        writer.write(whole[20:] + cut)
        await asyncio.sleep(0.03)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")
        await reader.readuntil(b"ok")
    assert seen.sizes == [3] * 40
    writer.close()


SERVED = """
import gc, os, signal, socket, uvicorn
from deskclerk.http_server import EndingServer

async def app(scope, receive, send):
    pass

def ready():
    print(gc.get_freeze_count(), *gc.get_threshold(), flush=True)
    os.kill(os.getpid(), signal.SIGINT)

before = len(gc.get_objects())
config = uvicorn.Config(app, lifespan="off", log_config=None)
with socket.create_server(("127.0.0.1", 0)) as listener:
    EndingServer(config, ready=ready, failed=lambda: False).serve_until_ended(listener)
print(before)
"""


def test_what_is_loaded_when_a_server_listens_is_not_searched_for_unused_objects_again():
    run = subprocess.run(
        [sys.executable, "-c", SERVED], capture_output=True, text=True, check=True, timeout=60
    )
    first, before = run.stdout.splitlines()
    frozen, youngest, *_ = map(int, first.split())
    assert frozen > 0.9 * int(before) > 10_000
    assert youngest > 700
