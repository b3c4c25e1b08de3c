"""Lists: Clerk's two shapes made one, and the way from a page to the next."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import Action, Answers
from deskclerk.catalogue.action import items_of
from deskclerk.errors import ClerkError

if TYPE_CHECKING:
    from deskclerk.clerk.client import Clerk

_OF_THE_PAGE = ("limit", "offset", "starting_after", "order_by")
DEFAULT_LIMIT = 10
"""Clerk's page size when none is asked for."""
MOST = 500
REMEMBERED = 5_000
"""Items of which is known that they were given."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list, and how many there are in all where Clerk says so."""

    items: list[Any]
    total: int | None


def page_of(answer: Any) -> Page:
    """A page from a bare array or from `{data, total_count}`."""
    return Page(items_of(answer), answer.get("total_count") if isinstance(answer, Mapping) else None)


def following(action: Action, page: Page, shown: int | None = None) -> dict[str, Any] | None:
    """The arguments that continue after the first `shown` items of a page; None at the list's end.

    `starting_after` where Clerk has a cursor (users in `created_at` order), `offset` elsewhere.
    """
    count = len(page.items) if shown is None else shown
    offset = getattr(action, "offset", None) or 0
    limit = getattr(action, "limit", None) or (DEFAULT_LIMIT if action.spec.paged else MOST)
    if count == len(page.items):
        known_end = page.total is not None and offset + count >= page.total
        if known_end or (page.total is None and count < limit) or not page.items:
            return None
    if "starting_after" in action.parameters() and by_cursor(action):
        return {"starting_after": page.items[count - 1].get("id")}
    return {"offset": offset + count}


def by_cursor(action: Action) -> bool:
    """Whether a list of users can go on by cursor: `created_at` order, and no offset begun."""
    order = getattr(action, "order_by", None) or "created_at"
    return order.removeprefix("-") == "created_at" and not getattr(action, "offset", None)


async def every_page(action: Action, ask: Callable[[Action], Awaitable[Any]]) -> AsyncIterator[Page]:
    """Every page of a list from the action's own place on, in their order.

    The next page is asked for while this one is used. An item that shifts onto the next page because
    others were added meanwhile is not given twice, as long as fewer than REMEMBERED were.
    """
    if not getattr(action, "limit", None) and "limit" in action.parameters():
        # Clerk's largest page: fewer requests of the rate budget for the same list.
        action = action.model_copy(update={"limit": MOST})
    # In the order in which they came: the list may be longer than what memory holds.
    seen: dict[Any, None] = {}
    asked = asyncio.ensure_future(ask(action))
    try:
        while True:
            page = page_of(await asked)
            onward = following(action, page) if action.spec.paged else None
            if onward is not None:
                action = action.model_copy(update=onward)
                asked = asyncio.ensure_future(ask(action))
            # With offsets, whatever is added in front while one pages moves an item onto the next page.
            fresh = [item for item in page.items if item.get("id") not in seen]
            seen.update(dict.fromkeys(item["id"] for item in fresh if "id" in item))
            for old in [*itertools.islice(seen, max(0, len(seen) - REMEMBERED))]:
                del seen[old]
            yield Page(fresh, page.total)
            if onward is None:
                return
    finally:
        # Whoever has seen enough does not wait for what was asked ahead.
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError, ClerkError):
            await asked


async def count(clerk: "Clerk", action: Action) -> Any:
    """How many things a list's filters find, from the place where Clerk counts them."""
    route = action.spec.counted_at
    assert route is not None  # noqa: S101 - asked before
    plain = action.model_copy(update=dict.fromkeys(_OF_THE_PAGE))
    request = replace(plain.request_to(route), answers=Answers("total_count"))
    answer = await clerk.send(request, name=action.spec.name)
    return answer.get("total_count") if isinstance(answer, Mapping) else None
