"""The tool list, derived from the catalogue: as short as it can be and still be true.

What a model reads here is the price of the whole connector, paid in every conversation. So a schema
says the type, the choices and what a name does not; the desk checks the rest (lengths, formats) and
explains it in its errors.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import mcp_types as types

from deskclerk.catalogue import DESTRUCTIVE, READ, Action, Parameter
from deskclerk.catalogue.coercion import CLEAR
from deskclerk.catalogue.parameter import keys_of

_KEPT = ("type", "items", "enum", "minimum", "maximum")
"""The keywords that every client and every model's interface takes (docs/clients.md has the sources)."""
_OBJECT = {"type": "object"}
_NOTES = {"type": "string"}
_LIST = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": _OBJECT},
        "total": {"type": "integer"},
        "next": _OBJECT,
        "notes": _NOTES,
    },
}
"""The form of a list."""
_ONE = {"type": "object", "properties": {"notes": _NOTES}}
"""The form of one thing: of its keys nothing more is said, since Clerk may add to them."""
_JSON_TEXT = "JSON object"
_CLEAR = {"type": "array", "items": {"type": "string"}, "description": "fields to empty"}


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
        output_schema=_LIST if spec.is_list else _ONE,
        # The fourth hint, an open world, is true where it is left out; whether asking twice does no more is
        # a question of writes.
        annotations=types.ToolAnnotations(
            read_only_hint=spec.effect is READ,
            destructive_hint=spec.effect is DESTRUCTIVE,
            idempotent_hint=None if spec.effect is READ else spec.idempotent,
        ),
    )


def input_schema(action: type[Action]) -> dict[str, Any]:
    """The JSON Schema of an action's arguments, in the dialect that all clients pass on.

    What it does not name is refused by the action itself.
    """
    parameters = action.parameters().values()
    properties = {item.name: property_schema(item) for item in parameters}
    if action.clearable():
        properties[CLEAR] = _CLEAR
    required = [item.name for item in parameters if item.required]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def property_schema(parameter: Parameter) -> dict[str, Any]:
    """What one argument takes, with the words that its name does not say."""
    schema = portable(parameter.schema)
    if parameter.total_at_zero:
        del schema["minimum"]
    words = [_order(parameter) or parameter.description]
    if parameter.parts:
        words.insert(
            0, f"{_JSON_TEXT}{'s' if 'items' in parameter.schema else ''}: {keys_of(parameter.parts)}"
        )
    elif parameter.schema["type"] == "object":
        # Of an object without properties some interfaces refuse the whole tool, and a model that may only
        # fill declared ones could not give any: the text of one passes everywhere.
        words.insert(0, _JSON_TEXT)
    said = "; ".join(filter(None, words))
    return schema | ({"description": said} if said else {})


def portable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema in the keywords that all take: one type a node, an object as its JSON text."""
    found = {key: schema[key] for key in _KEPT if key in schema}
    if isinstance(found["type"], list):
        found["type"] = found["type"][0]
    if found["type"] == "number":
        # Of what is measured here in seconds nobody needs a part, and not every model knows the word.
        found["type"] = "integer"
    if found["type"] == "object":
        return {"type": "string"}
    if "items" in found:
        found["items"] = portable(found["items"])
    return found


def _order(parameter: Parameter) -> str:
    """The names that an `order_by` takes."""
    return f"{', '.join(parameter.sorts)}; '-' first: descending" if parameter.sorts else ""
