"""Three tools in place of all: find actions, describe one, call one.

What they offer, allow, show and have signed is what the tools that they stand for would: a call goes the same
way under its action's name.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import mcp_types as types

from deskclerk.catalogue import CORE, Action
from deskclerk.catalogue.coercion import CLEAR
from deskclerk.desk.view.answers import compact
from deskclerk.faces.mcp.action_search import find_actions
from deskclerk.faces.mcp.tools import input_schema

FIND, DESCRIBE, CALL = "clerk_actions_find", "clerk_action_describe", "clerk_action_call"
_MOST, _WITH_NAMES = 5, 2
_TEXT = {"type": "string"}


def _tool(name: str, does: str, properties: dict[str, Any], required: Sequence[str]) -> types.Tool:
    calls = name == CALL
    return types.Tool(
        name=name,
        title=name.removeprefix("clerk_").replace("_", " ").capitalize(),
        description=does,
        input_schema={"type": "object", "properties": properties, "required": list(required)},
        annotations=types.ToolAnnotations(
            read_only_hint=not calls, destructive_hint=calls, idempotent_hint=False if calls else None
        ),
    )


def _find_tool(*toolsets: str) -> types.Tool:
    more = f"; {', '.join(toolsets)}" if toolsets else ""
    return _tool(
        FIND,
        "Find the actions for a task: users, organizations, members, invitations, sessions, allow- and "
        f"block-lists, JWT templates, domains, OAuth applications{more}. A star marks what is needed.",
        {"task": _TEXT | {"description": "in plain words"}},
        ["task"],
    )


LEAN_TOOLS = (
    _find_tool(),
    _tool(DESCRIBE, "What an action takes.", {"name": _TEXT}, ["name"]),
    _tool(
        CALL,
        "Carry out an action; a person confirms a write.",
        {"name": _TEXT, "arguments": _TEXT | {"description": "JSON object"}},
        ["name"],
    ),
)
"""What a client lists in lean mode."""


def tools_for(offered: Sequence[type[Action]]) -> list[types.Tool]:
    """The three tools, the first with what there is beyond the core."""
    sets = dict.fromkeys(action.spec.toolset for action in offered if action.spec.toolset != CORE)
    return [_find_tool(*sets), *LEAN_TOOLS[1:]]


def found(task: str, offered: Sequence[type[Action]]) -> types.CallToolResult:
    """The actions that fit a task best."""
    actions = find_actions(task, offered, _MOST)
    # Most calls need no more than the names: the first ones can be made without a further question.
    value: dict[str, Any] = {
        "actions": [
            _in_short(action) | ({"takes": _takes(action)} if place < _WITH_NAMES else {})
            for place, action in enumerate(actions)
        ]
    }
    if not actions:
        resources = dict.fromkeys(action.spec.resource.plural for action in offered)
        value["notes"] = f"Nothing fits. There are actions on: {', '.join(resources)}."
    return _result(value)


def described(action: type[Action]) -> types.CallToolResult:
    """What an action takes."""
    return _result(_in_short(action) | {"arguments": input_schema(action)})


def arguments_of(given: Mapping[str, Any]) -> Any:
    """The arguments of a call within a call: an object, or the JSON text of one; what is neither as it is."""
    inner = given.get("arguments")
    if inner is None or inner == "":
        return {}
    if isinstance(inner, str):
        try:
            return json.loads(inner)
        except (ValueError, RecursionError):
            return inner
    return inner


def _takes(action: type[Action]) -> str:
    """The names of an action's arguments, those that it needs with a star."""
    names = [f"{item.name}{'*' if item.required else ''}" for item in action.parameters().values()]
    return ", ".join([*names, *([CLEAR] if action.clearable() else [])])


def _in_short(action: type[Action]) -> dict[str, Any]:
    return {"name": action.spec.name, "does": action.summary(), "effect": str(action.spec.effect)}


def _result(value: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=compact(value))], structured_content=value)
