"""One value as the text of a table's cell."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

_MOST_MILLIS = 10**14


def cell(key: str, value: Any) -> str:
    """A value on one line: times in UTC, lists joined, objects as compact JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() if is_time(key) and 0 < value < _MOST_MILLIS:
            return f"{moment(value):%Y-%m-%d %H:%M}"
        case str():
            return " ".join(value.split())
        case list():
            return ", ".join(cell(key, only(item)) for item in value if item is not None)
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def width_of(text: str) -> int:
    """How many terminal cells a text takes: two for a wide letter."""
    from rich.cells import cell_len  # noqa: PLC0415 - only where something is drawn

    return cell_len(text)


def is_time(key: str) -> bool:
    """Whether a key holds a moment in milliseconds."""
    return key == "at" or key.endswith("_at")


def moment(millis: int) -> dt.datetime:
    """Milliseconds since the epoch as a time in UTC."""
    return dt.datetime.fromtimestamp(millis / 1000, dt.UTC)


def flat(item: Mapping[str, Any], free_form: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """The leaves of an object with dotted keys; free-form objects stay whole."""
    for key, value in item.items():
        if isinstance(value, Mapping) and value and key not in free_form:
            yield from ((f"{key}.{name}", leaf) for name, leaf in flat(value, free_form))
        else:
            yield key, value


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; in a list, at that path of each of its items."""
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        return [at(item, path) for item in value]
    found = value.get(head) if isinstance(value, Mapping) else None
    return at(found, rest) if rest else found


def only(value: Any) -> Any:
    """An object of a single key stands for that key's value."""
    if isinstance(value, Mapping) and len(value) == 1:
        return next(iter(value.values()))
    return value
