"""What controls take: models that refuse what they do not know, and durations and times as people write."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from deskclerk.errors import InvalidRequest
from deskclerk.sandbox.store.state import Instance, State

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_LONGEST = 10**14


class Given(BaseModel):
    """The arguments of one control."""

    # Errors do not show the input: a seed may hold passwords.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OfInstance(Given):
    """As Given, for one instance: its id, slug or secret key; the first instance if not given."""

    instance: str | None = None


def milliseconds(value: object) -> object:
    """A duration in milliseconds, from seconds or from text such as `90s`, `2h30m`, `7d`; ValueError."""
    if isinstance(value, bool):
        raise ValueError("not a duration")
    if isinstance(value, int | float):
        return _bounded(round(value * 1000))
    text = str(value).strip()
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    parts = _PART.findall(text)
    # `findall` skips what it does not know: joined again, the parts have to be the whole text.
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("not a duration; accepted: seconds, or text such as 90s, 2h30m, 7d")
    return _bounded(sign * round(sum(float(number) * _UNITS[unit] for number, unit in parts)))


def moment(value: object) -> object:
    """Milliseconds since the epoch, from those or from ISO 8601 (UTC if no zone); ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value)
    text = str(value).strip()
    if text.isdigit():
        return _bounded(int(text))
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not a time; accepted: ISO 8601, or milliseconds since the epoch") from None
    return round((found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp() * 1000)


def _bounded(value: int) -> int:
    if abs(value) > _LONGEST:
        raise ValueError(f"beyond what the clock can tell: at most {_LONGEST} milliseconds")
    return value


Duration = Annotated[int, BeforeValidator(milliseconds)]
Moment = Annotated[int, BeforeValidator(moment)]

Model = TypeVar("Model", bound=Given)


def read(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The checked arguments; InvalidRequest names each that is wrong."""
    try:
        return model(**values)
    except ValidationError as error:
        raise invalid(model, error) from None


def invalid(model: type[Given], error: ValidationError) -> InvalidRequest:
    """A model's refusal as ours: which argument, what is accepted."""
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        name = ".".join(map(str, item["loc"])) or "request"
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            text = f"unknown; accepted: {', '.join(model.model_fields) or 'nothing'}"
        problems.append((name, text))
    return InvalidRequest("; ".join(f"{name}: {text}" for name, text in problems), problems=problems)


def wrong(name: str, text: str) -> InvalidRequest:
    """One argument that cannot be accepted."""
    return InvalidRequest(f"{name}: {text}", problems=[(name, text)])


def find_instance(state: State, wanted: str | None) -> Instance:
    """The instance by id, slug or secret key; the first one where none is named."""
    known = list(state.by_key.values())
    if wanted is None:
        return known[0]
    for item in known:
        if wanted in (item.id, item.slug, item.secret_key):
            return item
    raise wrong("instance", f"no such instance; known: {', '.join(item.slug for item in known)}")


def iso(time: int) -> str:
    """Milliseconds since the epoch as ISO 8601."""
    moment = dt.datetime.fromtimestamp(time / 1000, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
