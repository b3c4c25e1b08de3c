"""The present moment and new ids, as everything that the desk stores has them."""

import time


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id(prefix: str) -> str:
    """A prefix and a KSUID, which sorts by the moment at which it was made."""
    from ksuid import KsuidMs  # noqa: PLC0415 - listing tools needs no ids

    return f"{prefix}_{KsuidMs()}"
