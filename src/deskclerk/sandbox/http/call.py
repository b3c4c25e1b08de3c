"""One request on its way through the sandbox: what handles it, what it accepts, the file that it brings."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deskclerk.catalogue import Route
from deskclerk.database import Connection
from deskclerk.sandbox.http.answer import Ready
from deskclerk.sandbox.store.store import Instance, Store


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as a webhook tells it: Clerk's type, and the object."""

    type: str
    data: Ready | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in a form, and what its sender calls it."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request inside one transaction.

    `path`, `query` and `body` hold the parameters that were given, `items` those of a body that is an
    array, `now` the time in milliseconds, `wrapped` whether the route's list is always
    `{data, total_count}`, `pages` whether it takes `limit`. `upload` is the file of a form, `base_url`
    where the sandbox was reached, `origin` the header, `machine` the id of the machine whose key was shown
    in place of the instance's. `events` collects what the handler did.
    """

    connection: Connection
    instance: Instance
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    version: str
    now: int
    wrapped: bool
    pages: bool
    items: Sequence[Mapping[str, Any]] = ()
    origin: str | None = None
    upload: Upload | None = None
    base_url: str = ""
    machine: str | None = None
    events: list[Event] = field(default_factory=list)

    def emit(self, kind: str, data: Ready | Mapping[str, Any]) -> None:
        """Tell webhooks about it, once the transaction is through: `user.created` and the user."""
        self.events.append(Event(kind, data))


Handler = Callable[[Call], Awaitable[Any]]
"""Carries out one call; what it returns is the answer's JSON, or a Response where it is no plain 200."""

Prepare = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Slow work on a body before the transaction begins, so that no lock is held meanwhile."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A handler whose body goes through `prepare` first."""

    prepare: Prepare
    handler: Handler


@dataclass(frozen=True, slots=True)
class Question:
    """A request whose answer may be at hand: what `Call` holds of it before there is a transaction."""

    store: Store
    instance_id: str
    path: Mapping[str, str]
    query: Mapping[str, Any]
    now: int
    base_url: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A handler whose answer is kept as text: `ask` reads it in one statement, which is no transaction.

    What it gives is the answer and the revision of the sandbox's state at that moment; None where it
    has to be made, which `handler` does.
    """

    ask: Callable[[Question], Awaitable[tuple[Any, int] | None]]
    handler: Handler


@dataclass(frozen=True, slots=True)
class Reading:
    """A handler that changes nothing, though the method is that of a write."""

    handler: Handler


@dataclass(frozen=True, slots=True)
class Writing:
    """A handler that may change something, though the method is that of a read."""

    handler: Handler


Handled = Handler | Prepared | Kept | Reading | Writing


def handler_of(found: Handled) -> Handler:
    """The handler alone, without what is said about it."""
    return found.handler if isinstance(found, Prepared | Kept | Reading | Writing) else found


Handlers = Mapping[Route, Handled]
"""What handles each route of one resource module; what a route accepts is declared by its actions."""
