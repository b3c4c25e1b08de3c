"""An action's form, generated from the catalogue, and what was typed as the action's arguments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from deskclerk.catalogue import Action, Parameter
from deskclerk.catalogue.fields import is_reference
from deskclerk.catalogue.parameter import keys_of
from deskclerk.desk import Caller, Desk
from deskclerk.errors import InvalidRequest

GIVEN, NULLED = "a.", "null."
"""What the names of a form's fields begin with: a value, and the tick that sends null instead."""
_USUAL = ("query", "limit", "order_by")
_OPEN_ANYWAY = 4
_NOT_PLAIN = "a secret is not typed here: store it under Secrets and give secret:NAME"
Typed = dict[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One input: `kind` is `text`, `number`, `time`, `choice`, `json`, `lines` or `secret`."""

    name: str
    kind: str
    required: bool
    nullable: bool
    options: tuple[str, ...]
    hint: str
    low: int | None
    high: int | None
    value: str
    nulled: bool
    problem: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of what was typed: an action, or what is wrong, by parameter ("" for the whole)."""

    action: Action | None
    problems: dict[str, str]


def fields_of(
    action: type[Action], typed: Mapping[str, str], problems: Mapping[str, str]
) -> tuple[list[Field], list[Field]]:
    """The fields that are shown at once, and those behind "more"."""
    every = [_field(item, typed, problems) for item in action.parameters().values()]
    needed = [field.name for field in every if field.required]
    usual = [field.name for field in every if action.spec.is_list and field.name in _USUAL]
    shown = needed + usual or [field.name for field in every[:_OPEN_ANYWAY]]
    first = [field for field in every if field.name in shown]
    return first, [field for field in every if field.name not in shown]


def fill(action: type[Action], typed: Mapping[str, str]) -> Filled:
    """The action that a form describes; every problem stands with its parameter."""
    arguments, problems = _read(action, typed)
    try:
        made = action.parse({name: value for name, value in arguments.items() if name not in problems})
    except InvalidRequest as error:
        return _refused(error, problems)
    return Filled(None, problems) if problems else Filled(made, {})


async def fill_by_name(desk: Desk, caller: Caller, action: type[Action], typed: Mapping[str, str]) -> Filled:
    """As `fill`, with users and organizations as people name them."""
    arguments, problems = _read(action, typed)
    if problems:
        return fill(action, typed)
    try:
        return Filled(await desk.action(action, arguments, caller), {})
    except InvalidRequest as error:
        return _refused(error, problems)


def _read(action: type[Action], typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed as arguments, and what cannot be one."""
    arguments: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, text in typed.items():
        name = key.removeprefix(GIVEN)
        known = action.parameters().get(name)
        if key.startswith(GIVEN) and text.strip():
            try:
                # An unknown field is left to the action, which names what it accepts.
                arguments[name] = _value(known, text) if known else text
            except ValueError as error:
                problems[name] = str(error)
    for key in typed:
        name = key.removeprefix(NULLED)
        if key.startswith(NULLED):
            if name in arguments:
                problems[name] = "both a value and null were given; choose one"
            arguments[name] = None
    return arguments, problems


def typed_of(action: type[Action], arguments: Mapping[str, Any]) -> Typed:
    """Arguments as somebody would have typed them into the form."""
    found: Typed = {}
    for name, value in arguments.items():
        known = action.parameters().get(name)
        kind = input_kind(known) if known else "text"
        if value is None:
            found[NULLED + name] = "yes"
        elif kind == "lines" or isinstance(value, list):
            found[GIVEN + name] = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        elif isinstance(value, dict | bool):
            found[GIVEN + name] = json.dumps(value, ensure_ascii=False)
        else:
            found[GIVEN + name] = str(value)
    return found


def input_kind(item: Parameter) -> str:
    """Which input a parameter wants."""
    if item.secret:
        return "secret"
    if item.times:
        return "time"
    if item.sorts or "enum" in item.schema or item.schema["type"] == "boolean":
        return "choice"
    return {"integer": "number", "object": "json", "array": "lines"}.get(item.schema["type"], "text")


def _field(item: Parameter, typed: Mapping[str, str], problems: Mapping[str, str]) -> Field:
    kind = input_kind(item)
    value = typed.get(GIVEN + item.name, "")
    if kind == "secret" and not all(map(is_reference, value.split())):
        value = ""  # what should not have been typed is not shown again
    return Field(
        name=item.name,
        kind=kind,
        required=item.required,
        nullable=item.nullable,
        options=_options(item),
        hint=_hint(item, kind),
        low=item.schema.get("minimum"),
        high=item.schema.get("maximum"),
        value=value,
        nulled=NULLED + item.name in typed,
        problem=problems.get(item.name, ""),
    )


def _options(item: Parameter) -> tuple[str, ...]:
    schema = item.schema
    if item.sorts:
        return (*item.sorts, *(f"-{name}" for name in item.sorts))
    if "const" in schema:
        return ("true",)
    if schema["type"] == "boolean":
        return ("true", "false")
    return tuple(schema.get("enum", schema.get("items", {}).get("enum", ())))


def _hint(item: Parameter, kind: str) -> str:
    """What the name does not say: the description, and how the value is written."""
    most = item.schema.get("maxItems")
    listed = f"one of {', '.join(_options(item))}; " if kind == "lines" and _options(item) else ""
    inside = f"JSON objects {keys_of(item.parts)}, " if item.parts else ""
    ways = {
        "time": "2026-01-31 or 2026-01-31T09:30 (UTC), or milliseconds",
        "json": f"a JSON object {keys_of(item.parts)}" if item.parts else "a JSON object",
        "lines": f"{listed}{inside}one on each line{f', at most {most}' if most else ''}",
        "secret": "secret:NAME, stored under Secrets",
        "choice": "- for descending order" if item.sorts else "",
    }
    default = f"{str(item.default).lower()} if left out" if item.default is not None else ""
    return "; ".join(part for part in (item.description, ways.get(kind, ""), default) if part)


def _value(item: Parameter, text: str) -> Any:
    """A text as the parameter's JSON value; ValueError says what is accepted, never what was typed."""
    match input_kind(item):
        case "secret":
            parts = text.split()
            if not all(map(is_reference, parts)):
                raise ValueError(_NOT_PLAIN)
            return parts if item.schema["type"] == "array" else text.strip()
        case "number":
            try:
                return int(text)
            except ValueError:
                raise ValueError(f"expected {item.accepted}") from None
        case "json":
            return _object(text)
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "choice" if item.schema["type"] == "boolean":
            if text not in _options(item):
                raise ValueError(f"expected {item.accepted}")
            return text == "true"
        # Spaces may be meant in a name; around an id they are a slip of the mouse.
        case "text" if item.where != "path":
            return text
    return text.strip()


def _object(text: str) -> dict[str, Any]:
    try:
        # Python reads NaN and Infinity, which no other JSON reader takes.
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f'not JSON at {place}; accepted: an object such as {{"plan": "pro"}}') from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError('not an object; accepted: an object such as {"plan": "pro"}')
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refused(error: InvalidRequest, problems: dict[str, str]) -> Filled:
    found = {name.partition("[")[0]: text for name, text in error.problems if name}
    if not found and not problems:
        found[""] = f"{error.message} {error.next_step}"
    return Filled(None, found | problems)
