"""The form in which a model is shown what Clerk says: few tokens, and nothing that it would have to convert.

What is null, false or empty is left out, and times are ISO 8601 in UTC. In brief answers a list of
addresses is a list of texts, and what hangs in an object of its own stands beside the rest; of many things
each has its name as one text, and the day of its times.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from typing import Any

from deskclerk.desk.view.cleaning import FREE_FORM

OMITTED = "what is null, false, empty or said twice (updated_at as created_at)"
"""What a complete answer leaves out, said in it once."""
_TWICE = {"updated_at": "created_at", "profile_image_url": "image_url"}
"""Keys that mostly repeat another: left out where they do."""
_TIMES = ("_at", "_until")
_PLAUSIBLE = range(10**11, 10**14)
"""Milliseconds of the years 1973 to 5138: a smaller number under such a name is no moment."""
_LIFTED = ("public_user_data", "latest_activity")
"""Objects whose keys say by themselves what they are of."""


class Times(enum.Enum):
    """How exactly a moment is said."""

    DAY = "day"
    SECOND = "seconds"
    WHOLE = "milliseconds"


def compact_form(item: Mapping[str, Any], times: Times) -> dict[str, Any]:
    """The object without what says nothing; `WHOLE` loses nothing else."""
    kept: dict[str, Any] = {}
    for key, raw in item.items():
        if key in _TWICE and raw == item.get(_TWICE[key]):
            continue
        value = raw if key in FREE_FORM else _compact(key, raw, times)
        # A number is said, zero too: no members are a fact.
        if value is not None and value is not False and value not in ("", [], {}):
            kept[key] = value
    return kept


def one_of_many(item: Mapping[str, Any]) -> dict[str, Any]:
    """A projection as it stands in a list: a person's name is one text."""
    names = [item[key] for key in ("first_name", "last_name") if item.get(key)]
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key not in ("first_name", "last_name"):
            found[key] = value
        elif names and "name" not in found:
            found["name"] = " ".join(map(str, names))
    return found


def beside(item: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """A projection with its inner keys beside the others: addresses as texts, an object's keys lifted."""
    inner: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        if rest:
            inner.setdefault(head, []).append(rest)
    found: dict[str, Any] = {}
    for key, value in item.items():
        names = inner.get(key, [])
        if isinstance(value, list) and len(names) == 1:
            found[key] = [part.get(names[0]) if isinstance(part, Mapping) else part for part in value]
        elif isinstance(value, Mapping) and names:
            for name, part in value.items():
                found.setdefault(name if key in _LIFTED else f"{key}_{name}", part)
        else:
            found[key] = value
    return found


def _compact(key: str, value: Any, times: Times) -> Any:
    if isinstance(value, Mapping):
        return compact_form(value, times)
    if isinstance(value, list):
        return [compact_form(part, times) if isinstance(part, Mapping) else part for part in value]
    if isinstance(value, int) and key.endswith(_TIMES) and value in _PLAUSIBLE:
        return iso(value, times)
    return value


def iso(millis: int, times: Times) -> str:
    """A moment in UTC, as exactly as is asked for."""
    moment = dt.datetime.fromtimestamp(millis / 1000, dt.UTC)
    if times is Times.DAY:
        return moment.date().isoformat()
    exact = times is Times.WHOLE and millis % 1000
    return moment.isoformat(timespec="milliseconds" if exact else "seconds").replace("+00:00", "Z")
