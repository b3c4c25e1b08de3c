"""The desk: the one path that every request takes, whoever asks."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from deskclerk.catalogue import READ, Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Approver, Caller, Progress, Signature
from deskclerk.desk.choice import Choice
from deskclerk.desk.doors import Doors
from deskclerk.desk.instance import Instance, open_clerk
from deskclerk.desk.journal import Journal
from deskclerk.desk.limits import Limits
from deskclerk.desk.plan import Plan
from deskclerk.desk.plans import Stored
from deskclerk.desk.policy import Policy
from deskclerk.desk.pulse import Pulse, pulse_of
from deskclerk.desk.reading import Reading
from deskclerk.desk.secrets import Secrets
from deskclerk.desk.settle import Settling
from deskclerk.desk.signer import Rules, Signer
from deskclerk.desk.signing import Asked, Signing
from deskclerk.desk.undo import Found, Undoing
from deskclerk.desk.view import Answer
from deskclerk.desk.writing import Writing
from deskclerk.errors import DeskclerkError
from deskclerk.settings import Settings

if TYPE_CHECKING:
    from deskclerk.desk.chain import Check

PYTHON = Caller("python")


class Desk:
    """Validates, asks a person where needed, journals, carries to Clerk, and answers briefly.

    Open one with `async with Desk.open() as desk:`; one desk serves any number of callers at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        approver: Approver | None = None,
        caller: Caller = PYTHON,
        clerk: Clerk | None = None,
    ) -> None:
        settings.check()
        self.settings = settings
        self.instance = Instance.of(settings)
        self.policy = Policy(settings)
        self._approver = approver
        self._caller = caller
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._clerk = clerk
        self._journal = Journal(settings.data / "desk.db", settings.database)
        self.secrets = Secrets(settings.data, settings.secrets)
        self._limits = Limits(settings, self.instance, self._journal, self._open_clerk)
        self.signer = Signer(self._journal)
        self.doors = Doors(self._journal, self.instance)
        self._signing = Signing(settings, self.instance, self._journal, self._open_clerk, self.signer)
        self._reading = Reading(settings.answer_characters, self.instance, self._journal, self._open_clerk)
        self._writing = Writing(settings, self.instance, self._journal, self._open_clerk)
        self.handovers = self._writing.handovers
        self._settling = Settling(self.instance, self._journal, self._open_clerk)
        self._undoing = Undoing(self.instance, self._journal, self._open_clerk)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings | None = None,
        *,
        approver: Approver | None = None,
        caller: Caller = PYTHON,
        clerk: Clerk | None = None,
    ) -> AsyncIterator[Self]:
        """A desk on the settings in force; nothing is opened before the first request needs it.

        `approver` asks a person to sign a write; without one, writes that need a signature end with
        ApprovalNeeded. `clerk` is a client in place of the one that the settings name; it stays open.
        """
        async with cls(settings or Settings.load(), approver=approver, caller=caller, clerk=clerk) as desk:
            yield desk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the writes under way, then lets go of everything."""
        await self._writing.end()
        self.handovers.save()
        await self._journal.close()
        await self._stack.aclose()

    def actions(self, caller: Caller | None = None) -> tuple[type[Action], ...]:
        """The actions that the policy in force offers to a caller."""
        return self.policy.offered(caller or self._caller)

    async def perform(
        self,
        action: Action,
        *,
        caller: Caller | None = None,
        approver: Approver | None = None,
        plan_id: str | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """Carry out one action; what the asker may be shown of Clerk's answer.

        `plan_id` names a plan made by `propose`, which `approver` then has signed instead of a new one.
        `progress` is told while the call waits for a signature from elsewhere (see `sign`).

        Raises:
            DeskclerkError: one of its subclasses; each says what to do next.
        """
        caller = caller or self._caller
        await self._check(action, caller)
        if action.spec.effect is READ:
            return await self._reading.read(action, caller)
        await self._settling.once()
        asked = Asked(action, caller, approver or self._approver, plan_id, None, progress)
        return await self._writing.write(action, caller, await self._signing.signed(asked))

    async def undo(
        self,
        entry_id: str,
        *,
        caller: Caller | None = None,
        approver: Approver | None = None,
        again: bool = False,
        given: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """Take a journalled write back, signed like any write; the answer's notes say what remains.

        `again` does so although it was taken back already. `given` holds what only a person can add:
        `notify`, and a secret as `secret:NAME`.

        Raises:
            CannotUndo: why it does not come back, and what comes nearest.
        """
        caller = caller or self._caller
        found = await self._inverse(entry_id, caller, given, again=again)
        asking = approver or self._approver
        asked = Asked(found.action, caller, asking, None, found.takes_back, progress)
        answer = await self._writing.write(found.action, caller, await self._signing.signed(asked))
        return Answer(answer.value, found.takes_back.notes + answer.notes)

    async def propose(self, action: Action, caller: Caller | None = None) -> Plan | None:
        """A stored plan for a write that needs a signature; None if it needs none, or has one already."""
        caller = caller or self._caller
        await self._check(action, caller)
        if not self.policy.asks(action.spec.effect):
            return None
        await self._settling.once()
        return await self._signing.propose(Asked(action, caller))

    async def propose_undo(
        self,
        entry_id: str,
        *,
        caller: Caller | None = None,
        again: bool = False,
        given: Mapping[str, Any] | None = None,
    ) -> Plan | None:
        """A stored plan that takes a write back; `undo` with the same words performs it once it is signed.

        None if it needs no signature, or has one already; CannotUndo as `undo`.
        """
        caller = caller or self._caller
        found = await self._inverse(entry_id, caller, given, again=again)
        return await self._signing.propose(Asked(found.action, caller, takes_back=found.takes_back))

    async def waiting(self) -> list[Stored]:
        """The plans that wait for a person, of every instance, the newest first."""
        return await self._signing.plans.waiting()

    async def stored(self, plan_id: str) -> Stored:
        """A plan as it stands, of whatever instance; ApprovalRefused if there is none."""
        return await self._signing.plans.load(plan_id)

    def console_at(self, address: str | None) -> None:
        """Where plans can be signed in a browser, while a console runs; whoever waits is told."""
        self._signing.console = address

    async def signing_rules(self) -> Rules:
        """What a signature outside a client's dialogue wants here."""
        return await self.signer.rules(self.instance)

    async def signable(self, plan_id: str) -> Stored:
        """A plan that can be signed here; ApprovalRefused says why one cannot."""
        return await self._signing.deciding.open(plan_id)

    async def sign(
        self, plan_id: str, signature: Signature, *, pin: str = "", caller: Caller | None = None
    ) -> Plan:
        """A person's yes or no to a plan; the asker's next call, or one that waits, then carries it out.

        A yes wants the signer's PIN where one is set: `pin`, or the signature's own.
        """
        signature = replace(signature, pin=pin or signature.pin)
        return await self._signing.deciding.decide(plan_id, signature, caller or self._caller)

    async def pulse(self) -> Pulse:
        """What waits, and how far the journal has come: for pages that follow along."""
        return await pulse_of(self._journal)

    async def pages(self, action: Action, caller: Caller | None = None) -> AsyncIterator[Answer]:
        """Every page of a list, each as `perform` would show it."""
        caller = caller or self._caller
        await self._check(action, caller)
        async for answer in self._reading.pages(action, caller):
            yield answer

    async def recent(self, count: int = 20) -> list[dict[str, Any]]:
        """The journal's last events, the oldest of them first."""
        return await self._journal.recent(count)

    async def entries(self, choice: Choice, after: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The journal's entries that fit, oldest first: the last `limit`, or those behind line `after`."""
        return await self._journal.entries(choice, after, limit)

    async def daily(self, since: int) -> list[dict[str, Any]]:
        """How many reads, intents and refusals there were on each day: `{day, kind, count}`."""
        return await self._journal.daily(since)

    async def entry(self, entry_id: str) -> dict[str, Any] | None:
        """One entry of the journal: `{"intent": {...}, "outcome": {...} or None}`."""
        return await self._journal.entry(entry_id)

    async def taken_back_by(self, entry_id: str) -> str | None:
        """The entry that took this one back and stands."""
        return await self._undoing.taken_back_by(entry_id)

    async def verify(self, noted: str | None = None) -> "Check":
        """Go along the journal's chain; `noted` is a last line as `SEQ:HASH` that a person kept."""
        return await self._journal.verify(noted)

    async def settle(self) -> list[dict[str, Any]]:
        """Find out how writes ended whose process died; the lines that this added to the journal."""
        return await self._settling.orphans()

    async def _check(self, action: Action, caller: Caller) -> None:
        try:
            self.policy.check(type(action), caller)
            self.secrets.check(action, caller.face)
            if action.spec.effect is not READ:
                await self._limits.check(action)
        except DeskclerkError as error:
            await self._journal.refused(self.instance, caller, action, error)
            raise

    async def _inverse(
        self, entry_id: str, caller: Caller, given: Mapping[str, Any] | None, *, again: bool
    ) -> Found:
        await self._settling.once()
        found = await self._undoing.find(entry_id, again=again, given=given or {})
        await self._check(found.action, caller)
        return found

    async def _open_clerk(self) -> Clerk:
        async with self._opening:
            if self._clerk is None:
                self._clerk = await self._stack.enter_async_context(open_clerk(self.settings))
            return self._clerk
