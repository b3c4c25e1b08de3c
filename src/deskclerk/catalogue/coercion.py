"""Arguments as clients send them, turned into arguments as they are declared.

Models and clients spell the same value in several ways: a number as text, a list of one as its item, an
object as JSON text, null for what is left out. Whatever can mean one thing only is taken as that; everything
else goes on as it came, and is refused with what is accepted. What comes out here is what is validated,
shown to a person, signed and sent.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from deskclerk.catalogue.parameter import Parameter
from deskclerk.errors import InvalidRequest

CLEAR = "clear"
"""The argument that names the fields which an update empties, since many a model cannot send a null."""
NUL = "\0"
NUL_RULE = "has the character U+0000, which nothing is stored with; leave it out"
"""What is wrong with it: PostgreSQL keeps no text with this character, neither Clerk's nor the desk's."""
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0+)?")
_BROKEN = re.compile(r"[+-]?\d{1,18}\.\d{1,18}")
_WORDS = re.compile(r"[\w@.*+-]+")
_LONGEST_JSON = 200_000
"""Characters of a value that is given as JSON text."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ALSO_CALLED = {
    "after": "starting_after",
    "count": "limit",
    "cursor": "starting_after",
    "email": "email_address",
    "mail": "email_address",
    "max_results": "limit",
    "metadata": "public_metadata",
    "org": "organization_id",
    "order": "order_by",
    "page_size": "limit",
    "per_page": "limit",
    "phone": "phone_number",
    "q": "query",
    "search": "query",
    "skip": "offset",
    "sort": "order_by",
    "sort_by": "order_by",
    "text": "query",
}


def holds_nul(value: object) -> bool:
    """Whether the character U+0000 is anywhere in a value, in the names of an object too."""
    match value:
        case str():
            return NUL in value
        case Mapping():
            return any(holds_nul(name) or holds_nul(item) for name, item in value.items())
        case list() | tuple():
            return any(map(holds_nul, value))
        case BaseModel():
            return any(map(holds_nul, value.__dict__.values()))
    return False


def coerce(
    arguments: Mapping[str, Any], parameters: Mapping[str, Parameter], clearable: Sequence[str]
) -> dict[str, Any]:
    """The arguments with their values as declared, where they can mean one thing.

    `clear: ["first_name"]` becomes `first_name: null`, of those that are `clearable`; InvalidRequest for
    another, without the action's name.
    """
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        known = parameters.get(name)
        if known is None:
            if not (name == CLEAR and clearable):
                found[name] = value
            continue
        read = _read(known, value)
        # Left out, where there is nothing that it could empty.
        if read is None and not known.nullable and not known.required:
            continue
        found[name] = read
    if CLEAR in arguments and clearable:
        found |= _cleared(arguments[CLEAR], found, clearable)
    return found


def near_name(name: str, parameters: Mapping[str, Parameter], one: str) -> str | None:
    """The parameter that somebody probably meant, of an action on `one` thing; None if none is near."""
    plain = _CAMEL.sub("_", name).lower().replace("-", "_").strip("_")
    singular = plain.removesuffix("es") if plain.endswith("sses") else plain.removesuffix("s")
    guesses = [plain, singular, f"{singular}_id", f"{singular}s"]
    guesses += [_ALSO_CALLED[word] for word in (plain, singular) if word in _ALSO_CALLED]
    if plain in ("id", "ids", "target"):
        guesses += [item.name for item in parameters.values() if item.where == "path"][-1:]
        guesses += [f"{one.lower().replace(' ', '_')}_id"]
    for guess in guesses:
        if guess in parameters:
            return guess
    return next(iter(difflib.get_close_matches(plain, list(parameters), n=1)), None)


