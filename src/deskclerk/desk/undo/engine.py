"""Which entries of the journal can be taken back at all, and the inverse of one that can."""

import json
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import READ, Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.inverse import Event, Inverse, kind_of
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE, ENDINGS, UNKNOWN
from deskclerk.desk.misses import missed
from deskclerk.desk.plans.plan import TakesBack
from deskclerk.desk.view.cleaning import clean, clean_text
from deskclerk.errors import CannotUndo, NotFound, OutcomeUnknown

_UNKNOWN = (UNKNOWN, OutcomeUnknown.kind)


@dataclass(frozen=True, slots=True)
class Reversal:
    """An inverse that can be performed, and what it takes back."""

    action: Action
    takes_back: TakesBack


class UndoEngine:
    """Finds the inverses of one instance's writes."""

    def __init__(self, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]) -> None:
        self._instance = instance
        self._journal = journal
        self._clerk = clerk

    async def find(self, entry_id: str, *, again: bool, given: Mapping[str, Any]) -> Reversal:
        """The inverse of an entry; CannotUndo says why there is none, and what comes nearest."""
        intent, outcome = await self._done_write(entry_id)
        undone = None if again else await self._journal.taken_back_by(entry_id)
        if undone:
            raise CannotUndo(
                f"This was taken back already, by {undone}.",
                next_step="--again takes it back once more; undoing that entry restores it.",
            )
        found = inverse(intent, outcome, await self._current(intent, outcome), given)
        if found.action is None:
            raise _refusal(intent, found)
        # What does not come back stands in the plan too: a person signs knowing it.
        notes = (_title(intent), *_lines(found.notes + found.cannot))
        return Reversal(found.action, TakesBack(entry_id, notes))

    async def _current(self, intent: Event, outcome: Event) -> dict[str, Any] | None:
        """The target as it is now; None if it is not there."""
        try:
            return await consequences_of(kind_of(intent)).current(intent, outcome, await self._clerk())
        except NotFound:
            return None

    async def _done_write(self, entry_id: str) -> tuple[Event, Event]:
        rows = await self._journal.records_of(entry_id)
        if not rows:
            missed(entry_id)
            where = self._journal.where("journal", "Activity")
            raise CannotUndo("The journal has no such entry.", next_step=f"{where} lists them.")
        first, outcome = rows[0], _ending(rows)
        # Each no has its own sentence: whoever asks wants to know what to do instead.
        if first["effect"] == READ:
            raise CannotUndo("That was a read: it changed nothing.")
        if first["kind"] != "intent":
            raise CannotUndo("That was not sent: it changed nothing.")
        if first["instance"] != self._instance.id:
            raise CannotUndo(
                "That was a write to another instance.", next_step="Undo it with that instance's key."
            )
        if outcome is None or outcome["outcome"] in _UNKNOWN:
            raise CannotUndo(
                "Whether that write happened is not known.",
                next_step="Read its target; once the journal says how it ended it can be undone.",
            )
        if outcome["outcome"] != DONE:
            raise CannotUndo(
                f"That was not done: it ended with {outcome['outcome']}.",
                next_step="If it was more than one request, read the target: the first may have been done.",
            )
        return first, outcome


def inverse(
    intent: Event,
    outcome: Event,
    current: dict[str, Any] | None,
    given: Mapping[str, Any] | None = None,
) -> Inverse:
    """What takes a done write back, without I/O.

    `current` is the target as it is now, None if it is not there; of a removed thing, what has taken
    its place. `given` holds what only a person can add: `notify`, and secrets as `secret:NAME`.
    """
    return consequences_of(kind_of(intent)).inverse(intent, outcome, current, given or {})


def _ending(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How a write ended, as last found out."""
    return next((row for row in reversed(rows) if row["kind"] in ENDINGS), None)


def _title(intent: Event) -> str:
    target = f" ({intent['target']})" if intent["target"] else ""
    return _line(f"Takes back {intent['entry']}: {kind_of(intent).spec.heading.lower()}{target}.")


def _refusal(intent: Event, found: Inverse) -> CannotUndo:
    offer = _offered(found.offer) if found.offer else None
    step = found.nearest
    if offer:
        # As a command, since the person who reads it has a terminal; quoted, since names are anybody's words.
        words = ["deskclerk", "call", offer["action"], json.dumps(offer["arguments"], ensure_ascii=False)]
        step = f"{step} Ready to run: {shlex.join(words)}"
    heading, reasons = kind_of(intent).spec.heading, _lines(found.cannot)
    return CannotUndo(
        f"{heading} cannot be undone. {' '.join(reasons)}", reasons=reasons, offer=offer, next_step=step
    )


def _offered(action: Action) -> dict[str, Any]:
    return {"action": action.spec.name, "arguments": clean(action.arguments())}


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_line, texts))


def _line(text: str) -> str:
    """One line without anything hidden: keys of metadata are somebody's words."""
    return " ".join(clean_text(text).split())
