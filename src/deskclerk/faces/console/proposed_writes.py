"""Writes that were asked for in this console: whoever signs one here has it carried out."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.desk import Answer, Caller, Desk
from deskclerk.desk.plans.plan import Plan

_MOST = 200


class ProposedWrites:
    """What the plans of this console stand for, in memory; of too many the oldest is let go.

    What is let go is still signed like any plan; asking for the same again then carries it out.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked: dict[str, Callable[[], Awaitable[Answer]]] = {}

    async def ask(self, action: Action, caller: Caller) -> Plan | Answer:
        """The plan of a write, or its answer where nobody has to sign it, or has already."""
        run = partial(self._desk.perform, action, caller=caller)
        return await self._stand(await self._desk.propose(action, caller), run)

    async def take_back(
        self, entry_id: str, caller: Caller, given: Mapping[str, Any], *, again: bool
    ) -> Plan | Answer:
        """The same for taking a journalled write back; CannotUndo as the desk's `undo`."""
        more: dict[str, Any] = {"caller": caller, "again": again, "given": given}
        plan = await self._desk.propose_undo(entry_id, **more)
        return await self._stand(plan, partial(self._desk.undo, entry_id, **more))

    def has(self, plan_id: str) -> bool:
        """Whether a plan was asked for here and has not been carried out."""
        return plan_id in self._asked

    async def carry_out(self, plan_id: str) -> None:
        """Do what a signed plan stands for, if it was asked for here."""
        # Taken out before it runs: a second click finds nothing to do.
        run = self._asked.pop(plan_id, None)
        if run:
            await run()

    async def _stand(self, plan: Plan | None, run: Callable[[], Awaitable[Answer]]) -> Plan | Answer:
        if plan is None:
            return await run()
        self._asked.pop(plan.id, None)
        while len(self._asked) >= _MOST:
            self._asked.pop(next(iter(self._asked)))
        self._asked[plan.id] = run
        return plan
