"""A desk's observer: told of calls, requests, plans and items as they happen, so that they can be measured.

It is told names that are the same for everybody (of actions, routes, outcomes), and never an id, an argument,
an answer or who asked. A desk without one does nothing for it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

from deskclerk.clerk.observing import SentRequest
from deskclerk.desk.journal.records import DONE
from deskclerk.errors import DeskclerkError

__all__ = [
    "CANCELLED",
    "FAULT",
    "ORIGIN",
    "PROPOSED",
    "Call",
    "Observer",
    "SentRequest",
    "Step",
    "observed",
]

ORIGIN = "deskclerk.origin"
"""Where an ASGI request's scope keeps what `Observer.asked` is told."""
PROPOSED = "proposed"
"""What has become of a plan that now waits, and the outcome of a call that ends with one."""
CANCELLED, FAULT = "cancelled", "fault"
"""The outcomes of a call whose asker went away, and of one that failed inside deskclerk."""

Step = Literal["plan", "write"]
"""The parts of a write: until it is signed, and from its intent to its outcome."""


@dataclass(slots=True)
class Call:
    """One request to the desk; how it ended is known when its block ends.

    `outcome` is `done`, `proposed`, an error's kind, `cancelled` or `fault`. `over` is off where the asker
    goes on with the same call in another step, so that each is counted once.
    """

    action: str
    effect: str
    face: str
    outcome: str = ""
    over: bool = True


class Observer:
    """Watches a desk: each method does nothing unless it is overridden."""

    def asked(self, origin: Mapping[str, str]) -> AbstractContextManager[object]:
        """Entered while a request is answered; `origin` says which, as far as it is known.

        Its keys are `request_id`, `traceparent` and `tracestate`.
        """
        del origin
        return nullcontext()

    def call(self, call: Call) -> AbstractContextManager[object]:
        """Entered for as long as a call is under way."""
        del call
        return nullcontext()

    def step(self, name: Step) -> AbstractContextManager[object]:
        """Entered for as long as a part of a call is under way."""
        del name
        return nullcontext()

    def request(self, sent: SentRequest) -> AbstractContextManager[object]:
        """Entered for as long as a try of a request to Clerk is under way."""
        del sent
        return nullcontext()

    def plan(self, became: str) -> None:
        """Told when a plan has become `proposed`, `signed`, `used`, `declined` or `dismissed`."""

    def item(self, became: str) -> None:
        """Told when a job's item is over: `done`, `refused`, `unknown` or `skipped`."""


@contextmanager
def observed(observer: Observer, call: Call) -> Iterator[Call]:
    """Have a call watched; its outcome follows from how the block ends, unless the block has set one."""
    with observer.call(call):
        try:
            yield call
        except DeskclerkError as error:
            call.outcome = error.kind
            raise
        except (asyncio.CancelledError, GeneratorExit):
            call.outcome = CANCELLED
            raise
        except BaseException:
            call.outcome = FAULT
            raise
        call.outcome = call.outcome or DONE
