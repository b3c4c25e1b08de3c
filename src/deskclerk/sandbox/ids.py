"""Ids as Clerk makes them: a prefix and a KSUID, which sorts by time."""

import datetime as dt
import itertools
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ksuid import KsuidMs

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = ["".join(pair) for pair in itertools.product(_DIGITS, repeat=2)]
_PAIRS_IN_ID = 14
"""A KSUID has 27 digits, written here two by two: the library's way takes thirty times as long."""

EARLIEST = 1_400_000_000_000
"""May 2014, where KSUIDs begin: the first moment of an id, in milliseconds since the epoch."""
LATEST = EARLIEST + 2**32 * 1000 - 1
"""The last, in June 2150."""

# Of the running task alone: what is made meanwhile for others gets ids of its own.
_PINNED: ContextVar[dict[str, str] | None] = ContextVar("pinned", default=None)


def new_id(prefix: str, now: int) -> str:
    """An id such as `user_2abc…`, made at `now` (milliseconds since the epoch)."""
    return _pinned(prefix) or id_from(prefix, now, _random_bytes(KsuidMs.PAYLOAD_LENGTH_IN_BYTES))


def new_hex_id(prefix: str) -> str:
    """An id such as `oat_0ef5…`, with 32 digits that tell nothing of the time."""
    return _pinned(prefix) or f"{prefix}_{_random_bytes(16).hex()}"


def _pinned(prefix: str) -> str | None:
    pinned = _PINNED.get()
    # Once: whatever else the call makes with this prefix gets an id of its own.
    return pinned.pop(prefix, None) if pinned else None


_drawn = bytearray()


def _random_bytes(count: int) -> bytes:
    """Bytes of the system's source, which is asked for many at a time."""
    if len(_drawn) < count:
        _drawn[:] = secrets.token_bytes(4096)
    drawn = bytes(_drawn[-count:])
    del _drawn[-count:]
    return drawn


def id_from(prefix: str, now: int, payload: bytes) -> str:
    """The id of a moment and 15 bytes that tell it from others of that moment."""
    moment = dt.datetime.fromtimestamp(now / 1000, dt.UTC)
    number, pairs = int.from_bytes(bytes(KsuidMs(datetime=moment, payload=payload))), []
    for _ in range(_PAIRS_IN_ID):
        number, rest = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[rest])
    # Fourteen pairs are 28 digits: the first is always a zero.
    return f"{prefix}_{''.join(reversed(pairs))[1:]}"


@contextmanager
def pinned_id(prefix: str, key: str | None) -> Iterator[None]:
    """The next id with this prefix is `key`: what a seed file names, so that tests can name it too."""
    token = _PINNED.set({prefix: key} if key else None)
    try:
        yield
    finally:
        _PINNED.reset(token)
