"""Ban and unban, lock and unlock: each takes the other back."""

from typing import Any

from deskclerk.catalogue import BY_NAME
from deskclerk.desk.states import SWITCHES
from deskclerk.desk.undo.found import Event, Inverse, ids_of, kind_of, nothing, seen_before

STATES = frozenset(SWITCHES) - {"revoke"}
"""The verbs that switch a state and can switch it back."""

_NOTES = {
    "ban": "Sessions that the ban ended stay ended: the user signs in again.",
    "unban": "Sessions that the user began since then end.",
    "lock": "",
    "unlock": "The new lock lasts as long as a lock does here, not what was left of the old one.",
}


def inverse_of_state(intent: Event, current: dict[str, Any] | None) -> Inverse:
    """The opposite, if the write changed the state and it still is what the write left."""
    spec = kind_of(intent).spec
    field, value = SWITCHES[spec.verb]
    word = field if value else f"not {field}"
    if current is None:
        return nothing("The user is gone: there is nothing to undo.")
    if seen_before(intent).get(field) is value:
        return nothing(f"The user was {word} before already: the write changed nothing.")
    if current.get(field) is not value:
        return nothing(f"The user is no longer {word}: there is nothing to undo.")
    notes = (_NOTES[spec.verb],) if _NOTES[spec.verb] else ()
    return Inverse(BY_NAME[spec.undo or ""].parse(ids_of(intent)), notes)
