"""TOML: the entry is a table of its own at the end of the file, where it changes nothing that stands before.

TOML lets the tables below one name stand anywhere. tomlkit writes the table; Python's own parser reads.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

import tomlkit

from deskclerk.faces.clients.editing import Entry, Unparsable

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_HEADER = re.compile(r"[ \t]*\[")


def parse(text: str) -> dict[str, Any]:
    """What the text says."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line, column = (place[1], place[2]) if place and place[1] else (text.count("\n") + 1, 1)
        raise Unparsable(_PLACE.sub("", str(error)), int(line), int(column)) from None


def insert(text: str, keys: Sequence[str], entry: Entry) -> str:
    """The text with the entry as its last table, or in place of the table that has its name."""
    place = _place(text, keys)
    if place:
        return text[: place[0]] + show(keys, entry) + text[place[1] :]
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    gap = "\n" if ended.strip() and not ended.endswith("\n\n") else ""
    return ended + gap + show(keys, entry)


def removals(text: str, keys: Sequence[str]) -> Iterator[str]:
    """Without the table, and without the blank line before it."""
    place = _place(text, keys)
    if place is None:
        return
    before, after = text[: place[0]], text[place[1] :]
    if before.endswith("\n\n"):
        yield before[:-1] + after
    yield before + after


def show(keys: Sequence[str], entry: Entry) -> str:
    """The table alone."""
    outer, name = keys
    table = tomlkit.table()
    table.update(entry)
    holder = tomlkit.table(is_super_table=True)
    holder[name] = table
    return tomlkit.dumps({outer: holder})


def _place(text: str, keys: Sequence[str]) -> tuple[int, int] | None:
    """From the header of our table to the end of the last line of it and of the tables below it."""
    name = r"\s*\.\s*".join(rf"""["']?{re.escape(key)}["']?""" for key in keys)
    ours = re.compile(rf"[ \t]*\[\s*{name}\s*[\].]")
    start, end, at = None, 0, 0
    for line in text.splitlines(keepends=True):
        if _HEADER.match(line) and start is not None and not ours.match(line):
            break
        if ours.match(line) and start is None:
            start = at
        at += len(line)
        # What follows the last value, comments and blank lines, belongs to what comes next.
        if start is not None and line.strip() and not line.lstrip().startswith("#"):
            end = at
    return None if start is None else (start, end)
