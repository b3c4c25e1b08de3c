"""How a try to deliver ends, and that nothing of its address is logged meanwhile."""

import contextlib
import contextvars
import logging
from collections.abc import Iterator


class NotDeliveredError(Exception):
    """A message did not arrive: why, without the address; `again` says whether another try may help."""

    def __init__(self, why: str, *, again: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.again = again


class _Secretly:
    """A block in which the loggers that carry its filter say nothing, other tasks aside."""

    def __init__(self) -> None:
        self._within = contextvars.ContextVar("sending_secretly", default=False)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        token = self._within.set(True)
        try:
            yield
        finally:
            self._within.reset(token)

    def lets_through(self, _record: logging.LogRecord) -> bool:
        """A filter for a library's logger."""
        return not self._within.get()


sending_secretly = _Secretly()
