"""What is there of the targets of many writes, in as few requests as Clerk's lists allow.

What a single look asks by a `get` each is here a list that names up to a hundred ids, where the resource's
list can be asked so; where Clerk has a mere list, it is read once for all.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from deskclerk.catalogue import Action, sibling
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, page_of
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.targets import id_parameter, lister_of, parties_of
from deskclerk.errors import NotFound

AT_ONCE = 100
"""Ids that one list request may name; Clerk's bound."""
_SIDE_BY_SIDE = 8

Seen = list[dict[str, Any]] | None
"""What was seen of one write's targets, the first of them first; None if it is not there."""


def asked_together(kind: type[Action]) -> type[Action] | None:
    """The list that finds an action's targets by their ids, many at once; None if there is none."""
    reader, lister = sibling(kind, "get"), sibling(kind, "list")
    if kind.spec.creates or reader is None or lister is None or len(kind.spec.route.names) != 1:
        return None
    name = id_parameter(reader)
    if reader.spec.route.names != (name,) or kind.spec.route.names != (name,):
        return None
    parameter = lister.parameters().get(name)
    return lister if parameter and parameter.schema["type"] == "array" else None


async def look_at_many(
    actions: Sequence[Action], clerk: Clerk, where: Mapping[str, Any] | None = None
) -> list[Seen]:
    """What is there of each write's targets, in the same order; of a creation, of whom it is about.

    `where` are filters of the resource's list which the targets still have to pass, where they are asked for
    together; what does not is as if it were not there.
    """
    found: list[Seen] = [None] * len(actions)
    together: dict[type[Action], list[int]] = {}
    alone: list[int] = []
    creations = [place for place, action in enumerate(actions) if type(action).spec.creates]
    await _parties(actions, creations, clerk, found)
    for place, action in enumerate(actions):
        lister = asked_together(type(action))
        if type(action).spec.creates:
            continue
        if lister:
            together.setdefault(lister, []).append(place)
        else:
            alone.append(place)
    for lister, places in together.items():
        # Two actions of one resource name their target alike.
        name = type(actions[places[0]]).spec.route.names[0]
        for start in range(0, len(places), AT_ONCE):
            part = places[start : start + AT_ONCE]
            ids = [getattr(actions[place], name) for place in part]
            asked = lister.parse({**(where or {}), name: ids, "limit": MOST})
            items = {item.get("id"): item for item in page_of(await clerk.perform(asked)).items}
            for place, wanted in zip(part, ids, strict=True):
                if wanted in items:
                    found[place] = [dict(items[wanted])]
    await _one_by_one(actions, alone, clerk, found)
    return found


async def _parties(actions: Sequence[Action], places: Sequence[int], clerk: Clerk, found: list[Seen]) -> None:
    """Whom and what creations are about: each asked for once, however many of them name it."""
    wanted: dict[type[Action], dict[str, dict[str, Any] | None]] = {}
    named: dict[int, list[tuple[type[Action], str]]] = {}
    for place in places:
        named[place] = list(parties_of(actions[place]))
        for reader, one in named[place]:
            wanted.setdefault(reader, {})[one] = None
    for reader, things in wanted.items():
        probes = [reader.parse({id_parameter(reader): one}) for one in things]
        # What reads one of them is as good as what writes one: both name their target alike.
        seen = await look_at_many(probes, clerk)
        things |= {one: item[0] if item else None for one, item in zip(things, seen, strict=True)}
    for place, parties in named.items():
        items = [wanted[reader][one] for reader, one in parties]
        found[place] = None if None in items else [item for item in items if item is not None]


async def _one_by_one(
    actions: Sequence[Action], places: Sequence[int], clerk: Clerk, found: list[Seen]
) -> None:
    """Looks with one request each, or one for all that Clerk has in the same mere list."""
    some = asyncio.Semaphore(_SIDE_BY_SIDE)
    lists: dict[tuple[Any, ...], asyncio.Task[dict[Any, dict[str, Any]]]] = {}

    async def whole(lister: type[Action], path: Mapping[str, Any]) -> dict[Any, dict[str, Any]]:
        page = page_of(await clerk.perform(lister.parse({**path, "limit": MOST})))
        return {item.get("id"): dict(item) for item in page.items}

    async def look(place: int) -> None:
        action = actions[place]
        kind = type(action)
        async with some:
            try:
                if sibling(kind, "get") or not kind.spec.route.names:
                    found[place] = await consequences_of(kind).targets(action, clerk)
                    return
                lister = lister_of(kind)
                path = {name: getattr(action, name) for name in lister.spec.route.names}
                key = (lister, *path.values())
                if key not in lists:
                    lists[key] = asyncio.create_task(whole(lister, path))
                item = (await lists[key]).get(getattr(action, kind.spec.route.names[-1]))
                # What is not among the newest of a mere list is left to Clerk, which knows.
                found[place] = [item] if item else []
            except NotFound:
                found[place] = None

    await asyncio.gather(*(look(place) for place in places))
