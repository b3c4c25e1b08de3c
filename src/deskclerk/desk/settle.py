"""Finds out, by reading Clerk, how writes ended whose answers nobody has."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from deskclerk.clerk.client import Clerk
from deskclerk.desk.evidence import find_out
from deskclerk.desk.found import DONE, NOT_DONE, TOO_SOON, UNKNOWN, Found
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.lines import now
from deskclerk.errors import ClerkError, ClerkUnavailable, OutcomeUnknown

STILL_UNDER_WAY = 60_000
"""Milliseconds for which a request whose asker died may still be carried out by Clerk."""
WAITS = (0.0, 0.3, 1.0)
"""Seconds before each look after a lost answer."""
_ENDED = (500, 503)
"""Answers after which Clerk is through with a request; behind other 5xx it may still be under way."""


class Settling:
    """Settles the writes of one instance."""

    def __init__(self, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]) -> None:
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._one_at_a_time = asyncio.Lock()
        self._settled = False

    async def once(self) -> None:
        """Before the first write: what this process sends could hide what an earlier one did."""
        if not self._settled:
            await self.orphans()

    async def orphans(self) -> list[dict[str, Any]]:
        """Settle the open intents of processes that are gone; the lines that were added.

        What cannot be read now stays open for the next start.
        """
        async with self._one_at_a_time:
            self._settled = True
            return await self._orphans()

    async def _orphans(self) -> list[dict[str, Any]]:
        added = []
        waiting = await self._journal.open_intents(self._instance)
        for owner in {intent["owner"] for intent in waiting}:
            with self._journal.gone(owner) as gone:
                if not gone:
                    continue
                for intent in await self._journal.open_intents(self._instance, owner):
                    line = await self._orphan(intent)
                    if line:
                        added.append(line)
        return added

    async def after_loss(self, intent: dict[str, Any], error: OutcomeUnknown) -> tuple[Found, ClerkError]:
        """After a lost answer: what some looks say, and the error that tells it where it is no yes."""
        found = Found(UNKNOWN, "Clerk could not be read.")
        for wait in WAITS:
            await asyncio.sleep(wait)
            try:
                found = await self._judge(intent)
            except ClerkError:
                continue
            if found.outcome == DONE:
                break
        if found.outcome == NOT_DONE and error.status not in _ENDED:
            found = replace(
                found, outcome=UNKNOWN, note=f"Not done so far, but it may still be under way. {found.note}"
            )
        if found.outcome == NOT_DONE:
            return found, ClerkUnavailable(
                f"Clerk failed (HTTP {error.status}), and reading shows that it did not happen: {found.note}",
                next_step="It can be asked for again.",
                status=error.status,
                trace_id=error.trace_id,
            )
        error.message += f" Reading it back: {found.note}"
        return found, error

    async def _orphan(self, intent: dict[str, Any]) -> dict[str, Any] | None:
        try:
            found = await self._judge(intent)
        except ClerkError:
            return None
        age = now() - intent["at"]
        if found.outcome == NOT_DONE and age < STILL_UNDER_WAY:
            seconds = f"Not done {age // 1000} s after it was asked for; it may still have been under way."
            found = Found(UNKNOWN, f"{seconds} {found.note}", code=TOO_SOON)
        return await self._journal.settled(intent, found)

    async def _judge(self, intent: Mapping[str, Any]) -> Found:
        found = await find_out(intent, await self._clerk())
        if found.outcome != UNKNOWN and await self._others(intent):
            note = f"Other writes to the same target are journalled, so this proves nothing: {found.note}"
            return Found(UNKNOWN, note)
        return found

    async def _others(self, intent: Mapping[str, Any]) -> bool:
        """Whether other writes since then could have made what is there now."""
        mine = _ids(intent)
        for other in await self._journal.intents_since(self._instance, intent["at"]):
            if other["entry"] == intent["entry"]:
                continue
            twin = (other["action"], other["arguments"]) == (intent["action"], intent["arguments"])
            if twin or mine & _ids(other):
                return True
        return False


def _ids(intent: Mapping[str, Any]) -> set[str]:
    """The things that a write names."""
    named = {intent["arguments"].get(name) for name in ("user_id", "organization_id")}
    return {name for name in (*named, *(intent["target"] or "").split("/")) if name}
