"""The inverse of a journalled write, worked out from the journal and the current state, without I/O."""

from collections.abc import Mapping
from typing import Any

from deskclerk.desk.undo.creations import inverse_of_creation
from deskclerk.desk.undo.found import Event, Inverse, kind_of
from deskclerk.desk.undo.removals import inverse_of_removal
from deskclerk.desk.undo.states import STATES, inverse_of_state
from deskclerk.desk.undo.updates import inverse_of_update

__all__ = ["Inverse", "inverse"]


def inverse(
    intent: Event,
    outcome: Event,
    current: dict[str, Any] | None,
    given: Mapping[str, Any] | None = None,
) -> Inverse:
    """What takes a done write back.

    `current` is the target as it is now, None if it is not there; of a removed thing, what has taken
    its place. `given` holds what only a person can add: `notify`, and secrets as `secret:NAME`.
    """
    verb = kind_of(intent).spec.verb
    if verb in STATES:
        return inverse_of_state(intent, current)
    if verb == "update":
        return inverse_of_update(intent, outcome, current, given or {})
    if verb == "create":
        return inverse_of_creation(intent, outcome, current)
    return inverse_of_removal(intent, current, given or {})
