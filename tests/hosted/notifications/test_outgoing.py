"""What a customer enters as an address reaches a machine of the public network, or nothing at all."""

import asyncio
import contextlib
import json

import pytest
from pydantic import SecretStr

from deskclerk.desk.notifications.delivery import NotDeliveredError
from deskclerk.desk.notifications.messages import of_test
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.notifications import outgoing as module
from deskclerk.hosted.notifications.addresses import is_public, read_address
from deskclerk.hosted.notifications.outgoing import OpenDestination, Outgoing
from tests.desk.notifications.conftest import PATH, SECRET
from tests.hosted.notifications.conftest import (
    ADDRESS,
    HOST,
    SLACK,
    SLACK_PATH,
    loopback_as_public,
    on_loopback,
    receiving,
)

pytestmark = pytest.mark.anyio
MESSAGE = of_test("workspace acme")
HOOK = OpenDestination("webhook", SecretStr(ADDRESS), SecretStr(SECRET))

INWARD = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "168.63.129.16",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::1", "::", "::127.0.0.1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1.1.1.1",
    "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
    "2001:db8::1", "2001::1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "100::1", "localhost", "0177.0.0.1",
    "2130706433", "", "127.1",
]  # fmt: skip
OUTWARD = [
    "1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
]  # fmt: skip


@pytest.mark.promise("destinations-are-public")
@pytest.mark.parametrize("address", INWARD)
def test_what_is_not_on_the_public_network_is_told_from_what_is(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTWARD)
def test_a_machine_of_the_public_network_is_one_in_every_spelling(address):
    assert is_public(address)


REFUSED = [
    "http://hooks.example.com/x", "ftp://hooks.example.com/x", "file:///etc/passwd", "hooks.example.com/x",
    "",
    "https://127.0.0.1/x", "https://10.0.0.1/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x", "https://2130706433/x", "https://0x7f000001/x", "https://0177.0.0.1/x",
    "https://127.1/x", "https://0x7f.1/x", "https://localhost/x", "https://localhost./x", "https://printer/x",
    "https://hooks.example.com./x", "https://user@hooks.example.com/x",
    "https://user:pass-mark@hooks.example.com/x", "https://hooks.example.com:8443/x",
    "https://hooks.example.com:80/x", "https://hooks.example.com:/x", "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com#@127.0.0.1/", "https://hooks.example.com/x#y", "https://hooks.example.com/x y",
    "https://hooks.example.com/x\r\nHost: localhost", "https://hooks.example.com\n/x",
    "https://127.0.0.1#hooks.example.com/", "https://127.0.0.1%2f.example.com/", "https://exa_mple.com/x",
    "https://\uff11\uff12\uff17.0.0.1/x", "https://hooks\u3002example.com/x", "https://h\u00f6\u00f6ks.com/x",
    "https://-a.example.com/x", "https://a..example.com/x", "https://x.com/" + "a" * 1_000,
]  # fmt: skip


@pytest.mark.promise("destinations-are-public")
@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_no_plain_one_is_refused_and_never_repeated(address):
    with pytest.raises(InvalidRequest) as refused:
        read_address("webhook", address)
    said = str(refused.value)
    assert "https://HOST/" in said
    assert "mark" not in said
    assert not address or address not in said


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.com/services/A/B/C",
        "https://hooks.slack.com.example.com/services/A/B/C",
        "https://hooks.slack.com/services/A/B",
        "https://hooks.slack.com/services/../../api",
        "https://hooks.slack.com/services/A/B/C?x=1",
        "http://hooks.slack.com/services/A/B/C",
    ],
)
def test_slack_is_slacks_own_incoming_webhook(address):
    with pytest.raises(InvalidRequest, match="incoming webhook"):
        read_address("slack", address)


def test_what_is_accepted_is_a_host_and_what_stands_behind_it():
    assert read_address("webhook", "https://Hooks.Example.com:443/a/b?c=d%20e") == (
        "hooks.example.com",
        "/a/b?c=d%20e",
    )
    assert read_address("webhook", "https://hooks.example.com") == (HOST, "/")
    assert read_address("webhook", "https://hooks.example.com?a=b") == (HOST, "/?a=b")
    assert read_address("slack", f"https://{SLACK}{SLACK_PATH}") == (SLACK, SLACK_PATH)


async def not_delivered(outgoing, place=HOOK):
    with pytest.raises(NotDeliveredError) as failed:
        await outgoing.send(place, "msg_1", MESSAGE, 0)
    said = str(failed.value)
    assert not any(part in said for part in (HOST, "127.0.0.1", PATH, SECRET))
    return failed.value


