"""JSON with comments and trailing commas, changed in place.

Comments become blanks of their own length. What is left is JSON that Python's own parser reads, and each
place that it names is the place in the text: docs/decisions/0018 says why no library does this.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from deskclerk.faces.clients.editing import Entry, Unparsable

_STRING = r'"(?:\\.|[^"\\\n])*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING = re.compile(rf"{_STRING}|,(?=\s*[}}\]])")
_BLANK = re.compile(r"\s*")
_REST = re.compile(r"[ \t]*(?=\n)")
_UNIT = re.compile(r'\n([ \t]+)"')
_DECODER = json.JSONDecoder()


class _Member(NamedTuple):
    key: int
    value: int
    end: int


def parse(text: str) -> dict[str, Any]:
    """The object that the text is; an empty one for an empty text."""
    plain = _strict(text)
    if not plain.strip():
        return {}
    try:
        value = json.loads(plain)
    except json.JSONDecodeError as error:
        raise _at(text, error.pos, error.msg) from None
    except RecursionError:
        raise Unparsable("it is nested too deeply", 1, 1) from None
    if not isinstance(value, dict):
        raise Unparsable("its outermost value is not an object", 1, 1)
    return value


def insert(text: str, keys: Sequence[str], entry: Entry) -> str:
    """The text with the entry: as the first member of its object, so that no other member changes."""
    plain = _strict(text)
    if not plain.strip():
        return text + show(keys, entry)
    start = _first(plain)
    for depth, key in enumerate(keys, 1):
        members = _members(plain, start)
        if key not in members:
            return _with_member(text, start, members, key, _nested(keys[depth:], entry))
        start = members[key].value
        if depth < len(keys) and plain[start] != "{":
            raise _at(text, start, f"{key} is not an object")
    member = members[keys[-1]]
    line = plain.rfind("\n", 0, member.key)
    spread = line >= 0 and not plain[line : member.key].strip()
    value = (
        _spread(text, entry, _indent(plain, member.key)) if spread else json.dumps(entry, ensure_ascii=False)
    )
    return text[: member.value] + value + text[member.end :]


def removals(text: str, keys: Sequence[str]) -> Iterator[str]:
    """Without the member, then without the objects that would be empty."""
    plain, bare = _strict(text), _bare(text)
    found: list[_Member] = []
    alone: list[bool] = []
    start = _first(plain)
    for key in keys:
        members = _members(plain, start)
        found.append(members[key])
        alone.append(len(members) == 1)
        start = members[key].value
    for depth in range(len(keys), 0, -1):
        yield from _without_member(text, bare, found[depth - 1])
        if not alone[depth - 1]:
            return


def show(keys: Sequence[str], entry: Entry) -> str:
    """A file that holds nothing else."""
    return json.dumps(_nested(keys, entry), indent=2, ensure_ascii=False) + "\n"


def _bare(text: str) -> str:
    """The text without comments, every other character in its place."""
    bare = _COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else " " * len(match[0]), text)
    return " " + bare[1:] if bare.startswith("\ufeff") else bare


def _strict(text: str) -> str:
    """The text as strict JSON: without comments and trailing commas."""
    return _TRAILING.sub(_without_comma, _bare(text))


def _without_comma(match: re.Match[str]) -> str:
    if match[0] != ",":
        return match[0]
    before = match.start() - 1
    while before >= 0 and match.string[before].isspace():
        before -= 1
    # Behind a value alone: `{,}` and `1,,` are wrong for everybody.
    return "," if before < 0 or match.string[before] in "{[,:" else " "


def _members(plain: str, start: int) -> dict[str, _Member]:
    """The members of the object that begins at `start`; of two of one name the last, as parsers have it."""
    found = {}
    at = _skip(plain, start + 1)
    while plain[at] != "}":
        key, end = _DECODER.raw_decode(plain, at)
        value = _skip(plain, _skip(plain, end) + 1)
        _, end = _DECODER.raw_decode(plain, value)
        found[key] = _Member(at, value, end)
        at = _skip(plain, end)
        at = _skip(plain, at + 1) if plain[at] == "," else at
    return found


def _with_member(text: str, start: int, members: dict[str, _Member], key: str, value: Any) -> str:
    plain = _strict(text)
    name = json.dumps(key)
    rest = _REST.match(plain, start + 1)
    first = min((member.key for member in members.values()), default=None)
    if first is not None and not rest:
        return f"{text[:first]}{name}: {json.dumps(value, ensure_ascii=False)}, {text[first:]}"
    outer = _indent(plain, start)
    own_line = first is not None and not plain[plain.rfind("\n", 0, first) + 1 : first].strip()
    indent = _indent(plain, first) if first is not None and own_line else outer + _unit(plain)
    member = f"\n{indent}{name}: {_spread(text, value, indent)}"
    at = rest.end() if rest else start + 1
    after = "," if members else "" if rest else f"\n{outer}"
    return text[:at] + member + after + text[at:]


def _without_member(text: str, bare: str, member: _Member) -> Iterator[str]:
    comma = re.compile(r"\s*,").match(bare, member.end)
    before = len(bare[: member.key].rstrip())
    line = re.compile(r"\n[ \t]*$").search(bare, bare.rfind("\n", 0, member.key), member.key)
    start = line.start() if line else member.key
    if not comma and bare[before - 1] == ",":
        yield text[: before - 1] + text[before:start] + text[member.end :]
        return
    end = comma.end() if comma else member.end
    yield text[:start] + text[end:]
    yield text[: member.key] + text[_skip(bare, end) :]
    yield text[:start] + text[_skip(bare, end) :]


def _spread(text: str, value: Any, indent: str) -> str:
    lines = json.dumps(value, indent=_unit(_strict(text)), ensure_ascii=False)
    return lines.replace("\n", f"\n{indent}")


def _unit(plain: str) -> str:
    """What the file indents by."""
    found = _UNIT.search(plain)
    return found[1] if found else "  "


def _indent(plain: str, at: int) -> str:
    line = plain[plain.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _nested(keys: Sequence[str], entry: Entry) -> Any:
    value: Any = entry
    for key in reversed(keys):
        value = {key: value}
    return value


def _first(plain: str) -> int:
    return _skip(plain, 0)


def _skip(plain: str, at: int) -> int:
    found = _BLANK.match(plain, at)
    return found.end() if found else at


def _at(text: str, position: int, reason: str) -> Unparsable:
    line = text.count("\n", 0, position) + 1
    return Unparsable(reason, line, position - text.rfind("\n", 0, position))
