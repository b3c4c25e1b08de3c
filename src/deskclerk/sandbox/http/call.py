"""One request on its way through the sandbox: what handles it, what it accepts, the file that it brings."""

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from deskclerk.catalogue import Action, Parameter, Route, Verb
from deskclerk.catalogue.parameter import read_parameter
from deskclerk.database import Connection
from deskclerk.sandbox.http.errors import Problem, Refusal, refusal
from deskclerk.sandbox.store.store import Instance

LARGEST_FILE = 10 * 2**20
_ENVELOPE = 2**16
"""What boundaries and part headers may take beside the file."""
_TYPE = "multipart/form-data"


class Operation(BaseModel):
    """Declares the parameters of a route that no action uses, with the catalogue's types and marks.

    `class CreateSession(Operation, route=POST("/sessions")): user_id: str`. Those of a GET or DELETE
    travel in the query, others in the body unless marked `Query`; what stands in the path is not
    declared. `like` takes the parameters of an action instead. Of a list, `wrapped` says that it is always
    `{data, total_count}`; `many` that the body is an array of objects (they arrive as `call.items`);
    `upload` that it is a form with this one file (it arrives as `call.upload`); `writes` says otherwise
    than the method does whether it writes.
    Only declared, never built: requests are checked by `parameters`, as those of actions are.
    """

    model_config = ConfigDict(defer_build=True)

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
        super().__init_subclass__()
        cls.route, cls.like, cls.wrapped, cls.many = route, like, wrapped, many
        cls.upload, cls.writes = upload, writes

    @classmethod
    @functools.cache
    def parameters(cls) -> dict[str, Parameter]:
        """The declared parameters by name."""
        reads = cls.route.method in (Verb.GET, Verb.DELETE)
        return {
            name: read_parameter(name, info, in_path=False, reads=reads)
            for name, info in cls.model_fields.items()
        }


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


async def read_upload(request: Request, name: str) -> Upload:
    """The file that the form has under `name`; refused if there is none, or if it is too large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _TYPE:
        raise refusal("unsupported_content_type", "Unsupported content type", f"Send {_TYPE}.")
    try:
        # Clerk's forms have one file and a field or two; the parser would take a thousand.
        async with _limited(request).form(max_files=1, max_fields=8) as form:
            file = form.get(name)
            # A field without a file name arrives as text.
            if file is None or isinstance(file, str):
                raise Refusal(
                    Problem("form_param_missing", "is missing", f"The form has no file {name}.", name),
                    status=400,
                )
            content = await file.read()
            return Upload(content, (file.content_type or "").partition(";")[0].strip().lower())
    except MultiPartException:
        raise refusal("request_body_invalid", "body is invalid", "The body is not a valid form.") from None


def _limited(request: Request) -> Request:
    """The request, whose body is refused as soon as it is too long."""
    taken = 0

    async def receive() -> dict[str, object]:
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        # Counted as it arrives: the form's own parser would first write all of it to the disk.
        if taken > LARGEST_FILE + _ENVELOPE:
            text = f"An image has at most {LARGEST_FILE} bytes."
            raise refusal("image_too_large", "Image too large", text)
        return dict(message)

    return Request(request.scope, receive)
