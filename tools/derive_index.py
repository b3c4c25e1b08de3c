"""Derive the referee's index of facts from Clerk's OpenAPI document: names, types and bounds, no prose.

    python tools/derive_index.py FOLDER            write the index
    python tools/derive_index.py FOLDER --check    exit 1 when the index in the project differs

The folder holds `bapi-2026-05-12.yml` and those of two older versions, `webhooks-2025-04-15.yml`,
`actions.tsv` and `errors.tsv`. Written below `tests/contract/`: `openapi-2026-05-12.json`,
`openapi-older.json` (what older versions have otherwise), `webhooks-2025-04-15.json`, `actions.json`,
`errors.json`; the tests read those and nothing else. Below `src/deskclerk/sandbox/`:
`clerk_operations.txt`, by which the sandbox knows what it does not serve.
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

VERSION = "2026-05-12"
OLDER = ("2021-02-05", "2025-11-10")
WEBHOOKS = "2025-04-15"
PROJECT = Path(__file__).parent.parent

ERROR = 400
METHODS = ("get", "post", "put", "patch", "delete")
PLAIN_KEYS = (
    "type",
    "format",
    "enum",
    "pattern",
    "nullable",
    "default",
    "deprecated",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "required",
    "discriminator",
)
ROUTE = re.compile(rf"({'|'.join(METHODS)})(?: then ({'|'.join(METHODS)}))? (/[\w/{{}}]+)", re.IGNORECASE)

SAID = {
    "maxItems": re.compile(r"[Uu]p to (\d+) "),
    "maxLength": re.compile(r"Max length: (\d+)"),
    "minLength": re.compile(r"at least (\d+) characters"),
}
"""Bounds that the document gives in a sentence only, by the schema word they stand for."""

FILLERS = ("and", "either", "or", "their")
"""Words that are no names in the sentence that lists what can be ordered by."""


class Document:
    """An OpenAPI 3.0 document, read for its facts."""

    def __init__(self, path: Path) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.root: dict[str, Any] = yaml.load(path.read_bytes(), Loader=loader)

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """The node itself, or what its $ref points to."""
        while "$ref" in node:
            found: Any = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def operations(self) -> Iterator[tuple[str, str]]:
        """Every (method, path)."""
        for path, item in self.root["paths"].items():
            yield from ((method.upper(), path) for method in METHODS if method in item)

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """The facts of one operation: parameters, body, answers of success, statuses of errors."""
        item = self.root["paths"][path]
        node = item[method.lower()]
        listed = [*item.get("parameters", []), *node.get("parameters", [])]
        answers = {int(status): self.resolve(answer) for status, answer in node["responses"].items()}
        return {
            "parameters": [parameter(self.resolve(entry)) for entry in listed],
            "body": self.body(node),
            "answers": {status: schema_of(answer) for status, answer in answers.items() if status < ERROR},
            "errors": [status for status in answers if status >= ERROR],
            **({"deprecated": True} if node.get("deprecated") else {}),
        }

    def body(self, node: dict[str, Any]) -> dict[str, Any] | None:
        """Whether a body is required, and its schema."""
        if "requestBody" not in node:
            return None
        body = self.resolve(node["requestBody"])
        found = {"required": body.get("required", False), "schema": schema_of(body)}
        form = body.get("content", {}).get("multipart/form-data")
        return {**found, "schema": schema(form["schema"]), "form": True} if form else found


def schema_of(node: dict[str, Any]) -> Any:
    """The schema of a JSON body or answer; None when it has none."""
    content = node.get("content", {})
    return schema(content["application/json"]["schema"]) if "application/json" in content else None


def parameter(node: dict[str, Any]) -> dict[str, Any]:
    """The facts of a path or query parameter."""
    facts: dict[str, Any] = {
        "name": node["name"],
        "in": node["in"],
        "required": node.get("required", False),
        "schema": described(node["name"], node["schema"] | {"description": node.get("description", "")}),
    }
    return facts | ({"deprecated": True} if node.get("deprecated") else {})


def schema(node: dict[str, Any]) -> dict[str, Any]:
    """A schema without its prose; a reference becomes the name in the `schemas` section."""
    if "$ref" in node:
        return {"ref": node["$ref"].rpartition("/")[2]}
    facts: dict[str, Any] = {key: node[key] for key in PLAIN_KEYS if key in node}
    if "discriminator" in facts:
        facts["discriminator"] = facts["discriminator"]["propertyName"]
    if "properties" in node:
        facts["properties"] = {name: described(name, inner) for name, inner in node["properties"].items()}
    if "items" in node:
        facts["items"] = schema(node["items"])
    if "additionalProperties" in node:
        more = node["additionalProperties"]
        facts["additionalProperties"] = schema(more) if isinstance(more, dict) and more else more
    for word in ("allOf", "oneOf", "anyOf"):
        if word in node:
            facts[word] = [schema(inner) for inner in node[word]]
    return facts


def described(name: str, node: dict[str, Any]) -> dict[str, Any]:
    """A property's schema, with the bounds that only its description gives."""
    said_here = said(name, node.get("description", ""))
    return schema(node) | ({"said": said_here} if said_here else {})


def said(name: str, prose: str) -> dict[str, Any]:
    """Bounds, wire formats and sort names that stand in a sentence: the numbers and names alone."""
    text = " ".join(prose.split())
    found: dict[str, Any] = {
        word: int(match[1]) for word, rule in SAID.items() if (match := rule.search(text))
    }
    if "RFC3339" in text:
        found["times"] = "rfc3339"
    if "millisecond precision" in text:
        found["times"] = "ms"
    if name == "order_by" and (sorts := sort_names(text)):
        found["sorts"] = sorts
    return found


