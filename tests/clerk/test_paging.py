"""Following a list: the next page is asked for ahead, in order, and nothing twice."""

import asyncio

import pytest

from deskclerk.catalogue import ListOrganizations, ListUsers
from deskclerk.clerk import paging
from deskclerk.clerk.paging import every_page

pytestmark = pytest.mark.anyio


class Pages:
    """Answers pages of numbered items, and remembers what was asked when."""

    def __init__(self, count, size=2):
        self.items, self.size, self.asked = [{"id": f"x_{number}"} for number in range(count)], size, []

    async def __call__(self, action):
        self.asked.append(action)
        after = getattr(action, "starting_after", None)
        start = int(after.partition("_")[2]) + 1 if after else action.offset or 0
        await asyncio.sleep(0)
        return self.items[start : start + self.size]


async def test_the_next_page_is_asked_for_while_one_is_used():
    pages, given = Pages(5), []
    async for page in every_page(ListUsers(limit=2), pages):
        await asyncio.sleep(0)
        given.append((len(pages.asked), [item["id"] for item in page.items]))
    assert given == [(2, ["x_0", "x_1"]), (3, ["x_2", "x_3"]), (3, ["x_4"])]


async def test_who_has_seen_enough_leaves_nothing_under_way():
    pages, before = Pages(9), asyncio.all_tasks()
    found = every_page(ListUsers(limit=2), pages)
    async for _ in found:
        break
    await found.aclose()
    assert len(pages.asked) <= 2
    assert asyncio.all_tasks() == before


async def test_what_moves_to_the_next_page_is_not_given_twice_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(paging, "REMEMBERED", 4)

    class Growing(Pages):
        async def __call__(self, action):
            answer = await super().__call__(action)
            if len(self.asked) < 4:
                self.items.insert(0, {"id": f"new_{len(self.items)}"})
            return {"data": answer, "total_count": len(self.items)}

    pages, given = Growing(6), []
    async for page in every_page(ListOrganizations(limit=2), pages):
        given += [item["id"] for item in page.items]
    assert len(given) == len(set(given))
    assert {f"x_{number}" for number in range(6)} <= set(given)
