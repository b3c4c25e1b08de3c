"""A write that waits for a signature: what it will change, in words and as data."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Action, Effect
from deskclerk.catalogue.action import REDACTED
from deskclerk.desk.clean import clean, clean_text

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
    """One field: what it is and what it will be. `old` is None where it is not set or not known."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Plan:
    """One write, as a person is asked to sign it.

    `digest` binds action, arguments (secrets included, by a keyed hash), instance and the target as it
    was looked at; `expires_at` is in milliseconds since the epoch.
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

    def lines(self) -> list[str]:
        """The preview, line by line: what, on what, where, and old → new for each field."""
        lines = [f"{self.heading} on {self.instance}", self.summary]
        if self.target:
            lines.append(f"Target: {self.target}")
        for change in self.changes:
            old = f"{_brief(change.old)} → " if change.old is not None else ""
            lines.append(f"  {change.field}: {old}{_brief(change.new)}")
        if self.effect is Effect.DESTRUCTIVE:
            lines.append("This cannot be taken back.")
        return lines

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
    return _one_line(" ".join(part for part in words if part), 300)


def changes_of(action: Action, target: Mapping[str, Any] | None) -> tuple[Change, ...]:
    """Old → new for every argument that is not an id in the path; secrets as a mark."""
    arguments = action.arguments()
    parameters = action.parameters()
    return tuple(
        Change(
            f"{name} (merged)" if parameters[name].metadata else name,
            None if parameters[name].secret else _old(target, name),
            clean(arguments[name]),
        )
        for name in arguments
        if parameters[name].where in ("body", "query") and not _same(target, name, arguments[name])
    )


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


def _brief(value: Any) -> str:
    return _one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 200)


def _one_line(text: str, longest: int) -> str:
    """Cleaned, and without line ends: what an end user wrote cannot pass for a line of the preview."""
    return " ".join(clean_text(text, longest).split())
