"""What deskclerk promises (tests/promises.toml), and the tests that keep it.

A test says which promise it keeps by `@pytest.mark.promise("name")`, a test in JavaScript by a line
`// promise: name` above it. `tests/contract/test_promises.py` sees to it that every promise has a test,
that every test names one that there is, and that every sentence of the README, and of the pages that it
goes on in, is a promise or said to be none. `tools/generate_docs.py` writes docs/promises.md from here,
`tools/mutate.py` breaks what keeps them.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/guide.md", "docs/settings.md")
"""What says to whoever arrives what deskclerk does: each sentence there is a promise, or promises nothing."""
_COMMENT = re.compile(r'^// promise: (\S+)\ntest\("([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Promise:
    """One promise; `readme` are beginnings of the README's sentences that make it."""

    name: str
    text: str
    readme: tuple[str, ...]


@dataclass(frozen=True)
class Mutation:
    """A line of the source that keeps a promise, what breaks it, and the test that has to fail then."""

    promise: str
    file: str
    line: str
    broken: str
    test: str


_DATA = tomllib.loads((ROOT / "tests" / "promises.toml").read_text("utf-8"))
GROUPS = {
    group["title"]: [
        Promise(name, item["text"], tuple(item.get("readme", ()))) for name, item in group["promises"].items()
    ]
    for group in (*_DATA["laws"], *_DATA["readme"])
}
"""The promises of each law, then those of each part of the README."""
PROMISES = {item.name: item for items in GROUPS.values() for item in items}
NO_PROMISES = tuple(_DATA["no_promises"])
"""Beginnings of the README's sentences that promise nothing."""
MUTATIONS = [Mutation(**item) for item in _DATA.get("mutations", ())]


def sentences(markdown: str) -> list[str]:
    """The sentences and table rows of a page, without headings, pictures, code."""
    text = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    found: list[str] = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().splitlines()
        if not lines or lines[0].startswith(("#", "![")):
            continue
        if lines[0].startswith("|"):
            found += [" ".join(line.strip("| ").split()) for line in lines[2:]]
            continue
        for item in re.split(r"^- ", block.strip(), flags=re.MULTILINE):
            found += re.split(r"(?<=[.:]) (?=[A-Z`\[*])", " ".join(item.split()))
    return [item for item in found if item]


@dataclass(frozen=True)
class Kept:
    """A test that names a promise."""

    promise: str
    file: str
    test: str


def keeping_tests() -> list[Kept]:
    """Every test that names a promise, in the order of files and lines."""
    tests = ROOT / "tests"
    python = [path for path in sorted(tests.rglob("test_*.py")) if "node_modules" not in path.parts]
    found = [item for path in python for item in _marked(path)]
    return found + [item for path in sorted((tests / "js").glob("*.test.js")) for item in _commented(path)]


def _marked(path: Path) -> Iterator[Kept]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.promise":
                for name in decorator.args:
                    yield Kept(str(ast.literal_eval(name)), str(path.relative_to(ROOT)), node.name)


def _commented(path: Path) -> Iterator[Kept]:
    for name, test in _COMMENT.findall(path.read_text("utf-8")):
        yield Kept(name, str(path.relative_to(ROOT)), test)
