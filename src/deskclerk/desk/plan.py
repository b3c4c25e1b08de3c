"""A write that waits for a signature: what it will change, in words and as data."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Action, Effect
from deskclerk.catalogue.action import REDACTED
from deskclerk.desk.clean import clean, clean_text
from deskclerk.desk.states import SWITCHES

_VOLATILE = frozenset(
    {
        "last_active_at",
        "last_sign_in_at",
        "updated_at",
        "lockout_expires_in_seconds",
        "verification_attempts_remaining",
        "latest_activity",
    }
)
"""What changes by itself while somebody decides, and is nobody's decision."""


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


@dataclass(frozen=True, slots=True)
class TakesBack:
    """The journal's entry that a write takes back, and what a person is told with it, a line each."""

    entry: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One write, as a person is asked to sign it.

    `digest` binds action, arguments (secrets included, by a keyed hash), instance and the target as it
    was looked at; `expires_at` is in milliseconds since the epoch. `reach` says what else is touched,
    `reversible` whether there is a way back, `words` what a person may type to sign, `takes_back` what
    the write undoes, where it does.
    """

    id: str
    action: str
    heading: str
    effect: Effect
    summary: str
    instance: str
    arguments: Mapping[str, Any]
    target: str
    changes: tuple[Change, ...]
    digest: str
    expires_at: int
    reach: tuple[str, ...] = ()
    reversible: str = ""
    words: tuple[str, ...] = ()
    takes_back: TakesBack | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the plan takes back and what does not come back, a line each; empty for any other write."""
        return self.takes_back.notes if self.takes_back else ()

    def lines(self) -> list[str]:
        """The preview, line by line: what, on what, where, old → new, how far it reaches, the way back."""
        lines = [f"{self.heading} on {self.instance}", *self.notes, self.summary]
        if self.target:
            lines.append(f"Target: {self.target}")
        lines += [f"  {change.line()}" for change in self.changes]
        lines += [f"Reach: {line}" for line in self.reach]
        return [*lines, self.reversible] if self.reversible else lines

    def text(self) -> str:
        """The preview as one text."""
        return "\n".join(self.lines())


def digest_of(action: Action, instance: str, target: Any, seals: Mapping[str, str]) -> str:
    """The digest of a write: it changes when any argument, the instance or the target does.

    `seals` stand in for the secret arguments: a plain hash of a password would give it away to a guesser.
    """
    bound = {
        "action": action.spec.name,
        "arguments": {name: getattr(action, name) for name in action.model_fields_set} | dict(seals),
        "instance": instance,
        "target": _steady(target),
    }
    text = json.dumps(bound, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def name_of(item: Mapping[str, Any] | None) -> str:
    """How a person knows a thing: name, address, id."""
    if not item:
        return ""
    person = " ".join(str(item[key]) for key in ("first_name", "last_name") if item.get(key))
    address = next((str(mail["email_address"]) for mail in item.get("email_addresses") or ()), "")
    data = item.get("public_user_data")
    member = name_of(data | {"id": data.get("user_id")}) if isinstance(data, dict) else ""
    organization = item.get("organization")
    within = f"in {organization.get('name')}" if isinstance(organization, dict) else ""
    known = (
        item.get("name"),
        person,
        item.get("email_address") or item.get("identifier") or address or item.get("username"),
    )
    words = [member, within, *(str(part) for part in known if part), f"({item.get('id')})"]
    return line_of(" ".join(part for part in words if part), 300)


def changes_of(action: Action, target: Mapping[str, Any] | None) -> tuple[Change, ...]:
    """Old → new for every argument that is not an id in the path; metadata key by key, secrets as a mark."""
    arguments = action.arguments()
    parameters = action.parameters()
    changes = _switched(action, target)
    for name, new in arguments.items():
        if parameters[name].where not in ("body", "query"):
            continue
        if parameters[name].metadata and isinstance(new, Mapping):
            changes += _merged(name, (target or {}).get(name), new)
        elif not _same(target, name, new):
            old = None if parameters[name].secret else _old(target, name)
            changes.append(Change(name, old, clean(new)))
    return tuple(changes)


def _switched(action: Action, target: Mapping[str, Any] | None) -> list[Change]:
    """The field that a ban, a lock or a revocation switches, unless it is so already or is not known."""
    field, new = SWITCHES.get(action.spec.verb, ("", None))
    if not target or field not in target or target[field] == new:
        return []
    return [Change(field, clean(target[field]), new)]


def is_so_already(action: Action, target: Mapping[str, Any] | None) -> bool:
    """Whether a write would switch what is switched already."""
    field, new = SWITCHES.get(action.spec.verb, ("", None))
    return bool(target) and field in (target or {}) and (target or {})[field] == new


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


def _steady(target: Any) -> Any:
    """The target without what changes by itself."""
    if isinstance(target, Mapping):
        return {key: _steady(value) for key, value in target.items() if key not in _VOLATILE}
    if isinstance(target, list):
        return [_steady(item) for item in target]
    return target


def brief(value: Any) -> str:
    """A value on one line, cut when long."""
    return line_of(value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False))


def line_of(text: Any, longest: int = 200) -> str:
    """Cleaned, and without line ends: what an end user wrote cannot pass for a line of the preview."""
    return " ".join(clean_text(str(text), longest).split())
