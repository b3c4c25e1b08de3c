"""Ids as Clerk makes them: a prefix and a KSUID, which sorts by time."""

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ksuid import KsuidMs

_PINNED: ContextVar[dict[str, str] | None] = ContextVar("pinned", default=None)


def new_id(prefix: str, now: int) -> str:
    """An id such as `user_2abc…`, made at `now` (milliseconds since the epoch)."""
    pinned = _PINNED.get()
    if pinned and prefix in pinned:
        return pinned.pop(prefix)
    return id_from(prefix, now, secrets.token_bytes(KsuidMs.PAYLOAD_LENGTH_IN_BYTES))


def id_from(prefix: str, now: int, payload: bytes) -> str:
    """The id of a moment and 15 bytes that tell it from others of that moment."""
    moment = dt.datetime.fromtimestamp(now / 1000, dt.UTC)
    return f"{prefix}_{KsuidMs(datetime=moment, payload=payload)}"


@contextmanager
def pinned_id(prefix: str, key: str | None) -> Iterator[None]:
    """The next id with this prefix is `key`: what a seed file names, so that tests can name it too."""
    token = _PINNED.set({prefix: key} if key else None)
    try:
        yield
    finally:
        _PINNED.reset(token)
