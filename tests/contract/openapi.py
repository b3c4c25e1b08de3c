"""What Clerk's OpenAPI document says, asked from outside: is this request, is this answer, as Clerk has it?

The facts are in `openapi-2026-05-12.json`, which `tools/derive_index.py` derives from the document.
"""

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.schemas import Schemas

HERE = Path(__file__).parent
ERROR = 400
SCALARS = {"boolean": r"true|false", "integer": r"-?\d+", "string": r"(?s:.*)"}


@dataclass(frozen=True)
class Operation:
    """The facts of one operation; `body` is `{required, schema}`, `answers` are those of success."""

    method: str
    path: str
    parameters: list[dict[str, Any]]
    body: dict[str, Any] | None
    answers: dict[str, Any]
    errors: list[int]
    deprecated: bool = False

    def named(self, where: str) -> dict[str, dict[str, Any]]:
        """The parameters in `path` or `query` by name."""
        return {item["name"]: item for item in self.parameters if item["in"] == where}

    @property
    def properties(self) -> dict[str, Any]:
        """The body's properties by name; none without a body."""
        return dict(SCHEMAS.followed(self.body["schema"])["properties"]) if self.body else {}


def read(name: str) -> Any:
    """One of the index's files."""
    return json.loads((HERE / name).read_text(encoding="utf-8"))


_INDEX: dict[str, Any] = read("openapi-2026-05-12.json")
VERSION: str = _INDEX["version"]
SCHEMAS = Schemas(_INDEX["schemas"])
OPERATIONS: dict[tuple[str, str], Operation] = {
    (method, path): Operation(method, path, **facts)
    for (method, path), facts in ((key.split(" "), facts) for key, facts in _INDEX["operations"].items())
}
ACTIONS: list[dict[str, Any]] = read("actions.json")
"""The 48 actions: `name`, `effect`, `routes`."""
ERRORS: set[tuple[str, int | None]] = {(code, status) for code, status in read("errors.json")}
"""Clerk's error codes with their statuses; None where the status depends."""


def shape(path: str) -> str:
    """A path template whatever its placeholders are called."""
    return re.sub(r"\{\w+\}", "{}", path)


BY_SHAPE = {(method, shape(path)): known for (method, path), known in OPERATIONS.items()}


@functools.cache
def operation(method: str, path: str) -> Operation:
    """The operation at a path or path template; KeyError when Clerk has none there."""
    if found := BY_SHAPE.get((method, shape(path))):
        return found
    fitting = [known for known in OPERATIONS.values() if known.method == method and _fits(known.path, path)]
    if not fitting:
        raise KeyError(f"{method} {path}: Clerk has no such operation")
    return min(fitting, key=lambda known: known.path.count("{"))


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/{}]+", template), path) is not None


def request_problems(
    method: str, path: str, query: Iterable[tuple[str, str]] = (), body: Any = None
) -> list[str]:
    """What Clerk would not know in a request: path, query pairs as text, JSON body (None: no body)."""
    try:
        known = operation(method, path)
    except KeyError as error:
        return [str(error.args[0])]
    return query_problems(known, list(query)) + body_problems(known, body)


def query_problems(known: Operation, pairs: list[tuple[str, str]]) -> list[str]:
    """Names that Clerk does not know, texts that are not of the type, repetition of what is single."""
    named = known.named("query")
    found = [f"query {name}: unknown" for name, _ in pairs if name not in named]
    for name, parameter in named.items():
        texts = [text for key, text in pairs if key == name]
        if texts:
            found += [f"query {name}: {problem}" for problem in text_problems(parameter["schema"], texts)]
        elif parameter["required"]:
            found.append(f"query {name}: missing")
    return found


def text_problems(schema: dict[str, Any], texts: list[str]) -> list[str]:
    """What is wrong with the texts of one query parameter."""
    single = schema["type"] != "array"
    if single and len(texts) > 1:
        return ["given twice"]
    kind = schema["type"] if single else schema["items"]["type"]
    if not all(re.fullmatch(SCALARS[kind], text) for text in texts):
        return [f"{texts} is no {kind}"]
    values = [text if kind == "string" else json.loads(text) for text in texts]
    return SCHEMAS.problems(schema, values[0] if single else values) + sort_problems(schema, values)


def sort_problems(schema: dict[str, Any], values: list[Any]) -> list[str]:
    """An order that the document's sentence does not list."""
    names = schema.get("said", {}).get("sorts", [])
    return [f"{value} is not listed" for value in values if names and value.lstrip("+-") not in names]


def body_problems(known: Operation, body: Any) -> list[str]:
    """A body where none is taken, none where one is required, or one that is not as the schema has it."""
    if body is None:
        return ["body: missing"] if known.body and known.body["required"] else []
    if known.body is None:
        return ["body: none is taken here"]
    return [f"body {problem}" for problem in SCHEMAS.problems(known.body["schema"], body)]


def answer_problems(
    method: str, path: str, status: int, answer: Any, *, paginated: bool = False
) -> list[str]:
    """Where an answer is not as the document has it: missing, beyond what is named, another type.

    `paginated`: the request asked for `{data, total_count}` where the document has a bare list.
    """
    if status >= ERROR:
        return error_problems(status, answer)
    known = operation(method, path)
    if str(status) not in known.answers:
        return [f"status {status}: the document has {', '.join(known.answers)}"]
    schema = known.answers[str(status)]
    if schema is None or answer is None:
        return [] if schema is None and answer is None else ["a body where none is, or none where one is"]
    if paginated and "paginated" in known.named("query"):
        schema = wrapped(schema)
    return SCHEMAS.problems(schema, answer)


def wrapped(items: dict[str, Any]) -> dict[str, Any]:
    """A list's schema as a page with the number of all."""
    properties = {"data": items, "total_count": {"type": "integer"}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def error_problems(status: int, answer: Any) -> list[str]:
    """What is wrong with an error's envelope, or with the pair of its code and status."""
    found = SCHEMAS.problems({"ref": "ClerkErrors"}, answer)
    if found:
        return found
    pairs = [(error["code"], status) for error in answer["errors"]]
    unknown = [pair for pair in pairs if pair not in ERRORS and (pair[0], None) not in ERRORS]
    return [f"{code} with status {status} is no error of Clerk's" for code, status in unknown]
