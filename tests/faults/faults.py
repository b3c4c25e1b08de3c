"""The faults, each a way to answer one request; what they share is that some carry it out and some do not."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.faults.faulty_clerk import reset, send

ENDLESS = 10_000
"""Pieces of 64 KB: more than anybody should read, and an end for whoever does."""

PACKED = gzip.compress(bytes(100_000_000), 1)
"""100 MB in half of one; packed once and before any test, since packing takes longer than a request may."""


async def stall():
    await asyncio.sleep(3600)


async def connection_refused(clerk, asked, writer):  # the listening ends before it is sent
    raise AssertionError("nobody listens")


async def reset_before_it_is_carried_out(clerk, asked, writer):
    reset(writer)


async def reset_after_it_is_carried_out(clerk, asked, writer):
    await clerk.carry_out(asked)
    reset(writer)


async def closed_without_an_answer(clerk, asked, writer):
    await clerk.carry_out(asked)


async def silence(clerk, asked, writer):
    await stall()


async def silence_after_it_is_carried_out(clerk, asked, writer):
    await clerk.carry_out(asked)
    await stall()


async def half_a_head(clerk, asked, writer):
    await clerk.carry_out(asked)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-ty")


async def half_a_body(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(reply.body))
    writer.write(reply.body[: len(reply.body) // 2])
    await writer.drain()


async def a_large_body_that_ends_early(clerk, asked, writer):
    await clerk.carry_out(asked)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n[" + b" " * 30_000)
    await writer.drain()


async def a_byte_now_and_then(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(reply.body))
    for place in range(len(reply.body)):
        writer.write(reply.body[place : place + 1])
        await writer.drain()
        await asyncio.sleep(0.05)


async def a_body_without_end(clerk, asked, writer):
    await clerk.carry_out(asked)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
    for _ in range(ENDLESS):
        writer.write(b" " * 65_536)
        await writer.drain()
    raise AssertionError("read to the end")


async def gzip_that_unpacks_to_100_mb(clerk, asked, writer):
    await clerk.carry_out(asked)
    await send(writer, 200, PACKED, content_encoding="gzip")


async def gzip_that_is_none(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    await send(writer, reply.status, reply.body, content_encoding="gzip")


async def an_unknown_packing(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    await send(writer, reply.status, reply.body, content_encoding="zpaq")


async def chunks_that_are_none(clerk, asked, writer):
    await clerk.carry_out(asked)
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n")
    await writer.drain()


async def no_http(clerk, asked, writer):
    await clerk.carry_out(asked)
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


async def not_json(clerk, asked, writer):
    await send(writer, 200, b'{"object": "us')


async def not_json_after_it_is_carried_out(clerk, asked, writer):
    await clerk.carry_out(asked)
    await send(writer, 200, b"ok")


async def a_page_with_200(clerk, asked, writer):
    await send(writer, 200, b"<html><h1>Welcome</h1></html>", kind="text/html")


async def a_page_with_502(clerk, asked, writer):
    await send(writer, 502, b"<html><h1>Bad gateway</h1></html>", kind="text/html")


async def an_empty_body(clerk, asked, writer):
    await send(writer, 200)


async def an_empty_body_after_it_is_carried_out(clerk, asked, writer):
    await clerk.carry_out(asked)
    await send(writer, 200)


async def no_content(clerk, asked, writer):
    await send(writer, 204)


async def another_kind_of_thing(clerk, asked, writer):
    await send(writer, 200, b'{"object": "token", "jwt": "x"}')


async def an_array_of_numbers(clerk, asked, writer):
    await send(writer, 200, b"[1, 2, 3]")


async def a_text(clerk, asked, writer):
    await send(writer, 200, b'"done"')


async def nested_a_thousand_levels(clerk, asked, writer):
    await send(writer, 200, b'{"object":' * 999 + b"1" + b"}" * 999)


async def not_a_number(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    await send(writer, reply.status, reply.body[:-1] + b', "more": NaN' + reply.body[-1:])


async def a_key_twice(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    twice = b', "object": "nothing"}' if reply.body.endswith(b"}") else b', {"id": "a", "id": "b"}]'
    await send(writer, reply.status, reply.body[:-1] + twice)


async def lone_surrogates(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    value = json.loads(reply.body)
    things = value.get("data", [value]) if isinstance(value, dict) else value
    for thing in things:
        thing["novel"] = "\ud800"
    await send(writer, reply.status, json.dumps(value).encode())


async def another_content_type(clerk, asked, writer):
    reply = await clerk.carry_out(asked)
    await send(writer, reply.status, reply.body, kind="text/plain; charset=latin-1")


async def refused_with_422(clerk, asked, writer):
    error = {"message": "no", "code": "form_param_format_invalid", "meta": {"param_name": "name"}}
    await send(writer, 422, json.dumps({"errors": [error]}).encode())


async def key_rejected(clerk, asked, writer):
    # A server that repeats what it was sent.
    error = {"message": f"bad {asked.key}", "long_message": f"{asked.key} {asked.body!r}", "code": asked.key}
    await send(writer, 401, json.dumps({"errors": [error]}).encode(), x_clerk_trace_id=asked.key)


async def too_many_requests(clerk, asked, writer):
    await send(writer, 429, retry_after=3600)


async def too_many_until_a_moment(clerk, asked, writer):
    await send(writer, 429, retry_after=format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))


async def too_many_without_a_word(clerk, asked, writer):
    await send(writer, 429)


async def too_many_once(clerk, asked, writer):
    if clerk.met == 1:
        await send(writer, 429, retry_after=0)
    else:
        reply = await clerk.carry_out(asked)
        await send(writer, reply.status, reply.body)


async def server_error(clerk, asked, writer):
    await send(writer, 500)


async def server_error_after_it_is_carried_out(clerk, asked, writer):
    await clerk.carry_out(asked)
    await send(writer, 500)


async def not_implemented(clerk, asked, writer):
    await send(writer, 501)


async def gateway_error_after_it_is_carried_out(clerk, asked, writer):
    await clerk.carry_out(asked)
    await send(writer, 502)


async def unavailable(clerk, asked, writer):
    await send(writer, 503)


async def gateway_timeout(clerk, asked, writer):
    await send(writer, 504)


async def redirect_to_another_host(clerk, asked, writer):
    await send(writer, 307, location="https://evil.example/v1/users")


async def redirect_without_a_place(clerk, asked, writer):
    await send(writer, 302, location="//[")


FAULTS = (
    connection_refused,
    reset_before_it_is_carried_out,
    reset_after_it_is_carried_out,
    closed_without_an_answer,
    silence,
    silence_after_it_is_carried_out,
    half_a_head,
    half_a_body,
    a_large_body_that_ends_early,
    a_byte_now_and_then,
    a_body_without_end,
    gzip_that_unpacks_to_100_mb,
    gzip_that_is_none,
    an_unknown_packing,
    chunks_that_are_none,
    no_http,
    not_json,
    not_json_after_it_is_carried_out,
    a_page_with_200,
    a_page_with_502,
    an_empty_body,
    an_empty_body_after_it_is_carried_out,
    no_content,
    another_kind_of_thing,
    an_array_of_numbers,
    a_text,
    nested_a_thousand_levels,
    not_a_number,
    a_key_twice,
    lone_surrogates,
    another_content_type,
    refused_with_422,
    key_rejected,
    too_many_requests,
    too_many_until_a_moment,
    too_many_without_a_word,
    too_many_once,
    server_error,
    server_error_after_it_is_carried_out,
    not_implemented,
    gateway_error_after_it_is_carried_out,
    unavailable,
    gateway_timeout,
    redirect_to_another_host,
    redirect_without_a_place,
)

NEVER_ANSWERED = (silence, silence_after_it_is_carried_out, a_byte_now_and_then)
"""Those that end with a time-out."""
