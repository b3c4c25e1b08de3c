"""Where the catalogue and Clerk's document say something else about a parameter, fact by fact."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from deskclerk.catalogue import ACTIONS, Action, Parameter
from tests.contract import openapi

FACTS = (
    "where",
    "type",
    "items",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "required",
    "nullable",
    "sent unasked",
    "times",
    "sorts",
    "deprecated",
)
ROUTES = {item["name"]: [route.split(" ") for route in item["routes"]] for item in openapi.ACTIONS}


class Difference(NamedTuple):
    """One fact about one parameter, as we have it and as Clerk has it; None: nothing is said."""

    action: str
    parameter: str
    fact: str
    ours: Any
    clerks: Any


def differences() -> Iterator[Difference]:
    """Every difference, both ways: what only we have, what only Clerk has, what is not the same."""
    for action in ACTIONS:
        ours, clerks = our_facts(action), clerks_facts(action.spec.name)
        for name in sorted({*ours, *clerks}):
            yield from compare(action.spec.name, name, ours.get(name), clerks.get(name))


def compare(
    action: str, name: str, ours: dict[str, Any] | None, clerks: dict[str, Any] | None
) -> Iterator[Difference]:
    """The differences in one parameter."""
    if ours is None or clerks is None:
        yield Difference(action, name, "where", ours and ours["where"], clerks and clerks["where"])
        return
    for fact in FACTS:
        if ours.get(fact) != clerks.get(fact):
            yield Difference(action, name, fact, ours.get(fact), clerks.get(fact))


def our_facts(action: type[Action]) -> dict[str, dict[str, Any]]:
    """What the catalogue says, by parameter."""
    return {name: declared(item) for name, item in action.parameters().items()}


def declared(item: Parameter) -> dict[str, Any]:
    """What the catalogue says about one parameter."""
    return plain(item.schema) | {
        "where": "metadata" if item.metadata else item.where,
        "required": item.required,
        "nullable": item.nullable,
        "sent unasked": item.default,
        "times": item.times,
        "sorts": item.sorts or None,
        "deprecated": item.description.startswith(("deprecated", "old name")),
    }


def clerks_facts(name: str) -> dict[str, dict[str, Any]]:
    """What the document says, by parameter, over every route of the action."""
    found: dict[str, dict[str, Any]] = {}
    for method, path in ROUTES[name]:
        known = openapi.operation(method, path)
        for item in known.parameters:
            found[item["name"]] = documented(item["schema"], item["in"], item)
        where = "metadata" if path.endswith("/metadata") else "body"
        required = known.body["schema"].get("required", []) if known.body else []
        for key, schema in known.properties.items():
            found[key] = documented(schema, where, schema | {"required": key in required})
    return found


def documented(schema: dict[str, Any], where: str, marks: dict[str, Any]) -> dict[str, Any]:
    """What the document says about one parameter, in its schema and in sentences."""
    said = schema.get("said", {})
    return plain(openapi.SCHEMAS.plain(schema)) | {
        **said,
        "where": where,
        "required": marks["required"],
        "nullable": schema.get("nullable", False),
        "sorts": tuple(said["sorts"]) if "sorts" in said else None,
        "deprecated": marks.get("deprecated", False),
    }


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The comparable part of a schema, hashable."""
    facts = {fact: schema[fact] for fact in FACTS if fact in schema and fact not in ("required", "nullable")}
    if "items" in facts:
        facts["items"] = tuple(sorted((key, str(value)) for key, value in facts["items"].items()))
    if "const" in schema:
        facts["enum"] = [schema["const"]]
    if "enum" in facts:
        facts["enum"] = tuple(facts["enum"])
    if isinstance(facts["type"], list):
        facts["type"] = " or ".join(facts["type"])
    return facts
