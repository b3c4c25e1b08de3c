"""How a read is carried out: one request, a line in the journal, and what the asker may see of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.answers import ResponseInfo
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import count, every_page, following, page_of
from deskclerk.desk.caller import MODELS, Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE
from deskclerk.desk.secrets.handovers import Handovers
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.view.answers import EVERYTHING, UNBOUNDED, Answer, show
from deskclerk.errors import ClerkError


class Reads:
    """Carries reads to one instance; an answer is cut to so many characters."""

    def __init__(
        self,
        budget: int,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        *,
        secrets: Secrets,
        handovers: Handovers,
    ) -> None:
        self._budget = budget
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._secrets = secrets
        self._handovers = handovers

    async def read(self, action: Action, caller: Caller) -> Answer:
        """One answer; ClerkError if there is none."""
        for_model = caller.face == MODELS
        answer, notes = await self._answer(action, caller, for_model=for_model)
        shown = show(action, answer, self._budget, for_model=for_model)
        return Answer(shown.value, shown.notes + notes)

    async def compare(self, action: Action, caller: Caller) -> tuple[Answer, Answer]:
        """One answer in full, and in the form in which a model is shown it that asks for the same."""
        answer, notes = await self._answer(action, caller, for_model=True)
        whole = show(action.model_copy(update={"fields": [EVERYTHING]}), answer, UNBOUNDED)
        shown = show(action, answer, self._budget, for_model=True)
        return whole, Answer(shown.value, shown.notes + notes)

    async def _answer(
        self, action: Action, caller: Caller, *, for_model: bool
    ) -> tuple[Any, tuple[str, ...]]:
        """Clerk's answer without what is handed over, journalled, and what there is to say of it."""
        clerk, info = await self._clerk(), ResponseInfo()
        notes: tuple[str, ...] = ()
        # A password or a token that is asked about is a secret too: its value goes to Clerk and nowhere else.
        ready = await self._secrets.resolve(action)
        try:
            answer = await self._ask(clerk, ready, info)
            if for_model and action.spec.counted_at:
                answer, notes = await _with_total(clerk, action, answer)
        except ClerkError as error:
            # A read that fails is journalled too: somebody may be looking for what they must not see.
            await self._journal.read(self._instance, caller, action, error.kind, error)
            raise
        await self._journal.read(self._instance, caller, action, DONE, info)
        rest, handed = await self._handovers.keep(answer, action.spec.hands_over)
        return rest, notes + handed

    async def _ask(self, clerk: Clerk, action: Action, info: ResponseInfo) -> Any:
        """Clerk's answer; of a list of none its total alone."""
        only_count = action.spec.is_list and getattr(action, "limit", None) == 0
        if not (only_count and action.spec.paged):
            return await clerk.perform(action, info)
        if action.spec.counted_at:
            return {"data": [], "total_count": await count(clerk, action)}
        # Clerk takes no page of none: what comes with the smallest is its total.
        smallest = {"limit": 1} | ({"paginated": True} if "paginated" in action.parameters() else {})
        page = page_of(await clerk.perform(action.model_copy(update=smallest), info))
        return {"data": [], "total_count": page.total}

    async def pages(self, action: Action, caller: Caller) -> AsyncIterator[Answer]:
        """Every page of a list, uncut: who asks for all is a program or an export, not a model."""
        clerk = await self._clerk()
        async for page in every_page(action, clerk.perform):
            # In Clerk's own shape, so that the view treats a page of many like a page of one.
            shape = {"data": page.items, "total_count": page.total}
            await self._journal.read(self._instance, caller, action, DONE)
            rest, handed = await self._handovers.keep(shape, action.spec.hands_over)
            shown = show(action, rest, budget=UNBOUNDED)
            yield Answer(shown.value, shown.notes + handed)


async def _with_total(clerk: Clerk, action: Action, answer: Any) -> tuple[Any, tuple[str, ...]]:
    """A list with how many there are in all: counted by Clerk only where the page does not show it."""
    page = page_of(answer)
    if page.total is not None:
        return answer, ()
    if not following(action, page) and not getattr(action, "starting_after", None):
        total = (getattr(action, "offset", None) or 0) + len(page.items)
        return {"data": page.items, "total_count": total}, ()
    try:
        return {"data": page.items, "total_count": await count(clerk, action)}, ()
    except ClerkError as error:
        # What was asked for is there: that it could not be counted beside it is said and no failure.
        return answer, (f"How many there are in all could not be found out: {error.message}",)
