"""What Clerk's documents of older API versions have otherwise than the newest one."""

from typing import Any

from tests.contract import openapi
from tests.contract.schemas import Schemas
from tests.contract.visit import Exchange

_INDEX: dict[str, Any] = openapi.read("openapi-older.json")
VERSIONS = tuple(name.removesuffix(" operations") for name in _INDEX if name.endswith(" operations"))
DIFFERENCES: dict[str, dict[str, Any]] = {name: _INDEX[f"{name} operations"] for name in VERSIONS}
"""By version, the operations that it has otherwise, by `METHOD /path`; None where it does not have one."""

_NEWEST = openapi.read("openapi-2026-05-12.json")
_SCHEMAS = {
    version: Schemas(
        {name: item for name, item in (_NEWEST["schemas"] | _INDEX[f"{version} schemas"]).items() if item}
    )
    for version in VERSIONS
}


def facts(version: str, route: str) -> dict[str, Any] | None:
    """The facts of an operation in a version; None when it has no such operation."""
    found = (_NEWEST["operations"] | DIFFERENCES[version])[route]
    return None if found is None else dict(found)


def problems(version: str, exchange: Exchange) -> list[str]:
    """Where the answer of a success is not as the version's document has it."""
    known = facts(version, exchange.route)
    if known is None:
        return [f"API version {version} has no such operation"]
    schema = known["answers"].get(str(exchange.status), {"enum": []})
    if schema is None or exchange.answer is None:
        return [] if schema is exchange.answer else ["a body where none is, or none where one is"]
    if exchange.paginated and any(item["name"] == "paginated" for item in known["parameters"]):
        schema = openapi.wrapped(schema)
    return _SCHEMAS[version].problems(schema, exchange.answer)


def body_names(version: str, route: str) -> set[str]:
    """What the body of an operation may have in a version."""
    known = facts(version, route)
    if not known or not known["body"]:
        return set()
    return set(_SCHEMAS[version].followed(known["body"]["schema"])["properties"])
