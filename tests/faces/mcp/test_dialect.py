"""Every tool in the dialect of docs/clients.md, also as the best-known clients hand it to their models."""

import re

import pytest

from deskclerk.catalogue import ACTIONS, EVERY_ACTION, TOOLSETS
from deskclerk.faces.mcp.tools import tools_of

JOBS = TOOLSETS["jobs"]
TOOLS = {tool.name: tool for tool in tools_of((*EVERY_ACTION, *JOBS))}
TYPES = {"string", "integer", "boolean", "array", "object"}
KEYWORDS = {"type", "properties", "required", "items", "enum", "minimum", "maximum", "description"}


def nodes(schema, path=""):
    """Every schema inside a schema, with its place."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def faults(schema):
    """What the dialect does not have."""
    for path, node in nodes(schema):
        if extra := node.keys() - KEYWORDS:
            yield f"{path}: {sorted(extra)}"
        if str(node.get("type")) not in TYPES:
            yield f"{path}: type {node.get('type')!r}"
        if node.get("type") == "array" and "items" not in node:
            yield f"{path}: an array without items"
        if "enum" in node and not (node["type"] == "string" and all(node["enum"])):
            yield f"{path}: choices that are no texts"
        if not set(node.get("required", ())) <= node.get("properties", {}).keys():
            yield f"{path}: requires what is no property"
        if (node.get("type") == "object") != ("properties" in node):
            yield f"{path}: an object without properties, or properties of none"
        if path and node.get("type") == "object":
            yield f"{path}: an object within an object"


@pytest.mark.promise("every-client")
@pytest.mark.parametrize("name", TOOLS)
def test_arguments_are_in_the_dialect(name):
    assert list(faults(TOOLS[name].input_schema)) == []


def test_what_is_not_in_the_dialect_is_found():
    bad = {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "array"},
            "c": {"type": "object"},
            "d": {"type": "string", "enum": [""]},
            "e": {"type": "boolean", "const": True},
        },
        "required": ["f"],
        "additionalProperties": False,
    }
    found = " ".join(faults(bad))
    for words in ("additionalProperties", ".a: type", ".b: an array", ".c: an object", ".d: choices"):
        assert words in found
    assert "const" in found
    assert "requires what is no property" in found


def answers_are_plain(schema):
    for _path, node in nodes(schema):
        assert node["type"] in TYPES
        assert "items" in node or node["type"] != "array"


@pytest.mark.promise("every-client")
@pytest.mark.parametrize("name", TOOLS)
def test_answers_have_one_type_a_node_and_know_their_notes(name):
    schema = TOOLS[name].output_schema
    answers_are_plain(schema)
    assert schema["properties"]["notes"] == {"type": "string"}


def openai(tool):
    """A function tool of the Chat Completions API; it takes only objects whose properties are named."""
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name)
    assert "properties" in tool.input_schema
    return {"type": "function", "function": {"name": tool.name, "parameters": tool.input_schema}}


def gemini(tool):
    """A function declaration: an upper-case type a node, and no field that its Schema does not have."""
    fields = {"type", "description", "enum", "items", "properties", "required", "minimum", "maximum"}

    def declared(schema):
        assert isinstance(schema["type"], str)
        assert schema.keys() <= fields
        found = {**schema, "type": schema["type"].upper()}
        if found["type"] == "OBJECT":
            assert schema["properties"], "should be non-empty for OBJECT type"
            assert set(schema.get("required", ())) <= schema["properties"].keys()
            found["properties"] = {key: declared(item) for key, item in schema["properties"].items()}
        elif found["type"] == "ARRAY":
            found["items"] = declared(schema["items"])
        if "enum" in schema:
            assert found["type"] == "STRING"
        return found

    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}", tool.name)
    return {"name": tool.name, "description": tool.description, "parameters": declared(tool.input_schema)}


def anthropic(tool):
    """A tool of the Messages API, which looks at the keys of the properties too."""
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name)
    for key in tool.input_schema["properties"]:
        assert re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", key)
    # Claude Code puts the server's name before it.
    assert len(f"mcp__deskclerk__{tool.name}") <= 64
    return {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}


def vs_code(tool):
    """VS Code refuses a tool with an array that does not say of what."""
    for path, node in nodes(tool.input_schema):
        assert node["type"] != "array" or "items" in node, path
    return tool.name


def cursor(tool):
    """Cursor leaves out what is longer than 60 characters together with the server's name."""
    assert len(f"deskclerk:{tool.name}") < 60
    return tool.name


@pytest.mark.promise("every-client")
@pytest.mark.parametrize("convert", [openai, gemini, anthropic, vs_code, cursor])
def test_every_tool_passes_as_clients_hand_it_on(convert):
    for tool in TOOLS.values():
        assert convert(tool)


def test_every_tool_says_what_it_takes_as_the_action_does():
    for action in (*ACTIONS, *JOBS):
        properties = TOOLS[action.spec.name].input_schema["properties"]
        for name, parameter in action.parameters().items():
            kind = parameter.schema["type"]
            kind = kind[0] if isinstance(kind, list) else kind
            assert properties[name]["type"] == ("string" if kind == "object" else kind)
            assert ("JSON object" in properties[name].get("description", "")) == (kind == "object")
