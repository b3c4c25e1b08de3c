"""The types that parameters are declared with, and the marks that say where they go.

A parameter is `X | None = None` when it may be left out. A mark in its annotation says what differs
from the rule "path names into the path, the rest into the query of a read or the body of a write".
"""

import base64
import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, PlainValidator
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from deskclerk.catalogue.route import SEGMENT_RULE, check_segment
from deskclerk.errors import InvalidRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Null:
    """An explicit null is accepted and sent: it clears the value, or means Clerk's default."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Never shown: not in previews, the journal, logs, errors or `repr`.

    Given plainly, or as `secret:NAME`, which may be shown.
    """


REFERENCE_PREFIX = "secret:"
SECRET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
REFERENCE = re.compile(f"{REFERENCE_PREFIX}({SECRET_NAME.pattern})")


def is_reference(value: object) -> bool:
    """Whether a value stands for a stored secret, so that it gives nothing away itself."""
    return isinstance(value, str) and bool(REFERENCE.fullmatch(value))


@dataclass(frozen=True, slots=True)
class Query:
    """Goes into the query although its name or the effect would say otherwise."""


@dataclass(frozen=True, slots=True)
class Local:
    """Not sent in path, query or body: it shapes the answer, or says as whom Clerk is asked."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Goes to the action's `metadata` route, where Clerk merges deeply and null deletes a key."""


@dataclass(frozen=True, slots=True)
class Merges:
    """Clerk merges the object deeply into what is there, and null deletes a key; so it does at `Metadata`."""


@dataclass(frozen=True, slots=True)
class TotalAtZero:
    """A 0 is the desk's own, and does not reach Clerk: it asks for a list's total alone."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The list is the request's whole body, and not a part of one."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, given as base64 text; it travels in a form."""


class Part(BaseModel):
    """The base of an object inside a request: closed and strict, as the action around it."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, defer_build=True, hide_input_in_errors=True
    )


class Sorted:
    """An `order_by`: one of `names`, with `-` before it for descending order."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        # A "+" that was decoded as a space on its way here is still a plus.
        text = value.strip()
        name = text.removeprefix("+").removeprefix("-")
        if name not in self.names:
            raise ValueError(f"accepted: {', '.join(self.names)}, with '-' before it for descending order")
        return f"-{name}" if text.startswith("-") else name


@dataclass(frozen=True, slots=True)
class Instant:
    """A time; `wire` is `ms` (integer milliseconds) or `rfc3339` (text), as the parameter wants it."""

    wire: str


Nullable = Annotated[T | None, Null()]


def about(description: str, default: Any = None) -> Any:
    """A parameter that may be left out, described for whoever fills it in."""
    return Field(default=default, description=description)


def needed(description: str) -> Any:
    """A parameter that must be given, described for whoever fills it in."""
    return Field(description=description)


def _segment(value: str) -> str:
    try:
        return check_segment("id", value)
    except InvalidRequest as error:
        raise ValueError(f"not an id; accepted: {SEGMENT_RULE}") from error


Id = Annotated[str, AfterValidator(_segment)]
"""An id that stands in a path: one segment, nothing that could leave it."""


def _path(value: str) -> str:
    if not value or any(not part for part in value.split(".")):
        raise ValueError(
            "accepted: a key such as email_addresses, a path such as public_metadata.plan, * or raw"
        )
    return value


KeyPath = Annotated[str, AfterValidator(_path)]
"""A key of an answer, a path into it, `*` for all of it or `raw` for all as Clerk has it."""

_PLAUSIBLE_SECONDS = range(10**9, 10**10)
_DIGITS = re.compile(r"[0-9]{1,15}")
_TIME_RULE = "accepted: ISO 8601 such as 2026-01-31 or 2026-01-31T09:30:00Z (UTC if no zone), or milliseconds"


def parse_time(value: object) -> dt.datetime:
    """A moment from ISO 8601 text, milliseconds since the epoch, or a datetime; ValueError otherwise."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    match value:
        case dt.datetime():
            moment = value
        case str():
            try:
                moment = dt.datetime.fromisoformat(value)
            except ValueError:
                raise ValueError(f"not a time; {_TIME_RULE}") from None
        case int() if not isinstance(value, bool) and 0 <= value < 10**14:
            # Ten digits are seconds of our age, and milliseconds of January 1970: surely a mistake.
            if value in _PLAUSIBLE_SECONDS:
                raise ValueError(f"{value} looks like seconds; {_TIME_RULE}")
            return dt.datetime.fromtimestamp(value / 1000, dt.UTC)
        case _:
            raise ValueError(f"not a time; {_TIME_RULE}")
    # The machine's own zone would make the same call mean something else elsewhere.
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _to_millis(value: object) -> int:
    return round(parse_time(value).timestamp() * 1000)


def _to_rfc3339(value: object) -> str:
    text = parse_time(value).astimezone(dt.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


Millis = Annotated[int | str | dt.datetime, PlainValidator(_to_millis), Instant("ms")]
"""A time that Clerk takes as integer milliseconds."""

Rfc3339 = Annotated[int | str | dt.datetime, PlainValidator(_to_rfc3339), Instant("rfc3339")]
"""A time that Clerk takes as RFC 3339 text."""

Limit = Annotated[int, Ge(0), Le(500), TotalAtZero()]
"""How many items of a list, from 1 as Clerk takes it; 0 asks the desk for nothing but the list's total."""
Offset = Annotated[int, Ge(0)]
Texts = Annotated[list[str], MaxLen(100)]
"""Up to 100 values, Clerk's bound for filters by id or identifier."""
_LARGEST_FILE = 14_000_000
"""Characters of base64 for the ten megabytes that Clerk takes."""


def _file(value: str) -> str:
    decode_file(value)
    return value


def decode_file(text: str) -> bytes:
    """The bytes of a file that is given as base64, with or without `data:…;base64,`; ValueError otherwise."""
    try:
        content = base64.b64decode(re.sub(r"\s+", "", text.partition("base64,")[2] or text), validate=True)
    except ValueError:
        content = b""
    if not content:
        raise ValueError("accepted: a file's bytes as base64")
    return content


FileText = Annotated[str, MaxLen(_LARGEST_FILE), AfterValidator(_file), Upload()]
"""A file's bytes as base64 text."""

Json = dict[str, Any]
Number = Annotated[float, AfterValidator(lambda value: int(value) if value == int(value) else value)]
"""A number that Clerk takes with or without a fraction."""
Name = Annotated[str, MinLen(1), MaxLen(256)]
Url = Annotated[str, MaxLen(1024)]
