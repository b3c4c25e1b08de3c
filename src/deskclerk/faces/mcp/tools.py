"""The tool list, derived from the catalogue: as short as it can be and still be true.

What a model reads here is the price of the whole connector, paid in every conversation. So a schema
says the type, the choices and what a name does not; the desk checks the rest (lengths, formats) and
explains it in its errors.
"""

import functools
from collections.abc import Iterable
from typing import Any

import mcp_types as types

from deskclerk.catalogue import DESTRUCTIVE, READ, Action, Parameter

_LENGTHS = frozenset({"minItems", "maxItems", "minLength", "maxLength"})
_LIST = {
    "type": "object",
    "properties": {
        "items": {"type": "array"},
        "total": {"type": ["integer", "null"]},
        "next": {"type": ["object", "null"]},
    },
    "required": ["items", "total", "next"],
}
_OBJECT = {"type": "object"}


def tools_of(actions: Iterable[type[Action]]) -> list[types.Tool]:
    """One tool for each action, in the same order."""
    return [tool_of(action) for action in actions]


@functools.cache
def tool_of(action: type[Action]) -> types.Tool:
    """The tool that an action is to a model."""
    spec = action.spec
    return types.Tool(
        name=spec.name,
        title=spec.heading,
        description=action.summary(),
        input_schema=input_schema(action),
        output_schema=_LIST if spec.is_list else _OBJECT,
        annotations=types.ToolAnnotations(
            read_only_hint=spec.effect is READ,
            destructive_hint=spec.effect is DESTRUCTIVE,
            idempotent_hint=spec.idempotent,
            open_world_hint=True,
        ),
    )


def input_schema(action: type[Action]) -> dict[str, Any]:
    """The JSON Schema of an action's arguments; what it does not name is refused."""
    parameters = action.parameters().values()
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {item.name: property_schema(item) for item in parameters},
        "additionalProperties": False,
    }
    required = [item.name for item in parameters if item.required]
    return schema | ({"required": required} if required else {})


def property_schema(parameter: Parameter) -> dict[str, Any]:
    """What one argument takes, with the words that its name does not say."""
    schema = {key: value for key, value in parameter.schema.items() if key not in _LENGTHS}
    # The values say the type; every token here is paid in every conversation.
    if "const" in schema or "enum" in schema:
        schema.pop("type", None)
    if parameter.nullable:
        schema = _or_null(schema)
    words = _order(parameter) or parameter.description
    return schema | ({"description": words} if words else {})


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or an explicit null."""
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    kind = schema["type"]
    return schema | {"type": [*(kind if isinstance(kind, list) else [kind]), "null"]}


def _order(parameter: Parameter) -> str:
    """The names that an `order_by` takes."""
    return f"{', '.join(parameter.sorts)}; '-' first: descending" if parameter.sorts else ""
