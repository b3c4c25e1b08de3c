"""The inverse of a deep merge, as far as another deep merge can express it.

Clerk merges metadata at every level, and null deletes a key: so a key whose value was null cannot be
written again, and neither can one inside an object that has to be put back whole.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deskclerk.desk.undo.found import same

Json = Mapping[str, Any]


def unmerge(before: Json, patch: Json, current: Json) -> tuple[dict[str, Any], list[str]]:
    """A patch that brings `current` back to `before` wherever `patch` had touched it.

    The second part are the paths that no merge can restore; empty means that the inverse is complete.
    """
    undone: dict[str, Any] = {}
    lost: list[str] = []
    for name, value in patch.items():
        old, now = before.get(name), current.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping) and isinstance(now, Mapping):
            inner, missing = unmerge(old, value, now)
            part = {name: inner} if inner else {}
        else:
            part, missing = _restored(name, before, current)
        undone |= part
        lost += [f"{name}.{path}" if path else name for path in missing]
    return undone, lost


def _restored(name: str, before: Json, current: Json) -> tuple[dict[str, Any], list[str]]:
    """The patch of one key, from what it is now to what it was; paths that stay lost, '' for the key."""
    if name not in before:
        return ({name: None} if name in current else {}), []
    old, now = before[name], current.get(name)
    if name in current and same(old, now):
        return {}, []
    if old is None:
        return ({name: None} if name in current else {}), [""]
    if not isinstance(old, Mapping):
        return {name: old}, []
    if isinstance(now, Mapping):
        inner, lost = _restored_whole(old, now)
        return ({name: inner} if inner else {}), lost
    return {name: _without_nulls(old)}, list(_nulls(old))


def _restored_whole(before: Json, current: Json) -> tuple[dict[str, Any], list[str]]:
    undone: dict[str, Any] = {}
    lost: list[str] = []
    for name in {**before, **current}:
        part, missing = _restored(name, before, current)
        undone |= part
        lost += [f"{name}.{path}" if path else name for path in missing]
    return undone, lost


def _without_nulls(value: Json) -> dict[str, Any]:
    return {
        key: _without_nulls(item) if isinstance(item, Mapping) else item
        for key, item in value.items()
        if item is not None
    }


def _nulls(value: Json) -> Iterator[str]:
    for key, item in value.items():
        if item is None:
            yield key
        elif isinstance(item, Mapping):
            yield from (f"{key}.{path}" for path in _nulls(item))
