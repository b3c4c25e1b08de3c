"""Where an action goes: a method and a path below `/v1`, and the request made from it."""

import enum
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deskclerk.errors import InvalidRequest

API_VERSION = "2026-05-12"
"""The version of Clerk's Backend API whose operations the catalogue declares."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Nothing that a URL gives a meaning to: an id from a model cannot lead to another route.
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:~-]{0,254}")

SEGMENT_RULE = "letters, digits, '_', '-', '.', ':' or '~', at most 255, beginning with a letter or digit"


class Effect(enum.StrEnum):
    """What an action does to the instance."""

    READ = "read"
    WRITE = "write"
    """Can be taken back."""
    DESTRUCTIVE = "destructive"
    """Cannot be taken back."""


READ, WRITE, DESTRUCTIVE = Effect


class Verb(enum.StrEnum):
    """The HTTP methods of Clerk's Backend API."""

    GET = "GET"
    POST = "POST"
    PATCH = "PATCH"
    PUT = "PUT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Answers:
    """What kind of thing an operation answers: one with this `object`, or with `many` a list of them.

    Without an `object` it is told by its `keys`; `nothing` says that the answer is empty, `page` that it is
    a web page and no JSON.
    """

    object: str = ""
    many: bool = False
    keys: tuple[str, ...] = ()
    nothing: bool = False
    page: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form: the form's name for it, its bytes, what kind they are."""

    name: str
    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class OtherKey:
    """A key that a request shows in place of the instance's, and the argument that it was given as."""

    argument: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to Clerk: path below `/v1` with its ids filled in, query pairs, JSON body.

    `answers` is what its answer has to be to be believed; None takes any JSON. With a `file` the body's
    fields and the file travel as a form. `reads` says that sending it twice changes nothing, `key` that
    another key is shown than the instance's. `route` is the path before its ids were filled in.
    """

    method: Verb
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | list[Any] | None = None
    answers: Answers | None = None
    file: File | None = None
    reads: bool = False
    key: OtherKey | None = None
    route: str = ""


Send = Callable[[Request], Awaitable[Any]]
"""What an action is given to reach Clerk with: a request in, the decoded JSON answer out."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path template such as `/users/{user_id}/ban`."""

    method: Verb
    path: str
    names: tuple[str, ...] = field(init=False)
    """The parameters in the path, in order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(_PLACEHOLDER.findall(self.path)))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def fill(self, values: Mapping[str, str]) -> str:
        """The path with its ids, each confined to one segment; else InvalidRequest."""
        for name in self.names:
            check_segment(name, values[name])
        return self.path.format_map(values)


def check_segment(name: str, value: str) -> str:
    """The value itself if it can stand as one path segment.

    What could leave its segment (`../`, `%2F`, `?`, an empty string) is InvalidRequest.
    """
    if not _SEGMENT.fullmatch(value):
        problem = f"not an id; accepted: {SEGMENT_RULE}"
        raise InvalidRequest(
            f"{name}: {problem}.",
            problems=[(name, problem)],
            next_step="Pass the id exactly as a list or get action returned it.",
        )
    return value


def GET(path: str) -> Route:  # noqa: N802 - written as in HTTP
    """A route that reads."""
    return Route(Verb.GET, path)


def POST(path: str) -> Route:  # noqa: N802
    """A route that creates, or performs a verb."""
    return Route(Verb.POST, path)


def PATCH(path: str) -> Route:  # noqa: N802
    """A route that changes some fields."""
    return Route(Verb.PATCH, path)


def PUT(path: str) -> Route:  # noqa: N802
    """A route that puts a new value in the place of the old."""
    return Route(Verb.PUT, path)


def DELETE(path: str) -> Route:  # noqa: N802
    """A route that deletes."""
    return Route(Verb.DELETE, path)
