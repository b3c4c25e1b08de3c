"""Which addresses a customer may have this desk send to, and which machines they may lead to.

What a customer enters must not reach what stands beside the desk: so an address names a host by a name and no
port, and of all that the name resolves to nothing is connected to unless every one is on the public network.
"""

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Literal

from deskclerk.desk.notifications.delivery import NotDeliveredError
from deskclerk.errors import InvalidRequest

Kind = Literal["webhook", "slack"]
KINDS: tuple[Kind, ...] = ("webhook", "slack")
Resolve = Callable[[str], Awaitable[list[str]]]
"""The addresses of a host; OSError if it has none."""

_LONGEST = 1_000
# A whole name whose last part begins with a letter: no address is one, in whichever spelling. Behind it no
# sign that one reader of addresses takes for the end of a host and another does not.
_ADDRESS = re.compile(
    r"https://(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9]))(?::443)?"
    r"(?P<target>(?:[/?][A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)",
    re.IGNORECASE,
)
_SLACK = re.compile(r"https://hooks\.slack\.com/services/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+")
_ACCEPTED = {
    "webhook": "https://HOST/…, with a host by its name, no port, no user and nothing behind a #",
    "slack": "https://hooks.slack.com/services/…, as Slack shows it for an incoming webhook",
}
_UNICAST = ipaddress.IPv6Network("2000::/3")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Not every version of Python knows all of the first; by the second, of a public range, every machine of a
# cloud reaches the one that it runs on.
_NOT_PUBLIC = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))


def read_address(kind: Kind, text: str) -> tuple[str, str]:
    """The host of an address and what stands behind it; InvalidRequest never repeats what was given."""
    found = _ADDRESS.fullmatch(text) if len(text) <= _LONGEST else None
    if not found or (kind == "slack" and not _SLACK.fullmatch(text)):
        problem = f"accepted: {_ACCEPTED[kind]}"
        raise InvalidRequest(
            f"address: {problem}.", problems=[("address", problem)], next_step="Nothing was changed."
        )
    target = found["target"]
    return found["host"].lower(), target if target.startswith("/") else f"/{target}"


def is_public(text: str) -> bool:
    """Whether an address is one machine's on the public network, however it is written."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id:
            return False
        # What is an address of IPv4 in another dress is judged as that.
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        return found in _UNICAST and found not in _SIX_TO_FOUR and found.is_global
    elsewhere = found.is_multicast or found.is_reserved or any(found in network for network in _NOT_PUBLIC)
    return found.is_global and not elsewhere


async def resolve(host: str) -> list[str]:
    """What the system's resolver says."""
    from anyio import CapacityLimiter, to_thread  # noqa: PLC0415 - only where something is sent

    # In threads of its own: names whose servers do not answer keep nothing else of this process waiting.
    found = await to_thread.run_sync(
        lambda: socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM),
        abandon_on_cancel=True,
        limiter=CapacityLimiter(1),
    )
    return [str(place[0]) for *_, place in found]


async def public_addresses(host: str, ask: Resolve, public: Callable[[str], bool]) -> list[str]:
    """The addresses of a host, those of IPv4 first; NotDeliveredError unless all of them are public."""
    try:
        found = list(dict.fromkeys(await ask(host)))
    except (OSError, UnicodeError):
        raise NotDeliveredError("its host has no address", again=True) from None
    if not found:
        raise NotDeliveredError("its host has no address", again=True)
    # One of several is enough to refuse: which one is connected to would be left to chance.
    if not all(map(public, found)):
        raise NotDeliveredError("its host is not on the public network")
    return sorted(found, key=lambda address: ":" in address)
