"""Ids as Clerk makes them: a prefix and a KSUID, which sorts by time."""

import datetime as dt
import secrets

from ksuid import KsuidMs


def new_id(prefix: str, now: int) -> str:
    """An id such as `user_2abc…`, made at `now` (milliseconds since the epoch)."""
    return id_from(prefix, now, secrets.token_bytes(KsuidMs.PAYLOAD_LENGTH_IN_BYTES))


def id_from(prefix: str, now: int, payload: bytes) -> str:
    """The id of a moment and 15 bytes that tell it from others of that moment."""
    moment = dt.datetime.fromtimestamp(now / 1000, dt.UTC)
    return f"{prefix}_{KsuidMs(datetime=moment, payload=payload)}"
