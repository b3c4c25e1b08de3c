"""YAML, changed in place: PyYAML says where each node begins and ends, and the text around stays."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from deskclerk.faces.clients.editing import Entry, Unparsable


def parse(text: str) -> dict[str, Any]:
    """The mapping that the text is; an empty one for an empty text."""
    try:
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unparsable(error.problem or "it is not YAML", line, column) from None
    except yaml.YAMLError as error:
        raise Unparsable(str(error).partition("\n")[0], 1, 1) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unparsable("its outermost value is not a mapping", 1, 1)
    return value


def insert(text: str, keys: Sequence[str], entry: Entry) -> str:
    """The text with the entry at two keys, before its neighbours: below the line of the first key."""
    outer, name = keys
    root = yaml.compose(text)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return _ended(text) + show(keys, entry) if root is None else _refuse(root)
    pair = _pair(root, outer)
    if pair is None:
        return _ended(text) + show(keys, entry)
    key, holder = pair
    found = _pair(holder, name) if isinstance(holder, yaml.MappingNode) else None
    if found:
        start, end = _lines(text, *found) if not holder.flow_style else (-1, -1)
        if start < 0:
            return _refuse(holder)
        return text[:start] + _block(name, entry, found[0].start_mark.column) + text[end:]
    if isinstance(holder, yaml.MappingNode) and holder.value:
        first = holder.value[0][0].start_mark
        if holder.flow_style or first.line == key.start_mark.line:
            return _refuse(holder)
        at = _line_end(text, key.end_mark.index)
        return text[:at] + _block(name, entry, first.column) + text[at:]
    # Nothing, null or {}: the mapping is written below, whatever stood there.
    start, end = holder.start_mark.index, holder.end_mark.index
    text = text if start == end else text[:start].rstrip(" ") + text[end:]
    at = _line_end(text, key.end_mark.index)
    return _ended(text[:at]) + _block(name, entry, key.start_mark.column + 2) + text[at:]


def removals(text: str, keys: Sequence[str]) -> Iterator[str]:
    """Without the entry, then without the mapping that held nothing else."""
    outer, name = keys
    pair = _pair(yaml.compose(text), outer)
    found = pair and _pair(pair[1], name)
    if not pair or not found or pair[1].flow_style:
        return
    start, end = _lines(text, *found)
    left = text[:start] + text[end:]
    if len(pair[1].value) > 1:
        yield left
        return
    at = pair[0].end_mark.index + 1
    yield left[:at] + " {}" + left[at:]
    yield left
    outer_start, outer_end = _lines(text, *pair)
    yield text[:outer_start] + text[outer_end:]


def show(keys: Sequence[str], entry: Entry) -> str:
    """The entry alone."""
    outer, name = keys
    return f"{outer}:\n{_block(name, entry, 2)}"


def _block(name: str, entry: Entry, column: int) -> str:
    """The entry's lines. JSON's own way to write a scalar, a list or a mapping is YAML's too."""
    lines = [f"{name}:"] + [
        f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()
    ]
    return "".join(f"{' ' * column}{line}\n" for line in lines)


def _pair(node: Any, name: str) -> tuple[Any, Any] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next(((key, value) for key, value in pairs if key.value == name), None)


def _lines(text: str, key: Any, value: Any) -> tuple[int, int]:
    """From the beginning of a key's line to the end of the last line of its value."""
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    return start, _line_end(text, max(key.end_mark.index, _last(value)))


def _last(node: Any) -> int:
    """Where a node's own text ends; a block's end mark stands behind the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _last(last[1] if isinstance(last, tuple) else last)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _refuse(node: Any) -> str:
    mark = node.start_mark
    raise Unparsable("a mapping within braces is not changed", mark.line + 1, mark.column + 1)
