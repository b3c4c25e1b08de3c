"""What is asked for by an id and is not there: collected for as long as somebody wants to know.

On a hosted desk it may be another customer's. On one machine nobody collects it, and nothing is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collected: ContextVar[list[str] | None] = ContextVar("deskclerk_misses", default=None)


def missed(asked: str) -> None:
    """Say that there is nothing by this id, name or word, which whoever asks has given."""
    found = _collected.get()
    if found is not None:
        found.append(asked)


@contextmanager
def collecting() -> Iterator[list[str]]:
    """What is missed within the block and in tasks that begin there, in order; taken out by who notes it."""
    found: list[str] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


@contextmanager
def own_look() -> Iterator[None]:
    """What the desk looks for by itself, and is not kept any more, nobody has asked for."""
    token = _collected.set(None)
    try:
        yield
    finally:
        _collected.reset(token)
