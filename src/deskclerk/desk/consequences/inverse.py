"""What the search for an inverse ends with, and the small questions that it asks of the journal's records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import EVERY_BY_NAME, REDACTED, Action

Event = Mapping[str, Any]
"""One record of the journal."""
METADATA = ("public_metadata", "private_metadata", "unsafe_metadata")
"""The metadata of users; organizations and their memberships have the first two."""


@dataclass(frozen=True, slots=True)
class Inverse:
    """The action that takes a write back, or None.

    `notes` say what a person should know before signing it, `cannot` what does not come back and why.
    `offer` is a call that comes nearest where there is no action, `nearest` the same in words.
    """

    action: Action | None
    notes: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    offer: Action | None = None
    nearest: str = ""


def nothing(*why: str, nearest: str = "", notes: tuple[str, ...] = ()) -> Inverse:
    """No inverse, for these reasons."""
    return Inverse(None, notes, why, nearest=nearest)


def kind_of(event: Event) -> type[Action]:
    """The action that an event is of."""
    return EVERY_BY_NAME[event["action"]]


def ids_of(event: Event) -> dict[str, Any]:
    """The arguments that stand in the action's path."""
    return {name: event["arguments"][name] for name in kind_of(event).spec.route.names}


def seen_before(intent: Event) -> dict[str, Any]:
    """The target as the desk saw it before the write; empty if it did not find it."""
    return dict(next(iter(intent.get("before") or ()), {}))


def left_by(outcome: Event) -> dict[str, Any]:
    """The target as the write left it; empty if the journal does not know."""
    after = outcome.get("after")
    return dict(after) if isinstance(after, Mapping) else {}


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1, 1.0 and true are three."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def has_mark(value: Any) -> bool:
    """Whether a secret was cut out of a value, so that it cannot be written back."""
    return REDACTED in json.dumps(value, ensure_ascii=False)


def known(before: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What the journal has of these fields, without what is empty or was cut."""
    return {name: before[name] for name in names if before.get(name) not in (None, [], {}, "")}


def offer(kind: type[Action], arguments: Mapping[str, Any]) -> Action:
    """A call that comes nearest to what cannot come back, without what the journal keeps as a mark."""
    return kind.parse({name: value for name, value in arguments.items() if not has_mark(value)})
