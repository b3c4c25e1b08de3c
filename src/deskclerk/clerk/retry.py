"""When a request may be sent again: a read nearly always, a write only if it certainly did not happen."""

import functools
import time
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx2

from deskclerk.catalogue import Request, Verb
from deskclerk.errors import ClerkUnavailable, RateLimited

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

_ATTEMPTS = 4
# These three fail before a byte is sent; of any other failure nobody knows what arrived.
_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
# What a gateway says while a server restarts; 500 is the server's own fault and comes again.
_PASSING = (502, 503, 504)


_told: "list[Callable[[RetryDetails], None]]" = []


def tell_of_retries(told: "Callable[[RetryDetails], None]") -> None:
    """Have every wait before another try told to this process's face, in place of stamina's own log lines."""
    _told[:] = [told]
    _stamina.cache_clear()


def tries(name: str, seconds: float) -> Any:
    """The tries of one request, logged by a name: an asynchronous iterator of stamina's attempts.

    `seconds` is for all of them together.
    """
    # No time-out of stamina's: the hook knows Clerk's own waits and ends by the same clock.
    context = _stamina().retry_context(
        on=wait_before_retry(seconds), attempts=_ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=10
    )
    return context.with_name(name, (), {})


@functools.cache
def _stamina() -> ModuleType:
    # With the first request: a client that starts us and lists the tools does not wait for it.
    import stamina  # noqa: PLC0415
    from stamina.instrumentation import set_on_retry_hooks  # noqa: PLC0415

    hooks: list[Any] = _told  # stamina's type is one of named arguments
    if hooks:
        set_on_retry_hooks(hooks)
    return stamina


def is_read(request: Request) -> bool:
    """Whether sending the request twice changes nothing."""
    return request.method is Verb.GET or request.reads


def never_left(error: httpx2.TransportError) -> bool:
    """Whether the connection failed before a byte of the request went out."""
    return isinstance(error, _NEVER_LEFT)


def wait_before_retry(total: float) -> Callable[[Exception], bool | float]:
    """A stamina hook: False to give up, True for its own back-off, or the seconds that Clerk asks for.

    `total` is the time in seconds for all tries; a `Retry-After` beyond it ends them at once.
    """
    deadline = time.monotonic() + total

    def decide(error: Exception) -> bool | float:
        if time.monotonic() >= deadline:
            return False
        match error:
            case RateLimited(retry_after=None):
                return True
            case RateLimited(retry_after=float() as seconds):
                # A wait beyond the end helps nobody: the asker is told how long it is, and can come back.
                return seconds if time.monotonic() + seconds < deadline else False
            # Raised only where nothing left, or for a read: a write whose answer is lost is OutcomeUnknown.
            case ClerkUnavailable(status=status):
                return status is None or status in _PASSING
            case _:
                return False

    return decide
