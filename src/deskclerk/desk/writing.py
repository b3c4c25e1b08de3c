"""How a signed write is carried out: intent on disk, one request, outcome on disk, answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.answers import Heard
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Caller
from deskclerk.desk.found import DONE, UNKNOWN
from deskclerk.desk.handovers import Handovers
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.secrets import Secrets
from deskclerk.desk.settle import Settling
from deskclerk.desk.signing import Signed
from deskclerk.desk.view import Answer, show
from deskclerk.errors import ClerkError, DeskclerkError, OutcomeUnknown
from deskclerk.settings import Settings


class Writing:
    """Carries writes to one instance; the caller may go away meanwhile, the write does not."""

    def __init__(
        self, settings: Settings, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._settling = Settling(instance, journal, clerk)
        self._secrets = Secrets(settings.data)
        self.handovers = Handovers(settings.data / "handover", to_console=settings.handover == "console")
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def write(self, action: Action, caller: Caller, signed: Signed) -> Answer:
        """Send a write that may be sent; raises what Clerk refused, or OutcomeUnknown."""
        task = asyncio.create_task(self._write(action, caller, signed))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        # A caller that goes away does not tear a write apart: it ends, and is journalled.
        return await asyncio.shield(task)

    async def end(self) -> None:
        """Wait for the writes under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        """Forget a write; if its caller went away, nobody else takes its error (it is journalled)."""
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()

    async def _write(self, action: Action, caller: Caller, signed: Signed) -> Answer:
        clerk = await self._clerk()
        try:
            ready = self._secrets.resolve(action)
        except DeskclerkError as error:
            await self._journal.refused(self._instance, caller, action, error, signed.plan)
            raise
        found_out: tuple[str, ...] = ()
        entry = await self._journal.intent(self._instance, caller, action, signed)
        heard = Heard()
        try:
            answer = await clerk.perform(ready, heard)
        except OutcomeUnknown as error:
            answer, found_out = await self._read_back(entry, error)
        except ClerkError as error:
            await self._journal.outcome(entry, error.kind, error)
            raise
        except BaseException:
            await self._journal.outcome(entry, UNKNOWN)
            raise
        else:
            await self._journal.outcome(entry, DONE, heard, answer)
        rest, notes = await self.handovers.keep(answer)
        view = show(action, rest, self._settings.answer_characters)
        return Answer(view.value, view.notes + notes + found_out)

    async def _read_back(self, entry: dict[str, Any], error: OutcomeUnknown) -> tuple[Any, tuple[str, ...]]:
        """The answer to a write whose own answer was lost, where reading proves that it was done."""
        found, failure = await self._settling.after_loss(entry, error)
        if found.outcome != DONE:
            await self._journal.outcome(entry, found.outcome, error, note=found.note)
            raise failure
        await self._journal.outcome(entry, DONE, error, found.after, found.note)
        return found.after, (f"Clerk's answer was lost; reading shows that it was done: {found.note}",)
