"""One request on its way through the sandbox, and what handles it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from deskclerk.catalogue import Route
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.store.store import Instance


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as a webhook tells it: Clerk's type, and the object."""

    type: str
    data: Mapping[str, Any]


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
    where the sandbox was reached, `origin` the header. `events` collects what the handler did.
    """

    connection: AsyncConnection
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
    events: list[Event] = field(default_factory=list)

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
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


Handlers = Mapping[Route | type[Operation], Handler | Prepared]
"""What handles each route of one resource module; a route that no action uses stands as its Operation."""
