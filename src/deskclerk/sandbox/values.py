"""One parameter's value against its declaration in the catalogue."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from deskclerk.catalogue import Parameter
from deskclerk.sandbox.refusals import Problem

_TYPES: Mapping[str, type] = {"string": str, "boolean": bool, "integer": int, "object": dict, "array": list}
_INTEGER = re.compile(r"-?[0-9]{1,30}")
_LARGEST = 2**63 - 1
_NUL = "\0"
"""No text in PostgreSQL has it."""
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)",
)


def from_text(texts: list[str], item: Parameter) -> Any:
    """A query parameter's value: repeated names are a list, else the first counts.

    Text that is not of the type stays text, and `check` refuses it.
    """
    kind = _kind(item)
    if kind == "array":
        return texts
    text = texts[0]
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if item.sorts and text.startswith(" "):
        return "+" + text[1:]  # a "+" decoded as a space on its way here is still a plus
    return text


def check(value: Any, item: Parameter) -> Iterator[Problem]:
    """What is wrong with the value, if anything."""
    name = item.name
    if value is None:
        if not item.nullable:
            yield Problem("form_param_nil", "is null", f"{name} must not be null.", name)
        return
    kind = _kind(item)
    if not _is(value, kind):
        yield Problem("form_param_type_invalid", "has a wrong type", f"{name} must be of type {kind}.", name)
    elif item.times == "rfc3339":
        yield from _check_time(value, name)
    elif item.sorts and value.removeprefix("+").removeprefix("-") not in item.sorts:
        yield _bad(name, f"{name} must be one of {', '.join(item.sorts)}, after '+' or '-' if any.")
    else:
        yield from _check_bounds(value, item.schema, name)
        if kind == "array":
            yield from _check_items(value, item.schema["items"], name)


def parse_time(text: str) -> int:
    """RFC 3339 text in milliseconds since the epoch; ValueError if it is not."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not RFC 3339")
    return round(dt.datetime.fromisoformat(text.upper()).timestamp() * 1000)


def _kind(item: Parameter) -> str:
    if item.times:
        return "integer" if item.times == "ms" else "string"
    return str(item.schema["type"])


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _bad(name: str, text: str) -> Problem:
    return Problem("form_param_value_invalid", "is invalid", text, name)


def _check_time(value: str, name: str) -> Iterator[Problem]:
    try:
        parse_time(value)
    except (ValueError, OverflowError):
        yield Problem(
            "form_param_format_invalid", "is invalid", f"{name} must be a time in RFC 3339 format.", name
        )


def _check_bounds(value: Any, schema: Mapping[str, Any], name: str) -> Iterator[Problem]:
    if "enum" in schema and value not in schema["enum"]:
        yield _bad(name, f"{name} must be one of {', '.join(schema['enum'])}.")
    if "const" in schema and value is not schema["const"]:
        yield _bad(name, f"{name} must be {str(schema['const']).lower()}.")
    if isinstance(value, int) and not isinstance(value, bool):
        low, high = schema.get("minimum", -_LARGEST), schema.get("maximum", _LARGEST)
        if not low <= value <= high:
            yield _bad(name, f"{name} must be from {low} to {high}.")
    if isinstance(value, str):
        yield from _check_length(value, schema, name)
    if isinstance(value, list) and len(value) > schema.get("maxItems", _LARGEST):
        most = schema["maxItems"]
        yield Problem(
            "form_param_array_size_exceeded", "is too long", f"{name} takes at most {most} values.", name
        )


def _check_length(value: str, schema: Mapping[str, Any], name: str) -> Iterator[Problem]:
    low, high = schema.get("minLength", 0), schema.get("maxLength", _LARGEST)
    if _NUL in value:
        yield _bad(name, f"{name} must not contain the character U+0000.")
    if len(value) < low:
        text = f"{name} must have at least {low} characters."
        yield Problem("form_param_min_length_exceeded", "is too short", text, name)
    if len(value) > high:
        text = f"{name} must have at most {high} characters."
        yield Problem("form_param_max_length_exceeded", "is too long", text, name)


def _check_items(values: list[Any], schema: Mapping[str, Any], name: str) -> Iterator[Problem]:
    for value in values:
        if not _is(value, schema["type"]):
            text = f"{name} must be a list of values of type {schema['type']}."
            yield Problem("form_param_type_invalid", "has a wrong type", text, name)
            return
        if isinstance(value, str) and _NUL in value:
            yield _bad(name, f"{name} must not contain the character U+0000.")
            return
    for value in values:
        yield from _check_bounds(value, schema, name)
