"""What the pages show is what happens: every console block of docs/ is typed on a terminal, page by page.

A line with `$ ` is a command, one with `> ` is typed when it asks, all else is what is shown; `…` stands for
anything, alone on a line for any lines. The commands of a page share one home, as they do for whoever reads
it from the top.
"""

import re
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faces.cli.processes import on_a_terminal

DOCS = Path(__file__).parent.parent.parent / "docs"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """A command, what is typed into it, and the lines that it shows."""

    command: str
    typed: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)


def examples(text: str) -> Iterator[Example]:
    for block in _BLOCK.findall(text):
        found: list[Example] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Example(line.removeprefix("$ ")))
            elif line.startswith("> "):
                found[-1].typed.append(line.removeprefix("> "))
            else:
                found[-1].shown.append(line)
        yield from found


PAGES = {path.name: list(examples(path.read_text("utf-8"))) for path in sorted(DOCS.glob("*.md"))}


def as_pattern(lines: list[str]) -> str:
    """As a regular expression; a line that is `…` alone stands for any number of lines."""
    return "\n".join(
        r"[\s\S]*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) for line in lines
    )


def plain(text: str) -> str:
    """Without what the terminal echoes, trailing blanks, and empty lines at both ends."""
    return "\n".join(line.rstrip() for line in text.splitlines() if not line.startswith("> ")).strip()


@pytest.fixture
def home():
    """A folder whose name is short, as that of a person's home: a longer one would break lines elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@pytest.mark.parametrize("page", [name for name, found in PAGES.items() if found])
def test_what_a_page_shows_is_what_happens(page, home, monkeypatch):
    monkeypatch.setenv("DESKCLERK_HOME", home)
    monkeypatch.chdir(home)
    for example in PAGES[page]:
        program, *words = shlex.split(example.command)
        assert program == "deskclerk", f"{page}: {example.command}: a console block shows deskclerk alone"
        with on_a_terminal(*words) as terminal:
            for typed in example.typed:
                terminal.until("> ")
                terminal.type(f"{typed}\n")
            terminal.end()
            shown = terminal.shown
        wanted = as_pattern(example.shown).strip()
        assert re.fullmatch(wanted, plain(shown)), f"{page}: $ {example.command}\n{plain(shown)}"


def test_the_pages_that_people_begin_with_show_something():
    assert {"start.md", "signing.md"} <= {name for name, found in PAGES.items() if found}
