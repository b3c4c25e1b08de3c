"""Old → new: what a write would change on its target, field by field and key by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import REDACTED, Action
from deskclerk.desk.view.cleaning import brief, clean, line_of

Switch = tuple[str, Any]
"""A field that a write sets without being told to, and its value afterwards."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field, or one key of metadata: what it is and what it will be.

    `old` is None where it is not set or not known. `kind` is `changed`, `added` or `removed`.
    """

    field: str
    old: Any
    new: Any
    kind: str = "changed"

    def line(self) -> str:
        """The change on one line."""
        if self.kind == "removed":
            return f"{self.field}: {brief(self.old)} → removed"
        old = f"{brief(self.old)} → " if self.old is not None else ""
        return f"{self.field}: {old}{brief(self.new)}" + (" (added)" if self.kind == "added" else "")


def changes_of(action: Action, target: Mapping[str, Any] | None, switch: Switch | None) -> tuple[Change, ...]:
    """Old → new for every argument that is not an id in the path; metadata key by key, secrets as a mark."""
    arguments = action.arguments()
    parameters = action.parameters()
    changes = _switched(switch, target)
    for name, new in arguments.items():
        if parameters[name].where not in ("body", "query"):
            continue
        if parameters[name].merges and isinstance(new, Mapping):
            changes += _merged(name, (target or {}).get(name), new)
        elif not _same(target, name, new):
            # The old secret is not known, and whatever Clerk answers in its place is none of the asker's.
            old = None if parameters[name].secret else _old(target, name)
            changes.append(Change(name, old, clean(new)))
    return tuple(changes)


def is_so_already(switch: Switch | None, target: Mapping[str, Any] | None) -> bool:
    """Whether a write would switch what is switched already."""
    return bool(switch and target) and _holds_already(switch or ("", None), target or {})


def _holds_already(switch: Switch, target: Mapping[str, Any]) -> bool:
    field, new = switch
    return field in target and bool(target[field] == new)


def _switched(switch: Switch | None, target: Mapping[str, Any] | None) -> list[Change]:
    """The field that a ban, a lock or a revocation switches, unless it is so already or is not known."""
    if not switch or not target or switch[0] not in target or _holds_already(switch, target):
        return []
    field, new = switch
    return [Change(field, clean(target[field]), new)]


def _merged(path: str, old: Any, new: Mapping[str, Any]) -> list[Change]:
    """What a deep merge does to each key; null deletes one."""
    before = old if isinstance(old, Mapping) else {}
    changes = []
    for key, value in new.items():
        field = line_of(f"{path}.{key}")
        known = before.get(key)
        if isinstance(value, Mapping) and value:
            changes += _merged(field, known, value)
        elif value is None:
            changes += [Change(field, clean(known), None, "removed")] if key in before else []
        elif key not in before:
            changes.append(Change(field, None, clean(value), "added"))
        elif known != value:
            changes.append(Change(field, clean(known), clean(value)))
    return changes


def _old(target: Mapping[str, Any] | None, name: str) -> Any:
    return clean(target.get(name)) if target else None


def _same(target: Mapping[str, Any] | None, name: str, new: Any) -> bool:
    return bool(target) and new != REDACTED and name in (target or {}) and (target or {})[name] == new
