"""The words of a template with values in the place of its variables.

Of the language of Clerk's templates what bodies mostly have: `{{name}}`, `{{{name}}}` without escaping,
`{{#if name}} … {{else}} … {{/if}}`, and `{{> name}}` for a part that Clerk keeps, which is left out here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

_TAG = re.compile(
    r"\{\{\{\s*(?P<plain>[\w.]+)\s*\}\}\}"
    r"|\{\{\s*(?:#if\s+(?P<condition>[\w.]+)|(?P<mark>else|/if)|>\s*(?P<part>[\w.]+)|(?P<name>[\w.]+))\s*\}\}"
)


class Malformed(Exception):
    """A template whose braces or conditions cannot be understood."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text as it stands, or one tag: what it does (a name of a group of `_TAG`), and its word."""

    does: str
    word: str


def _pieces(template: str) -> Iterator[_Piece]:
    end = 0
    for tag in _TAG.finditer(template):
        yield _text(template[end : tag.start()])
        does = tag.lastgroup or ""
        yield _Piece(does, tag[does])
        end = tag.end()
    yield _text(template[end:])


def _text(text: str) -> _Piece:
    # Two braces that close are left alone: style sheets have them.
    place = text.find("{{")
    if place >= 0:
        raise Malformed(f"{text[place : place + 20]!r} is no tag that is known")
    return _Piece("text", text)


def variables(template: str) -> set[str]:
    """The variables whose values are in the text; Malformed if the template is."""
    render(template, {})
    return {piece.word for piece in _pieces(template) if piece.does in ("plain", "name")}


def render(template: str, values: Mapping[str, str], *, html: bool = False) -> str:
    """The text; a variable without a value is empty, and one in HTML is escaped."""
    found: list[str] = []
    # Of each condition that is open: whether what stands here is shown, and whether its `else` came.
    open_ones: list[tuple[bool, bool]] = []
    hiding = 0
    for piece in _pieces(template):
        if piece.does == "condition":
            shown = bool(values.get(piece.word))
            open_ones.append((shown, False))
            hiding += not shown
        elif piece.does == "mark":
            if not open_ones or (piece.word == "else" and open_ones[-1][1]):
                raise Malformed(f"{piece.word} stands outside of a condition")
            shown, _ = open_ones.pop()
            hiding -= not shown
            if piece.word == "else":
                open_ones.append((not shown, True))
                hiding += shown
        elif not hiding:
            found.append(_shown(piece, values, html=html))
    if open_ones:
        raise Malformed("a condition has no end")
    return "".join(found)


def _shown(piece: _Piece, values: Mapping[str, str], *, html: bool) -> str:
    if piece.does == "text":
        return piece.word
    value = values.get(piece.word, "") if piece.does != "part" else ""
    return escape(value) if html and piece.does == "name" else value
