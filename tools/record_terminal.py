"""Records deskclerk on a terminal as the pictures that the README shows.

`python tools/record_terminal.py` types each anew, on a sandbox of its own: they show what happened.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from tests.faces.cli.processes import Terminal, on_a_terminal  # noqa: E402

COLUMNS = 92
BAN = ("users", "ban", "sol.castellanos@example.com")
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def main() -> None:
    """Write every picture."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DESKCLERK_HOME"] = home
        with on_a_terminal(*BAN, columns=COLUMNS) as terminal:
            terminal.until("> ")
            terminal.type("yes\n")
            terminal.end()
            picture(ROOT / "docs" / "images" / "ban.svg", BAN, terminal)


def picture(path: Path, words: tuple[str, ...], terminal: Terminal) -> None:
    """What the terminal showed, as a picture that fetches nothing."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, and no path
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text(f"$ deskclerk {' '.join(words)}", style="bold"))
        shown = terminal.raw.replace("\r\n", "\n")
        # Where the sandbox lies is of no interest, and another folder each time.
        shown = re.sub(r"(this is the sandbox in)\s+\S+?\.(\x1b\[0m)?\n", r"\1 …\2\n", shown)
        console.print(Text.from_ansi(shown.rstrip()))
        svg = console.export_svg(title="deskclerk", theme=DIMMED_MONOKAI, unique_id="terminal")
    path.write_text(_FONTS.sub("", svg), encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(svg.splitlines())} lines")


if __name__ == "__main__":
    main()
