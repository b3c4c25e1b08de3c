"""The same request for a command line, an MCP client and a Python program."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import Action


def spellings(action: Action) -> dict[str, str]:
    """By face, ready to be copied; secrets stand as their references."""
    # A null is no secret; `arguments` hides it among them.
    given = {
        name: None if getattr(action, name) is None else value for name, value in action.arguments().items()
    }
    return {
        "Command line": command_line(type(action), given),
        "MCP": json.dumps(
            {"method": "tools/call", "params": {"name": action.spec.name, "arguments": given}},
            ensure_ascii=False,
            indent=2,
        ),
        "Python": _python(type(action), given),
    }


def command_line(action: type[Action], given: Mapping[str, Any]) -> str:
    """As it is typed into a POSIX shell."""
    from deskclerk.faces.cli.options import positional  # noqa: PLC0415 - click, only where it is shown

    places = positional(action)
    words = ["deskclerk", action.spec.resource.plural, action.spec.verb]
    for name, value in given.items():
        if name not in places:
            words += _option(action, name, value)
    ids = [str(given[name]) for name in places]
    if any(item.startswith("-") for item in ids):
        ids.insert(0, "--")
    return shlex.join(words[:3] + ids + words[3:] if "--" not in ids[:1] else words + ids)


def _option(action: type[Action], name: str, value: Any) -> list[str]:
    from deskclerk.faces.cli.options import flag  # noqa: PLC0415 - click, only where it is shown

    option = flag(name)
    match value:
        case None:
            return ["--null", name.replace("_", "-")]
        case bool():
            return [option if value else f"--no-{option[2:]}"]
        case dict():
            return _pair(option, json.dumps(value, ensure_ascii=False))
        case list() if name == "fields":
            return _pair(option, ",".join(map(str, value)))
        case list() if action.parameters()[name].secret:
            return _pair(option, str(value[0]))
        case list():
            return [word for item in value for word in _pair(option, str(item))]
    return _pair(option, str(value))


def _pair(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if value.startswith("-") else [option, value]


def _python(action: type[Action], given: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in given.items())
    call = f"{action.__name__}({arguments})"
    return (
        f"from deskclerk import {action.__name__}, Desk\n\n"
        f"async with Desk.open() as desk:\n    answer = await desk.perform({call})"
    )
