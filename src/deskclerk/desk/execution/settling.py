"""Finds out, by reading Clerk, how writes ended whose answers nobody has."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.evidence import Finding
from deskclerk.desk.consequences.lookup import find_out
from deskclerk.desk.consequences.targets import names_of_things
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE, NOT_DONE, TOO_SOON, UNKNOWN
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import ClerkError, ClerkUnavailable, OutcomeUnknown

_CLOCKS = 30_000
"""Milliseconds by which the clocks of two processes may differ: one notes a write, another tells its age."""
# Clerk is usually through within a second of a lost answer; a person waits behind this.
WAITS = (0.0, 0.3, 1.0)
"""Seconds before each look after a lost answer."""
_ENDED = (500, 503)
"""Answers after which Clerk is through with a request; behind other 5xx it may still be under way."""


def longest_under_way(clerk: Clerk) -> int:
    """Milliseconds after its intent for which a write whose process died may still happen."""
    return round(clerk.under_way_seconds * 1000) + _CLOCKS


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
        # Once a process, and not for reads: what an earlier one left open does not come back.
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
        # By process, since the lock that tells whether it is gone is the process's.
        for owner in {intent["owner"] for intent in waiting}:
            async with self._journal.gone(owner) as gone:
                if not gone:
                    continue
                # Asked again under the lock: another process may have settled them a moment ago.
                for intent in await self._journal.open_intents(self._instance, owner):
                    line = await self._orphan(intent)
                    if line:
                        added.append(line)
        return added

    async def own(self, intent: dict[str, Any]) -> None:
        """Settle an open intent of this very process, whose write is not under way any more."""
        async with self._one_at_a_time:
            await self._orphan(intent)

    async def after_loss(self, intent: dict[str, Any], error: OutcomeUnknown) -> tuple[Finding, ClerkError]:
        """After a lost answer: what some looks say, and the error that tells it where it is no yes."""
        found = Finding(UNKNOWN, "Clerk could not be read.")
        for wait in WAITS:
            await asyncio.sleep(wait)
            try:
                found = await self._judge(intent)
            except ClerkError:
                continue
            # A yes does not change any more; a no may, while Clerk is still at it.
            if found.outcome == DONE:
                break
        if found.outcome == NOT_DONE and error.status not in _ENDED:
            # After 500 and 503 Clerk has let go of a request; behind a gateway's error it may go on.
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
        # What was sent to a Clerk within the process that is gone went with it.
        too_soon = age < longest_under_way(await self._clerk())
        if found.outcome == NOT_DONE and too_soon and not self._instance.embedded:
            # A clock that was set back meanwhile tells nothing of the time in between.
            when = f"{age // 1000} s after it was asked for" if age >= 0 else "so far"
            note = f"Not done {when}; it may still have been under way. {found.note}"
            found = Finding(UNKNOWN, note, code=TOO_SOON)
        return await self._journal.settled(intent, found.outcome, found.after, found.note, found.code)

    async def _judge(self, intent: Mapping[str, Any]) -> Finding:
        found = await find_out(intent, await self._clerk())
        # A state proves nothing about one write where another could have made it.
        if found.outcome != UNKNOWN and await self._others(intent):
            note = f"Other writes to the same target are journalled, so this proves nothing: {found.note}"
            return Finding(UNKNOWN, note)
        return found

    async def _others(self, intent: Mapping[str, Any]) -> bool:
        """Whether other writes, under way then or later, could have made what is there now."""
        mine = names_of_things(intent)
        for other in await self._journal.intents_beside(self._instance, intent["seq"]):
            # The items of one job are about different things, whatever else they name in common.
            if intent["job"] and other["job"] == intent["job"]:
                continue
            # The very same write, asked for twice, names nothing in common when it creates.
            twin = (other["action"], other["arguments"]) == (intent["action"], intent["arguments"])
            if twin or mine & names_of_things(other):
                return True
        return False
