"""What the tool list costs a model: o200k tokens of the compact JSON of the whole `tools` array.

Run: python benchmarks/tokens.py
"""

import json
from typing import Any

import quicktok

from deskclerk.catalogue import ACTIONS
from deskclerk.faces.mcp.tools import tools_of

PARTS = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")


def wire() -> list[dict[str, Any]]:
    """The `tools` array as it is sent."""
    return [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools_of(ACTIONS)]


def tokens(value: Any) -> int:
    """The o200k tokens of a JSON value without white space."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(quicktok.get_encoding("o200k_base").encode(text))


def split(tools: list[dict[str, Any]]) -> dict[str, int]:
    """What each part of a tool adds, all tools together."""
    whole = tokens(tools)
    return {part: whole - tokens([_without(tool, part) for tool in tools]) for part in PARTS}


def _without(tool: dict[str, Any], part: str) -> dict[str, Any]:
    return {key: value for key, value in tool.items() if key != part}


def main() -> None:
    tools = wire()
    parameters = sum(len(tool["inputSchema"]["properties"]) for tool in tools)
    print(f"{len(tools)} tools, {parameters} parameters: {tokens(tools)} o200k tokens")
    for part, cost in split(tools).items():
        print(f"  {part:13} {cost:5}")
    print("the dearest tools:")
    for cost, name in sorted(((tokens(tool), tool["name"]) for tool in tools), reverse=True)[:6]:
        print(f"  {name:32} {cost:4}")


if __name__ == "__main__":
    main()
