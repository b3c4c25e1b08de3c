"""What a caller may see of the desk's own records: the plans that wait, the journal, the policy in force.

A plan or an entry says something of what it is about. So it is shown to those who may read that: a caller
who may not read users sees no ban either.
"""

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from deskclerk.catalogue import EVERY_BY_NAME, READ, TOOLSETS, Action, Effect
from deskclerk.catalogue.action import Resource
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.targets import reader_of_id
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.plans.store import PlanStore, StoredPlan
from deskclerk.desk.policy.policy import Policy
from deskclerk.desk.view.answers import Answer, compact, fit_object
from deskclerk.desk.view.cleaning import clean
from deskclerk.desk.view.compact import Times, iso
from deskclerk.errors import NotAllowed
from deskclerk.settings import Settings

_MOST_ENTRIES = 50
_AT_ONCE, _MOST_LOOKS = 200, 5
"""Entries that are read at a time, and how often for one page: reads and what is hidden are passed over."""
_OF_AN_ENTRY = (
    "entry",
    "kind",
    "action",
    "target",
    "arguments",
    "outcome",
    "signed",
    "plan",
    "job",
    "undoes",
    "code",
    "note",
)
_OF_A_PLAN = ("id", "action", "heading", "effect", "instance", "target", "status", "asked_by", "preview")


