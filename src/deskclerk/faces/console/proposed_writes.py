"""Writes that were asked for in a console: whoever signs one in a console has it carried out."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from deskclerk.catalogue import EVERY_BY_NAME, Action
from deskclerk.desk import Answer, Caller, Desk
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.plans.store import StoredPlan
from deskclerk.errors import InvalidRequest
from deskclerk.faces.console.sessions import CALLER

_MOST = 200


class ProposedWrites:
    """What the plans of consoles stand for.

    What was asked for in this one is in memory, of too many the oldest let go. A plan that another console
    asked for is carried out from what is stored of it, which is all but secrets and files; with such a one
    whoever asked has to ask again once it is signed.
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

    def has(self, stored: StoredPlan) -> bool:
        """Whether a plan was asked for in a console that can carry it out, as far as this one knows."""
        return stored.plan.id in self._asked or self._kept(stored) is not None

    async def carry_out(self, stored: StoredPlan) -> None:
        """Do what a signed plan stands for, if a console asked for it."""
        # Taken out before it runs: a second click finds nothing to do.
        if run := self._asked.pop(stored.plan.id, None):
            await run()
        elif action := self._kept(stored):
            # By its plan: what is stored has to be what was signed, to the letter.
            await self._desk.perform(action, caller=stored.caller, plan_id=stored.plan.id)

    def _kept(self, stored: StoredPlan) -> Action | None:
        """The action of a console's plan, where its plan holds all of it."""
        if stored.caller.face != CALLER.face or stored.plan.job or stored.instance != self._desk.instance.id:
            return None
        try:
            action = EVERY_BY_NAME[stored.plan.action].parse(dict(stored.plan.arguments))
        except InvalidRequest:  # the mark in the place of a secret or a file
            return None
        return None if action.withheld() else action

    async def _stand(self, plan: Plan | None, run: Callable[[], Awaitable[Answer]]) -> Plan | Answer:
        if plan is None:
            return await run()
        self._asked.pop(plan.id, None)
        while len(self._asked) >= _MOST:
            self._asked.pop(next(iter(self._asked)))
        self._asked[plan.id] = run
        return plan
