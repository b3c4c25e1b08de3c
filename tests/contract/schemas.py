"""The index's schemas (OpenAPI 3.0) as JSON Schema, closed: what is not named is not allowed."""

import functools
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

SAME_WORDS = (
    "type",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "required",
)
RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"


def _is_integer(_checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Validator = extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
)
"""JSON Schema, except that 1.0 is no integer: Clerk's times and counts carry no fraction."""


class Schemas:
    """The `schemas` section of the index."""

    def __init__(self, named: dict[str, Any]) -> None:
        self.named = named

    @functools.cached_property
    def definitions(self) -> dict[str, Any]:
        """Every named schema as JSON Schema."""
        return {name: self.convert(schema) for name, schema in self.named.items()}

    def followed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema, or the named one that it refers to."""
        return dict(self.named[schema["ref"]]) if "ref" in schema else schema

    def problems(self, schema: dict[str, Any], value: Any) -> list[str]:
        """Where a value is not as the schema has it; empty when it is."""
        found = Validator(self.convert(schema) | {"$defs": self.definitions}).iter_errors(value)
        return sorted({line for error in found for line in explain(error)})

    def convert(self, schema: dict[str, Any]) -> dict[str, Any]:
        """One schema as JSON Schema."""
        if "ref" in schema:
            return {"$ref": f"#/$defs/{schema['ref']}"}
        if "allOf" in schema:
            return self.convert(self.merged(schema))
        if schema.get("nullable"):
            return self.or_null(self.convert({key: schema[key] for key in schema if key != "nullable"}))
        facts = {word: schema[word] for word in SAME_WORDS if word in schema} | said(schema.get("said", {}))
        if "items" in schema:
            facts["items"] = self.convert(schema["items"])
        if "properties" in schema:
            # A name that is required and not described is allowed all the same, whatever it holds.
            facts["properties"] = dict.fromkeys(schema.get("required", ()), True) | {
                name: self.convert(inner) for name, inner in schema["properties"].items()
            }
        if "oneOf" in schema or "anyOf" in schema:
            return facts | self.choice(schema)
        return facts | self.rest(schema)

    def rest(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What properties beyond the named ones may be: none, unless the document says so or names none."""
        more = schema.get("additionalProperties", "properties" not in schema)
        return {"additionalProperties": self.convert(more) if isinstance(more, dict) else more}

    def choice(self, schema: dict[str, Any]) -> dict[str, Any]:
        """One of several; with a discriminator the value has to name which."""
        word = "oneOf" if "oneOf" in schema else "anyOf"
        if "discriminator" not in schema:
            return {word: [self.convert(inner) for inner in schema[word]]}
        told = schema["discriminator"]
        kinds = {
            kind: member for member in schema[word] for kind in self.plain(member)["properties"][told]["enum"]
        }
        return {
            "required": [told],
            "properties": {told: {"enum": list(kinds)}},
            "allOf": [
                {
                    "if": {"properties": {told: {"const": kind}}, "required": [told]},
                    "then": self.convert(member),
                }
                for kind, member in kinds.items()
            ],
        }

    def plain(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema itself where it is given by name."""
        while "ref" in schema:
            schema = self.named[schema["ref"]]
        return schema

    @staticmethod
    def or_null(schema: dict[str, Any]) -> dict[str, Any]:
        """The schema, or null."""
        return {"anyOf": [schema, {"type": "null"}]}

    def merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        """An `allOf` of objects as one object with everything that any of them names."""
        whole: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in [*schema["allOf"], {key: schema[key] for key in schema if key != "allOf"}]:
            facts = self.plain(part)
            facts = self.merged(facts) if "allOf" in facts else facts
            for name, inner in facts.get("properties", {}).items():
                whole["properties"][name] = whole["properties"].get(name, {}) | inner
            whole["required"] = sorted({*whole["required"], *facts.get("required", [])})
            whole |= {key: facts[key] for key in ("nullable",) if key in facts}
        return whole


def said(bounds: dict[str, Any]) -> dict[str, Any]:
    """The bounds that the document gives in a sentence."""
    facts = {word: bounds[word] for word in SAME_WORDS if word in bounds}
    return facts | ({"pattern": RFC3339} if bounds.get("times") == "rfc3339" else {})


def explain(error: ValidationError) -> Iterator[str]:
    """`place: what is wrong`; of a choice, what is wrong with the member that comes nearest."""
    if not error.context:
        yield f"{error.json_path}: {error.message}"
        return
    members: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        members.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(members.values(), key=distance):
        yield from explain(inner)


def distance(errors: list[ValidationError]) -> tuple[bool, int]:
    """How far a value is from a member of a choice: of another type altogether, or by so many errors."""
    return (any(error.validator == "type" and len(error.path) == 0 for error in errors), len(errors))
