"""Whoever watches what is sent to Clerk: told of every try, and never of an id, an argument or a body."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class SentRequest:
    """One try of one request; how it ended is known when its block ends.

    `route` is the template, such as `/users/{user_id}/ban`; `attempt` counts from 1, so that what is above it
    are retries. `status` is Clerk's, None where there was no answer; `outcome` is `done` or an error's kind.
    """

    method: str
    route: str
    attempt: int
    status: int | None = None
    outcome: str = "done"


class RequestObserver(Protocol):
    """Watches the requests of a client."""

    def request(self, sent: SentRequest) -> AbstractContextManager[object]:
        """Entered for as long as a try is under way, without the wait for the rate budget before it."""
