"""Old values put back: what of an update can be written again, and what cannot.

Clerk merges metadata at every level, and null deletes a key: so a key whose value was null cannot be
written again, and neither can one inside an object that has to be put back whole.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deskclerk.catalogue import Parameter
from deskclerk.desk.consequences.inverse import Event, has_mark, left_by, same, seen_before

Json = Mapping[str, Any]


class Restoring:
    """Collects what can be written back, and what cannot."""

    def __init__(
        self,
        intent: Event,
        outcome: Event,
        current: dict[str, Any],
        given: Mapping[str, Any],
        clearable: frozenset[str],
    ) -> None:
        """`clearable` are the fields that a null clears; elsewhere Clerk leaves a value as it is."""
        self.asked = intent["arguments"]
        self.before = seen_before(intent)
        self.current = current
        # Where the outcome was found out by reading, what is there now is the best that is known.
        self.left = left_by(outcome) or current
        self.given = given
        self._clearable = clearable
        self.values: dict[str, Any] = {}
        self.notes: list[str] = []
        self.cannot: list[str] = []

    def field(self, name: str) -> None:
        """One field whose value Clerk answers."""
        if name in self.asked and name not in self.before:
            self.cannot.append(f"{name}: Clerk does not tell what it was.")
            return
        # Only what this write changed: other fields may have been changed since by others.
        if name not in self.before or same(self.before[name], self.left.get(name)):
            return
        old, now = self.before[name], self.current.get(name)
        if same(old, now):
            self.notes.append(f"{name} is what it was already.")
        # A mark written back would put the word for a secret in the place of the value.
        elif has_mark(old):
            self.cannot.append(f"{name}: the journal keeps it without its secret part.")
        elif old is None and name not in self._clearable:
            self.cannot.append(f"{name} was not set, and Clerk has no way to clear it.")
        else:
            self.values[name] = old
            self._changed_since(name, now, self.left.get(name))

    def metadata(self, name: str) -> None:
        """What a merge changed, by a merge."""
        before, current = self.before.get(name) or {}, self.current.get(name) or {}
        patch, lost = unmerge(before, self.asked[name] or {}, current)
        if has_mark(patch):
            self.cannot.append(f"{name}: the journal keeps it without its secret part.")
            return
        if patch:
            self.values[name] = patch
            self._changed_since(name, current, self.left.get(name) or {})
        self.cannot += [
            f"{name}.{path} was null, which a merge cannot write: it is left out." for path in lost
        ]

    def secret(self, item: Parameter) -> None:
        """A secret: only a person can give the old one."""
        if item.name in self.given:
            self.values[item.name] = self.given[item.name]
        else:
            self.cannot.append(f"{item.name}: the old one cannot come back, Clerk tells it nobody.")

    def _changed_since(self, name: str, now: Any, left: Any) -> None:
        if not same(now, left):
            self.notes.append(f"{name} was changed again since then: that change goes too.")


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
    # Null is the order to delete in a merge, and so cannot be put back as a value.
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
