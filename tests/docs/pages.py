"""What stands on the pages: command blocks in their order, files that a page gives, and blocks not run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
}
"""Every page that people read, by its path."""

HIDDEN = "a long and unusual passphrase"
"""What is typed where the page shows a prompt with nothing behind it, as a terminal shows a secret."""
_PROMPT = re.compile(r"^(> |Write this\? \[y/N\]: )(.+)$|^(Secret:|Once more:)$")
INTERRUPT = "^C"
_BLOCK = re.compile(
    r"^(?P<fence>`{3,})(?P<kind>[\w{}-]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_NAMES_A_FILE = re.compile(r"`([\w.-]+\.\w+)`:\s*\Z")
_SHELL = re.compile(
    r"^(\$ |(sudo )?(deskclerk|pip|pipx|uvx|uv|docker|make|npm|npx|node|go|ruby|python3?|export|curl) )",
    re.MULTILINE,
)


@dataclass
class Example:
    """A command, what is shown, and what is typed where; `typed` has the prompt and the answer."""

    command: str
    shown: list[str] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    interrupted: bool = False


@dataclass(frozen=True)
class GivenFile:
    """A file that the page shows under its name, for the commands behind it."""

    name: str
    text: str


def steps(page: str) -> Iterator[Example | GivenFile]:
    """What somebody does who reads the page from the top."""
    text = PAGES[page]
    for block in _BLOCK.finditer(text):
        if block["kind"] == "console":
            yield from _examples(block["text"])
        elif named := _NAMES_A_FILE.search(text[: block.start()]):
            yield GivenFile(named[1], block["text"])


def _examples(text: str) -> Iterator[Example]:
    found: list[Example] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Example(line.removeprefix("$ ")))
        elif found[-1].command.endswith("\\"):
            found[-1].command += f"\n{line}"
        elif line == INTERRUPT:
            found[-1].interrupted = True
        elif prompt := _PROMPT.match(line):
            found[-1].typed.append((prompt[1] or prompt[3], prompt[2] or HIDDEN))
            if prompt[1] != "> ":
                found[-1].shown.append(line)
        else:
            found[-1].shown.append(line)
    yield from found


def commands_not_run(page: str) -> Iterator[str]:
    """The first line of every block that shows a command to type and is not marked as one that is run."""
    text = PAGES[page]
    for block in _BLOCK.finditer(text):
        if _NAMES_A_FILE.search(text[: block.start()]):
            continue
        if block["kind"] in ("text", "sh", "bash", "shell", "") and _SHELL.search(block["text"]):
            yield block["text"].splitlines()[0]