def _cleared(asked: Any, given: Mapping[str, Any], clearable: Sequence[str]) -> dict[str, None]:
    names = _list({"type": "array", "items": {"type": "string"}}, asked)
    accepted = ", ".join(clearable)
    problem = ""
    if names in (None, [], [""]):
        return {}
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        problem = f"expected a list of names among {accepted}"
    elif unknown := [name[:80] for name in names if name not in clearable]:
        near = difflib.get_close_matches(unknown[0], clearable, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        problem = f"{', '.join(unknown)} cannot be cleared{hint} (accepted: {accepted})"
    elif both := [name for name in names if given.get(name) is not None]:
        problem = f"{', '.join(both)} is given a value in the same call; leave one of the two out"
    if problem:
        raise InvalidRequest(f"{CLEAR}: {problem}.", problems=[(CLEAR, problem)])
    return dict.fromkeys(names)


def _read(known: Parameter, value: Any) -> Any:
    """A value as its parameter wants it; what is not understood comes back as it is."""
    # A secret is what it is, to the last blank.
    if known.secret and isinstance(value, str):
        if not value and not known.required and not known.nullable:
            return None
        return [value] if known.schema["type"] == "array" else value
    if known.secret:
        return value
    if value == "" and not known.required and not known.nullable:
        return None
    if known.times and isinstance(value, float) and value.is_integer():
        return int(value)
    exact = known.where in ("path", "query") or known.name.endswith("_id") or bool(known.sorts or known.times)
    return _value(known.schema, value, exact=exact)


def _value(schema: Mapping[str, Any], value: Any, *, exact: bool) -> Any:
    """A value of a schema's type; `exact` says that blanks around a text are no part of it."""
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 1 and schema.get("type") not in ("array", "object"):
        return _value(schema, value[0], exact=exact)
    match schema.get("type"):
        case "integer":
            return _integer(value)
        case "number":
            return _number(value)
        case "boolean":
            word = value.strip().lower() if isinstance(value, str) else value
            return {"true": True, "false": False}.get(word, value) if isinstance(word, str) else value
        case "array":
            return _list(schema, value, exact=exact)
        case "object":
            read = _json(value)
            if not isinstance(read, dict):
                return value
            inner = schema.get("properties", {})
            return {
                key: _value(inner[key], item, exact=False) if key in inner else item
                for key, item in read.items()
            }
    return value.strip() if isinstance(value, str) and (exact or "enum" in schema) else value


def _integer(value: Any) -> Any:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number(value: Any) -> Any:
    """A whole or broken number, also from its text; pydantic takes no integer for a float strictly."""
    read = _integer(value)
    if isinstance(read, str) and _BROKEN.fullmatch(read.strip()):
        read = float(read)
    return float(read) if isinstance(read, int) and not isinstance(read, bool) else read


def _list(schema: Mapping[str, Any], value: Any, *, exact: bool = True) -> Any:
    """A list as it is, as JSON text, as words between commas, or one value for a list of it."""
    items = schema["items"]
    if isinstance(value, str):
        read = _json(value)
        if isinstance(read, list):
            value = read
        elif items.get("type") == "string" and "," in value and all(map(_is_word, value.split(","))):
            value = [part.strip() for part in value.split(",")]
        else:
            value = [value]
    elif not isinstance(value, list):
        # One of what the list holds; of a list of texts nothing else is one.
        read = _value(items, value, exact=exact)
        value = [read] if _is_a(items, read) else value
    if not isinstance(value, list):
        return value
    return [_value(items, item, exact=exact) for item in value]


def _is_word(part: str) -> bool:
    return _WORDS.fullmatch(part.strip()) is not None


def _is_a(schema: Mapping[str, Any], value: Any) -> bool:
    kinds: dict[str, type] = {"object": dict, "string": str, "integer": int, "boolean": bool}
    kind = kinds.get(schema.get("type", "string"), str)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _json(value: Any) -> Any:
    """What a JSON text of an object or a list holds; None for everything else."""
    if not isinstance(value, str) or len(value) > _LONGEST_JSON or value.lstrip()[:1] not in ("{", "["):
        return value if isinstance(value, dict | list) else None
    try:
        return json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