class Disclosure:
    """Shows one instance's records to callers, as far as the policy lets them."""

    def __init__(
        self, settings: Settings, instance: Instance, journal: Journal, plans: PlanStore, policy: Policy
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._plans = plans
        self._policy = policy

    async def entries(self, caller: Caller, before: int | None = None) -> Answer:
        """The last writes and refusals, the newest first: `{"items", "next"}`, where `next` is a line.

        Given as `before`, it continues. Reads that were answered are left out: they would hide the rest.
        """
        sight = _Sight(self._policy.offered(caller))
        shown: list[dict[str, Any]] = []
        size = 0
        for _ in range(_MOST_LOOKS):
            wanted = EntryFilter(instance=self._instance.id, before=before)
            found = await self._journal.entries(wanted, limit=_AT_ONCE)
            for entry in reversed(found):
                if not self._is_shown(entry, sight):
                    before = entry["line"]
                    continue
                line = _entry(entry)
                size += len(compact(line)) + 1
                if shown and (size > self._settings.answer_characters or len(shown) == _MOST_ENTRIES):
                    return Answer({"items": shown, "next": before})
                shown.append(line)
                before = entry["line"]
            if len(found) < _AT_ONCE:
                return Answer({"items": shown, "next": None})
        return Answer({"items": shown, "next": before})

    async def waiting(self, caller: Caller) -> list[StoredPlan]:
        """The plans of this instance that wait for a signature and that the caller may see, newest first."""
        sight = _Sight(self._policy.offered(caller))
        return [
            stored
            for stored in await self._plans.waiting()
            if stored.instance == self._instance.id
            and not sight.hides(stored.plan.action, stored.plan.arguments)
        ]

    async def plan(self, plan_id: str, caller: Caller) -> Answer:
        """A plan as the person who signs it is shown it, and what has become of it.

        Raises:
            ApprovalRefused: there is none, or it is for another instance.
            NotAllowed: it is about what the caller may not read; that is journalled.
        """
        stored = await self._plans.load(plan_id)
        plan = stored.plan
        if stored.instance != self._instance.id:
            # In the words of one that is not there: another instance's plans are no business of this one.
            raise self._plans.no_such_plan()
        if hidden := _Sight(self._policy.offered(caller)).hides(plan.action, plan.arguments):
            error = NotAllowed(
                f"This plan is not shown here: {hidden.why}.",
                next_step=self._policy.step(hidden.lacking, caller) if hidden.lacking else "",
            )
            action = EVERY_BY_NAME[plan.action].model_construct(**plan.arguments)
            await self._journal.refused(self._instance, caller, action, error)
            raise error
        told = stored.as_dict()
        value = {key: told[key] for key in _OF_A_PLAN} | {
            "created_at": iso(stored.created_at, Times.SECOND),
            "expires_at": iso(plan.expires_at, Times.SECOND),
        }
        return fit_object(clean(value), self._settings.answer_characters)

    def policy(self, caller: Caller) -> dict[str, Any]:
        """What this caller may ask for here, and what of it a person signs."""
        offered = self._policy.offered(caller)
        effects = Counter(str(action.spec.effect) for action in offered)
        settings = self._settings
        return {
            "instance": self._instance.label,
            "read_only": settings.read_only,
            # Of what is offered, not of the settings: an instance's or a caller's rules may have less.
            "access": next((str(effect) for effect in reversed(Effect) if effects[str(effect)]), None),
            "confirm": settings.confirm,
            "a_person_signs": [
                str(effect) for effect in Effect if effects[str(effect)] and self._policy.asks(effect)
            ],
            "toolsets": list(self._policy.toolsets(caller)),
            "toolsets_not_chosen": [name for name in TOOLSETS if name not in self._policy.toolsets(caller)],
            "actions": {str(effect): effects[str(effect)] for effect in Effect},
            "destructive_per_hour": settings.destructive_per_hour,
            "items_per_job": settings.items_per_job,
        }

    def _is_shown(self, entry: Mapping[str, Any], sight: "_Sight") -> bool:
        if entry["kind"] == "read" or entry["instance"] != self._instance.id:
            return False
        return not sight.hides(entry["action"], entry["arguments"] or {})


class _Hidden(NamedTuple):
    """Why something is not shown, and an action that whoever is offered it would be shown it."""

    why: str
    lacking: type[Action] | None = None


class _Sight:
    """What somebody who is offered these actions may see."""

    def __init__(self, offered: Iterable[type[Action]]) -> None:
        self._offered = frozenset(offered)
        self._readable = {kind.spec.resource for kind in self._offered if kind.spec.effect is READ}

    def hides(self, name: str, arguments: Mapping[str, Any]) -> _Hidden | None:
        """Why what is about this action is not shown; None if it is."""
        action = EVERY_BY_NAME.get(name)
        if action is None:
            return _Hidden("it is about the workspace itself, which is for people")
        for kind in (action, *_within(arguments)):
            for resource in _about(kind):
                # What nobody can read is seen by those who can ask for it.
                read = _read_of(resource)
                asks = kind in self._offered and read is None
                if resource not in self._readable and not asks:
                    return _Hidden(f"it is about {resource.several}, which you may not read", read or kind)
        return None


def _about(kind: type[Action]) -> Iterator[Resource]:
    """The resources that an action says something of: its own, and those that its ids are of."""
    yield kind.spec.resource
    for name, item in kind.parameters().items():
        reader = reader_of_id(name) if item.required else None
        if reader:
            yield reader.spec.resource


@functools.cache
def _read_of(resource: Resource) -> type[Action] | None:
    """A read of a resource; None if there is none at all."""
    reads = (kind for kind in EVERY_BY_NAME.values() if kind.spec.effect is READ)
    return next((kind for kind in reads if kind.spec.resource is resource), None)


def _within(arguments: Mapping[str, Any]) -> Iterator[type[Action]]:
    """The actions that a job is made of, as its arguments name them."""
    names = [arguments.get("action")]
    for text in arguments.get("steps") or ():
        try:
            step = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            continue  # such a call was refused, and holds a mark in place of the step
        names.append(step.get("action") if isinstance(step, dict) else None)
    for name in names:
        if isinstance(name, str) and (kind := EVERY_BY_NAME.get(name) or EVERY_BY_NAME.get(f"clerk_{name}")):
            yield kind


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry in short, cleaned; who asked is one text."""
    who = " ".join(str(entry[key]) for key in ("face", "client", "token") if entry[key])
    told = {key: entry[key] for key in _OF_AN_ENTRY if entry[key] not in (None, "", {})}
    # Short, so that many fit: a long value stands in the thing itself.
    return {"at": iso(entry["at"], Times.SECOND), **clean(told | {"by": who}, 200)}
