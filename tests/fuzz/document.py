"""The routes that the sandbox serves as an OpenAPI document, made from the index of facts."""

from typing import Any

from deskclerk.sandbox.http.routes import HANDLERS
from tests.contract.openapi import OPERATIONS, SCHEMAS, Operation

_OURS = ("said", "times", "sorts")
"""What the index notes beside a schema in words of its own."""


def document() -> dict[str, Any]:
    """An OpenAPI 3.0 document; what an operation answers is not in it."""
    served = {(str(route.method), route.path) for route in HANDLERS} & OPERATIONS.keys()
    paths: dict[str, Any] = {}
    for method, path in sorted(served):
        paths.setdefault(path, {})[method.lower()] = _operation(OPERATIONS[method, path])
    return {
        "openapi": "3.0.3",
        "info": {"title": "Clerk's Backend API, as far as the sandbox serves it", "version": "2026-05-12"},
        "paths": paths,
        "components": {"schemas": {name: _schema(facts) for name, facts in SCHEMAS.named.items()}},
    }


def _operation(known: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "parameters": [
            {
                "name": item["name"],
                "in": item["in"],
                "required": bool(item.get("required")),
                "schema": _schema(item["schema"]),
            }
            for item in known.parameters
        ],
        "responses": {"200": {"description": "done"}},
    }
    if known.body:
        schema = known.body.get("schema")
        file = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        kind = "application/json" if schema else "multipart/form-data"
        content = {kind: {"schema": _schema(schema) if schema else file}}
        made["requestBody"] = {"required": bool(known.body.get("required")), "content": content}
    return made


def _schema(facts: Any) -> Any:
    if isinstance(facts, list):
        return [_schema(item) for item in facts]
    if not isinstance(facts, dict):
        return facts
    if isinstance(facts.get("ref"), str):
        return {"$ref": f"#/components/schemas/{facts['ref']}"}
    return {key: _schema(value) for key, value in facts.items() if key not in _OURS}
