"""How a read is carried out: one request, a line in the journal, and what the asker may see of it."""

from collections.abc import AsyncIterator, Awaitable, Callable

from deskclerk.catalogue import Action
from deskclerk.clerk.answers import ResponseInfo
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import every_page
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE
from deskclerk.desk.view.answers import UNBOUNDED, Answer, show
from deskclerk.errors import ClerkError


class Reads:
    """Carries reads to one instance; an answer is cut to so many characters."""

    def __init__(
        self, budget: int, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]
    ) -> None:
        self._budget = budget
        self._instance = instance
        self._journal = journal
        self._clerk = clerk

    async def read(self, action: Action, caller: Caller) -> Answer:
        """One answer; ClerkError if there is none."""
        clerk, info = await self._clerk(), ResponseInfo()
        try:
            answer = await clerk.perform(action, info)
        except ClerkError as error:
            # A read that fails is journalled too: somebody may be looking for what they must not see.
            await self._journal.read(self._instance, caller, action, error.kind, error)
            raise
        await self._journal.read(self._instance, caller, action, DONE, info)
        return show(action, answer, self._budget)

    async def pages(self, action: Action, caller: Caller) -> AsyncIterator[Answer]:
        """Every page of a list, uncut: who asks for all is a program or an export, not a model."""
        clerk = await self._clerk()
        async for page in every_page(action, clerk.perform):
            # In Clerk's own shape, so that the view treats a page of many like a page of one.
            shape = {"data": page.items, "total_count": page.total}
            await self._journal.read(self._instance, caller, action, DONE)
            yield show(action, shape, budget=UNBOUNDED)
