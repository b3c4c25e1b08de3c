"""How a read is carried out: one request, a line in the journal, and what the asker may see of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from deskclerk.catalogue import Action, Answers
from deskclerk.clerk.answers import ResponseInfo
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import Page, every_page, following, page_of
from deskclerk.desk.caller import MODELS, Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE
from deskclerk.desk.view.answers import UNBOUNDED, Answer, show
from deskclerk.errors import ClerkError

_OF_THE_PAGE = ("limit", "offset", "starting_after", "order_by")


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
            answer = await self._ask(clerk, action, info, for_model=caller.face == MODELS)
        except ClerkError as error:
            # A read that fails is journalled too: somebody may be looking for what they must not see.
            await self._journal.read(self._instance, caller, action, error.kind, error)
            raise
        await self._journal.read(self._instance, caller, action, DONE, info)
        return show(action, answer, self._budget, for_model=caller.face == MODELS)

    async def _ask(self, clerk: Clerk, action: Action, info: ResponseInfo, *, for_model: bool) -> Any:
        """Clerk's answer; of a list also its total, where that is asked for or a model would miss it."""
        only_count = action.spec.is_list and getattr(action, "limit", None) == 0
        if only_count and action.spec.paged:
            if action.spec.counted_at:
                return {"data": [], "total_count": await _count(clerk, action)}
            # Clerk takes no page of none: what comes with the smallest is its total.
            page = page_of(await clerk.perform(action.model_copy(update={"limit": 1}), info))
            return {"data": [], "total_count": len(page.items) if page.total is None else page.total}
        answer = await clerk.perform(action, info)
        if for_model and action.spec.counted_at:
            page = page_of(answer)
            if page.total is None:
                return {"data": page.items, "total_count": await _total(clerk, action, page)}
        return answer

    async def pages(self, action: Action, caller: Caller) -> AsyncIterator[Answer]:
        """Every page of a list, uncut: who asks for all is a program or an export, not a model."""
        clerk = await self._clerk()
        async for page in every_page(action, clerk.perform):
            # In Clerk's own shape, so that the view treats a page of many like a page of one.
            shape = {"data": page.items, "total_count": page.total}
            await self._journal.read(self._instance, caller, action, DONE)
            yield show(action, shape, budget=UNBOUNDED)


async def _total(clerk: Clerk, action: Action, page: Page) -> Any:
    """How many there are in all: counted by Clerk only where the page does not show it."""
    if following(action, page) or getattr(action, "starting_after", None):
        return await _count(clerk, action)
    return (getattr(action, "offset", None) or 0) + len(page.items)


async def _count(clerk: Clerk, action: Action) -> Any:
    """How many things a list's filters find, from the place where Clerk counts them."""
    route = action.spec.counted_at
    assert route is not None  # noqa: S101 - asked before
    plain = action.model_copy(update=dict.fromkeys(_OF_THE_PAGE))
    request = replace(plain.request_to(route), answers=Answers("total_count"))
    answer = await clerk.send(request, name=action.spec.name)
    return answer.get("total_count") if isinstance(answer, Mapping) else None