def sort_names(text: str) -> list[str]:
    """The names in the sentence that says what can be ordered by."""
    for sentence in re.split(r"\.(?: |$)", text):
        listed = sentence.partition(" by ")[2]
        if "created_at" in listed:
            return [word for word in re.findall(r"[a-z]+\d?[a-z_]*", listed) if word not in FILLERS]
    return []


def references(node: Any) -> Iterator[str]:
    """Every schema name that a piece of the index refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("ref"), str):
            yield node["ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def read_actions(path: Path) -> list[dict[str, Any]]:
    """The actions by name, with their effects and real routes, the main one last where a read comes first."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        {"name": row["name"], "effect": row["effect"], "routes": routes(row[f"route_in_clerk_{VERSION}"])}
        for row in rows
    ]


def routes(text: str) -> list[str]:
    """The `METHOD /path` pairs in a cell such as `GET then PATCH /things/{id}`."""
    return [
        f"{method} {path}"
        for first, second, path in ROUTE.findall(text)
        for method in (first, second)
        if method
    ]


def read_errors(path: Path) -> list[list[Any]]:
    """The (code, status) pairs."""
    with path.open(encoding="utf-8") as file:
        return [
            [row["code"], int(row["http_status"]) if row["http_status"] else None]
            for row in csv.DictReader(file, delimiter="\t")
        ]


def derive(folder: Path) -> dict[str, str]:
    """The texts of the files by their place in the project."""
    document = Document(folder / f"bapi-{VERSION}.yml")
    operations = {
        f"{method} {path}": document.operation(method, path) for method, path in sorted(document.operations())
    }
    index = {
        "version": VERSION,
        "operations": operations,
        "schemas": schemas_below(operations, document.root["components"]["schemas"]),
    }
    return {
        f"tests/contract/openapi-{VERSION}.json": sections(index),
        "tests/contract/openapi-older.json": sections(older(folder, index)),
        f"tests/contract/webhooks-{WEBHOOKS}.json": sections(webhooks(folder / f"webhooks-{WEBHOOKS}.yml")),
        "tests/contract/actions.json": lines(read_actions(folder / "actions.tsv")),
        "tests/contract/errors.json": lines(read_errors(folder / "errors.tsv")),
        "src/deskclerk/sandbox/clerk_operations.txt": "".join(f"{name}\n" for name in operations),
    }


def older(folder: Path, newest: dict[str, Any]) -> dict[str, Any]:
    """What older versions have otherwise: the facts of theirs, None for what they do not have."""
    found: dict[str, Any] = {}
    for version in OLDER:
        document = Document(folder / f"bapi-{version}.yml")
        operations = {" ".join(pair): document.operation(*pair) for pair in sorted(document.operations())}
        schemas = schemas_below(operations, document.root["components"]["schemas"])
        found[f"{version} operations"] = changed(newest["operations"], operations)
        found[f"{version} schemas"] = changed(newest["schemas"], schemas)
    return found


def changed(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """The entries of `old` that `new` has not or has otherwise, and None for those that only `new` has."""
    return {name: old.get(name) for name in sorted({*new, *old}) if old.get(name) != new.get(name)}


def webhooks(path: Path) -> dict[str, Any]:
    """The schema of each event's data by the event's type, and the schemas that those refer to."""
    root = Document(path).root
    events: dict[str, Any] = {}
    for kind, node in root["x-webhooks"].items():
        whole = schema(node["post"]["requestBody"]["content"]["application/json"]["schema"])
        events[kind] = next(
            part["properties"]["data"] for part in whole["allOf"] if "data" in part.get("properties", {})
        )
    nodes = root["components"]["schemas"]
    envelope = {"": {"ref": "WebhookEventPayload"}}
    return {"version": WEBHOOKS, "events": events, "schemas": schemas_below(events | envelope, nodes, ())}


def schemas_below(
    operations: dict[str, Any], nodes: dict[str, Any], more: tuple[str, ...] = ("ClerkErrors",)
) -> dict[str, Any]:
    """Every schema that the operations refer to, directly or through another, by name."""
    found: dict[str, Any] = {}
    wanted = [*references(operations), *more]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = schema(nodes[name])
            wanted += references(found[name])
    return dict(sorted(found.items()))


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, separators=(",", ":"))


def lines(items: list[Any]) -> str:
    """A JSON list, one item a line."""
    return "[\n" + ",\n".join(compact(item) for item in items) + "\n]\n"


def sections(index: dict[str, Any]) -> str:
    """A JSON object whose objects have one entry a line."""
    parts = []
    for name, section in index.items():
        if isinstance(section, dict):
            rows = ",\n".join(f"{compact(key)}:{compact(value)}" for key, value in section.items())
            parts.append(f"{compact(name)}:{{\n{rows}\n}}")
        else:
            parts.append(f"{compact(name)}:{compact(section)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def stale(texts: dict[str, str]) -> list[str]:
    """The files of the project that are not what would be written now."""
    return [
        name
        for name, text in texts.items()
        if not (PROJECT / name).exists() or (PROJECT / name).read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write the index, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where bapi-*.yml, actions.tsv and errors.tsv are")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file differs")
    options = parser.parse_args()
    texts = derive(options.folder)
    changed = stale(texts)
    if options.check:
        print("\n".join(f"differs: {name}" for name in changed) or "The index is up to date.")
        return 1 if changed else 0
    for name, text in texts.items():
        (PROJECT / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text):,} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
