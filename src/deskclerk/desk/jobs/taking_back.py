"""What takes a job back: the inverse of each of its items that was done, the last one first."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.inverse import kind_of
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.many import AT_ONCE, look_at_many
from deskclerk.desk.jobs.drafts import Known
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE
from deskclerk.desk.undo.engine import inverse
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import NotFound


async def inverses(
    job_id: str, journal: Journal, clerk: Clerk, may: Callable[[type[Action]], None]
) -> AsyncIterator[Known]:
    """Each inverse with the entry that it takes back; of what cannot come back the write itself, and why.

    `may` raises NotAllowed for an action that the caller may not ask for.
    """
    before = 0
    while entries := await journal.job_entries(job_id, before, AT_ONCE, back=True):
        before = entries[-1]["intent"]["seq"]
        done = [entry for entry in entries if entry["outcome"] and entry["outcome"]["outcome"] == DONE]
        plain = [entry["intent"] for entry in done if not kind_of(entry["intent"]).spec.creates]
        # Looked at a hundred at a time; a creation is looked for by what it made.
        seen = await look_at_many([_again(intent) for intent in plain], clerk)
        now = {intent["entry"]: found for intent, found in zip(plain, seen, strict=True)}
        for entry in done:
            intent, outcome = entry["intent"], entry["outcome"]
            if await journal.taken_back_by(intent["entry"]):
                yield Known(_again(intent), left_out="taken back already")
                continue
            if intent["entry"] in now:
                found = now[intent["entry"]]
                current = found[0] if found else None
            else:
                current = await _current(intent, outcome, clerk)
            back = inverse(intent, outcome, current)
            if back.action is None:
                why = f": {line_of(back.cannot[0], 200)}" if back.cannot else ""
                yield Known(_again(intent), left_out=f"cannot be taken back{why}")
                continue
            may(type(back.action))
            notes = tuple(line_of(note, 200) for note in (*back.notes, *back.cannot))
            yield Known(back.action, intent["entry"], notes=notes)


def _again(intent: Mapping[str, Any]) -> Action:
    """The action of a journalled write, for looking at its target: without checks, secrets are marks."""
    return kind_of(intent).model_construct(**intent["arguments"])


async def _current(intent: Mapping[str, Any], outcome: Mapping[str, Any], clerk: Clerk) -> Any:
    try:
        return await consequences_of(kind_of(intent)).current(intent, outcome, clerk)
    except NotFound:
        return None
