"""Where the targets of a bulk write come from: a list's filters, ids or names, or the rows of a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from deskclerk.catalogue import EVERY_ACTION, Action


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file, as arguments of an action; without any it is not to be imported, a note says why.

    `line` is where it begins, from 1; in a JSON document its place in the list. `problems` are `(parameter,
    what is wrong and what is accepted)` with "" for the record as a whole, `notes` what stays behind. Neither
    holds a value of the record.
    """

    line: int
    arguments: dict[str, Any]
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


Targets: TypeAlias = Action | Sequence[str] | Iterable[Row]
"""A list action with its filters; ids, or the names of users; rows of arguments."""


def provided(lister: Action, item: Mapping[str, Any]) -> dict[str, Any]:
    """The ids that an item of a list gives to an action: its own, and those in the list's path."""
    found = {name: getattr(lister, name) for name in type(lister).spec.route.names}
    person = item.get("public_user_data")
    name = own_id(type(lister))
    if name == "user_id" and isinstance(person, Mapping):
        # A membership is named by its user and its organization; no action takes its own id.
        found["user_id"] = person.get("user_id")
    elif name:
        found[name] = item.get("id")
    return found


def own_id(kind: type[Action]) -> str | None:
    """The parameter that names a thing of an action's resource in the paths of its other actions."""
    alike = [other for other in EVERY_ACTION if other.spec.resource is kind.spec.resource]
    # What reads, changes or ends one thing names it; of a session only what revokes it does.
    named = [other for other in alike if other.spec.route.names and not other.spec.is_list]
    sure = [other for other in named if other.spec.reads_one or other.spec.removes or other.spec.updates]
    # The longest path: a membership is read from its organization's list, and removed by its user.
    longest = max(sure or named, key=lambda other: len(other.spec.route.names), default=None)
    return longest.spec.route.names[-1] if longest else None


def only_target(kind: type[Action]) -> str | None:
    """The one parameter that a bare list of ids or names fills; None if an action wants more than that."""
    if kind.spec.route.names:
        return kind.spec.route.names[-1]
    required = [item.name for item in kind.parameters().values() if item.required]
    return required[0] if len(required) == 1 else None
