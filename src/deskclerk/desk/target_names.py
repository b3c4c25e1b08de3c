"""What the targets of journalled entries are called, for a person who reads them.

The journal itself knows most: what was seen of a target before a write, what Clerk answered, what a plan
showed. Of the users and organizations that are left, each kind is asked for in one list request, which the
policy has to allow and whose names are kept for some minutes. As with what a preview reads of its target it
is the desk that asks: an entry of its own would stand among those of everybody whom it names.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import EVERY_BY_NAME, Action, ListOrganizations, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.plans.store import PlanStore
from deskclerk.desk.policy.policy import Policy
from deskclerk.errors import ClerkError, ClerkUnavailable, NotAllowed

MOST = 100
"""Ids of a kind that are looked up at once: what one list request holds."""
REMEMBERED = 5_000
SECONDS = 600.0
"""For how long a looked-up name stands; also that there is none."""
_PATIENCE = 3.0
_PAUSE = 60.0
"""After a look-up that failed: a page that only wants names does not press a Clerk that is in trouble."""
_ID = re.compile(r"[a-z]+_\w+", re.ASCII)
"""No sign before it, which would make a filter exclude what it names."""


@dataclass(frozen=True, slots=True)
class TargetLabels:
    """By an entry's id, what its target is called; `problem` says why some are not known.

    `made` has the ids of what creations made, which stand in no path.
    """

    names: Mapping[str, str]
    made: Mapping[str, str]
    problem: str = ""


class TargetNames:
    """Finds the names behind the ids of one instance's entries."""

    def __init__(
        self,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        *,
        plans: PlanStore,
        policy: Policy,
    ) -> None:
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._plans = plans
        self._policy = policy
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._rests_until = 0.0

    async def of(self, entries: Sequence[Mapping[str, Any]], caller: Caller) -> TargetLabels:
        """The names of these entries' targets, as the journal gives entries in short."""
        found, made = await self._noted(entries)
        missing: dict[str, list[tuple[type[Action], str]]] = {
            entry["entry"]: parts
            for entry in entries
            # Another instance's ids mean nothing here.
            if entry["entry"] not in found
            and entry["instance"] == self._instance.id
            and (parts := _looked_up(entry))
        }
        problem = await self._look_up([part for parts in missing.values() for part in parts], caller)
        for entry_id, parts in missing.items():
            names = [name for _, one in parts if (name := self._remembered(one))]
            if names:
                found[entry_id] = " in ".join(reversed(names))
        return TargetLabels(found, made, problem)

    async def _noted(self, entries: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
        """Names that the journal and the plans hold, as they were when it happened; ids of what was made."""
        seen = await self._journal.seen([entry["entry"] for entry in entries if entry["kind"] == "write"])
        plans = await self._plans.targets([entry["plan"] for entry in entries if entry["plan"]])
        found, made = {}, {}
        for entry in entries:
            before, after = seen.get(entry["entry"], (None, None))
            action = EVERY_BY_NAME.get(entry["action"])
            # What was seen before a creation is whom it is about; what was made is in the answer.
            creates = action is not None and action.spec.creates
            item = after if creates else (before or [None])[0]
            if creates and isinstance(item, Mapping) and isinstance(item.get("id"), str):
                made[entry["entry"]] = item["id"]
            name = _without_id(_name(item), entry["target"]) if isinstance(item, Mapping) else ""
            if name := name or _without_id(plans.get(entry["plan"], ""), entry["target"]):
                found[entry["entry"]] = name
        return found, made

    async def _look_up(self, wanted: Sequence[tuple[type[Action], str]], caller: Caller) -> str:
        """Learn the names that are not known yet; why some stay unknown, or nothing."""
        problems = []
        for kind, parameter in ((ListUsers, "user_id"), (ListOrganizations, "organization_id")):
            ids = [one for lister, one in wanted if lister is kind and self._remembered(one) is None]
            ids = list(dict.fromkeys(ids))[:MOST]
            if not ids:
                continue
            if time.monotonic() < self._rests_until:
                return "Some names are not known: the last look-up failed, and the next one waits a minute."
            try:
                self._policy.check(kind, caller)
                items = await self._ask(kind.parse({parameter: ids, "limit": MOST}))
            except (NotAllowed, ClerkError) as error:
                if isinstance(error, ClerkError):
                    self._rests_until = time.monotonic() + _PAUSE
                problems.append(f"Some names are not known: {error.message}")
                continue
            self._remember(dict.fromkeys(ids, "") | {str(item["id"]): _name(item) for item in items})
        return " ".join(dict.fromkeys(problems))

    async def _ask(self, search: Action) -> list[dict[str, Any]]:
        """One page of a list; ClerkError, also where it takes longer than a page waits."""
        clerk = await self._clerk()
        try:
            async with asyncio.timeout(_PATIENCE):
                items = page_of(await clerk.perform(search)).items
        except TimeoutError:
            raise ClerkUnavailable(
                f"Clerk did not answer within {_PATIENCE:.0f} seconds.", next_step="Look again in a minute."
            ) from None
        return [item for item in items if isinstance(item.get("id"), str)]

    def _remember(self, names: Mapping[str, str]) -> None:
        until = time.monotonic() + SECONDS
        for one, name in names.items():
            self._known[one] = (until, name)
            self._known.move_to_end(one)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _remembered(self, one: str) -> str | None:
        """A name; empty where Clerk knows of none, None where it was not asked lately."""
        until, name = self._known.get(one, (0.0, ""))
        return name if time.monotonic() < until else None


def _looked_up(entry: Mapping[str, Any]) -> list[tuple[type[Action], str]]:
    """The users and organizations in an entry's path, each with the list that finds it by its id."""
    action = EVERY_BY_NAME.get(entry["action"])
    if action is None or not entry["target"]:
        return []
    listers: Mapping[str, type[Action]] = {"user_id": ListUsers, "organization_id": ListOrganizations}
    pairs = zip(action.spec.route.names, entry["target"].split("/"), strict=False)
    return [(listers[name], one) for name, one in pairs if name in listers and _ID.fullmatch(one)]


def _name(item: Mapping[str, Any]) -> str:
    """What a thing is called, without its id."""
    return display_name({key: value for key, value in item.items() if key != "id"})


def _without_id(told: str, target: str | None) -> str:
    """Words for a target without the ids, which stand beside them."""
    for one in (target or "").split("/"):
        told = told.replace(f" ({one})", "") if one else told
    # Of a thing that nobody may read the plan itself only has the parameter and its id.
    return "" if target and target in told else told
