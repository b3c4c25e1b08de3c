"""One request on its way through the sandbox: what handles it, what it accepts, the file that it brings."""

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_type_hints

from deskclerk.catalogue import Action, Parameter, Route, Verb
from deskclerk.catalogue.parameter import read_parameter
from deskclerk.database import Connection
from deskclerk.sandbox.http.answer import Ready
from deskclerk.sandbox.store.store import Instance, Store


class Operation:
    """Declares the parameters of a route that no action uses, with the catalogue's types and marks.

    `class CreateSession(Operation, route=POST("/sessions")): user_id: str`. Those of a GET or DELETE
    travel in the query, others in the body unless marked `Query`; what stands in the path is not
    declared. `like` takes the parameters of an action instead. Of a list, `wrapped` says that it is always
    `{data, total_count}`; `many` that the body is an array of objects (they arrive as `call.items`);
    `upload` that it is a form with this one file (it arrives as `call.upload`); `writes` says otherwise
    than the method does whether it writes.
    Only declared, never built: requests are checked by `parameters`, as those of actions are.
    """

    route: ClassVar[Route]
    like: ClassVar[type[Action] | None]
    wrapped: ClassVar[bool]
    many: ClassVar[bool]
    upload: ClassVar[str]
    writes: ClassVar[bool | None]

    def __init_subclass__(
        cls,
        *,
        route: Route,
        like: type[Action] | None = None,
        wrapped: bool = False,
        many: bool = False,
        upload: str = "",
        writes: bool | None = None,
    ) -> None:
        cls.route, cls.like, cls.wrapped, cls.many = route, like, wrapped, many
        cls.upload, cls.writes = upload, writes

    @classmethod
    @functools.cache
    def parameters(cls) -> dict[str, Parameter]:
        """The declared parameters by name."""
        # Only where it is asked for: there are a hundred of them, and a request is for one.
        from pydantic.fields import FieldInfo  # noqa: PLC0415

        reads = cls.route.method in (Verb.GET, Verb.DELETE)
        found = {}
        for name, kind in get_type_hints(cls, include_extras=True).items():
            if name in Operation.__annotations__:
                continue
            absent = name not in vars(cls)
            info = (
                FieldInfo.from_annotation(kind)
                if absent
                else FieldInfo.from_annotated_attribute(kind, vars(cls)[name])
            )
            found[name] = read_parameter(name, info, in_path=False, reads=reads)
        return found


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
    where the sandbox was reached, `origin` the header. `events` collects what the handler did.
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


Handlers = Mapping[Route | type[Operation], Handler | Prepared | Kept]
"""What handles each route of one resource module; a route that no action uses stands as its Operation."""