async def test_it_goes_to_the_address_that_was_checked_under_the_name_of_its_host(outgoing, receiver):
    await outgoing.send(HOOK, "msg_1", MESSAGE, 0)
    path, headers, body = await receiver.next()
    assert (path, headers["host"], receiver.asked) == (PATH, HOST, [HOST])
    assert json.loads(body)["type"] == "notify.test"
    assert headers["svix-id"] == "msg_1"


async def test_slack_is_told_in_words_of_its_own_which_it_takes_for_no_markup(outgoing, receiver):
    place = OpenDestination("slack", SecretStr(f"https://{SLACK}{SLACK_PATH}"), None)
    await outgoing.send(place, "msg_1", MESSAGE, 0)
    path, headers, body = await receiver.next()
    assert (path, receiver.asked) == (SLACK_PATH, [SLACK])
    assert not any(name.startswith("svix") for name in headers)
    assert json.loads(body) == {
        "text": f"{MESSAGE.title}\n{MESSAGE.text}",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


@pytest.mark.promise("destinations-are-public")
@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["169.254.169.254"], ["::ffff:127.0.0.1"]],
)
async def test_a_name_that_means_a_machine_of_ours_is_connected_to_by_none_of_its_addresses(
    authority, receiver, found
):
    async def resolve(_):
        return found

    # With what every replica has for public.
    sends = Outgoing(resolve=resolve, port=receiver.port, tls=authority.trust)
    failed = await not_delivered(sends)
    assert (failed.why, failed.again) == ("its host is not on the public network", False)
    assert receiver.count == 0
    assert receiver.asked == []


@pytest.mark.promise("destinations-are-public")
async def test_a_name_is_looked_up_once_so_that_it_cannot_mean_another_machine_when_it_is_used(
    authority, receiver
):
    asked = []

    async def resolve(host):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    sends = Outgoing(resolve=resolve, public=loopback_as_public, port=receiver.port, tls=authority.trust)
    await sends.send(HOOK, "msg_1", MESSAGE, 0)
    assert (asked, receiver.count) == ([HOST], 1)
    assert not (await not_delivered(sends)).again
    assert receiver.count == 1


@pytest.mark.promise("destinations-are-public")
async def test_a_redirect_leads_nowhere(outgoing, receiver):
    receiver.statuses = [307]
    failed = await not_delivered(outgoing)
    assert (failed.why, failed.again, receiver.count) == ("it answered 307", False, 1)


async def test_who_cannot_show_the_certificate_of_the_host_is_sent_nothing(authority):
    async with receiving(authority, "other.example.com") as other:
        sends = Outgoing(resolve=on_loopback, public=loopback_as_public, port=other.port, tls=authority.trust)
        assert (await not_delivered(sends)).again
        assert other.count == 0


async def test_a_connection_to_one_host_serves_no_other_behind_the_same_address(authority):
    """A proxy for many keeps connections open; what it showed for one name it has not shown for another."""
    heads = []

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                await reader.read(10_000)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.of(HOST))
    port = server.sockets[0].getsockname()[1]
    sends = Outgoing(resolve=on_loopback, public=loopback_as_public, port=port, tls=authority.trust)
    await sends.send(HOOK, "msg_1", MESSAGE, 0)
    other = OpenDestination("webhook", SecretStr("https://other.example.com/x"), SecretStr(SECRET))
    await not_delivered(sends, other)
    assert len(heads) == 1
    server.close()


async def test_a_proxy_of_the_environment_is_not_asked(outgoing, receiver, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await outgoing.send(HOOK, "msg_1", MESSAGE, 0)
    assert receiver.count == 1


async def test_a_body_without_end_and_an_answer_that_never_comes_keep_nobody(authority, monkeypatch):
    monkeypatch.setattr(module, "TRY_SECONDS", 0.5)
    sent = 0

    async def serve(reader, writer):
        nonlocal sent
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/silent" in head:
            await asyncio.Event().wait()
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
                await writer.drain()
                sent += 0x8000
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.of(HOST))
    port = server.sockets[0].getsockname()[1]
    sends = Outgoing(resolve=on_loopback, public=loopback_as_public, port=port, tls=authority.trust)
    await sends.send(HOOK, "msg_1", MESSAGE, 0)
    assert sent < 2**24
    silent = OpenDestination("webhook", SecretStr(f"https://{HOST}/silent"), SecretStr(SECRET))
    failed = await not_delivered(sends, silent)
    assert (failed.why, failed.again) == ("it took too long", True)
    server.close()


async def test_a_host_that_nobody_knows_is_tried_again_later(authority):
    async def resolve(_):
        raise OSError("no such name")

    failed = await not_delivered(Outgoing(resolve=resolve, tls=authority.trust))
    assert (failed.why, failed.again) == ("its host has no address", True)
