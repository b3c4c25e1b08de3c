"""Plans of jobs: targets found and frozen, every row checked, and what a person is to read before signing.

A plan of a bulk write goes through its targets once, some hundreds in memory at a time: each becomes an
action, is looked at as Clerk's lists allow, and is stored with the job. What is wrong with rows is gathered,
and told for all of them at once; nothing is kept then.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deskclerk.catalogue import (
    Action,
    Effect,
    ProposeBulk,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, count, every_page, page_of
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.many import AT_ONCE, asked_together, look_at_many
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.change_sets import ChangeSets, Wanted
from deskclerk.desk.jobs.drafts import (
    NOTHING_SENT,
    Candidate,
    Draft,
    Known,
    NewJob,
    Wish,
    bound,
    described,
    item_of,
)
from deskclerk.desk.jobs.job import (
    BULK,
    CHANGES,
    LEFT_OUT,
    WAITING,
    Item,
    StopRules,
    step_of,
    with_ids_to_come,
    without_ids_to_come,
)
from deskclerk.desk.jobs.preview import Previews, filters_of
from deskclerk.desk.jobs.rows import Row, Targets, only_target, own_id, provided
from deskclerk.desk.jobs.store import JobStore
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.naming import Names, folded_name, is_name, names_of_user
from deskclerk.desk.observing import PROPOSED
from deskclerk.desk.plans.plan import Plan, Step
from deskclerk.desk.plans.store import PlanStore
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.view.cleaning import line_of
from deskclerk.desk.waking import JOBS, PLANS
from deskclerk.errors import InvalidRequest, NextSteps
from deskclerk.settings import Settings

_AT_A_TIME = 500
_FIRST = 10
"""Targets that a plan names."""


class Planner:
    """Draws up the jobs of one instance."""

    def __init__(
        self,
        settings: Settings,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        *,
        plans: PlanStore,
        store: JobStore,
        names: Names,
        secrets: Secrets,
        steps: NextSteps,
    ) -> None:
        self._settings = settings
        self._steps = steps
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._plans = plans
        self._store = store
        self._names = names
        self._secrets = secrets
        self._previews = Previews(settings, instance, RateCaps(instance, journal))
        self._change_sets = ChangeSets(settings, instance, self._secrets, self._previews.place)

    # One write on many targets.

    async def bulk(self, kind: type[Action], targets: Targets, caller: Caller, wish: Wish) -> Plan:
        """A stored plan for one write on many targets; InvalidRequest lists all that is wrong with rows."""
        clerk = await self._clerk()
        where = filters_of(targets) if isinstance(targets, Action) else {}
        options = {"where": where, "found_by": targets.spec.name} if isinstance(targets, Action) else {}
        title = f"{kind.spec.verb.capitalize()} {kind.spec.resource.several}"
        async with self._new_job(BULK, title, caller, wish, options) as draft:
            # Asked together or for all at once, what was looked at does not come back into memory.
            async for batch in self._batches(kind, targets, wish, clerk, draft):
                await self._take(kind, batch, clerk, draft, wish)
            plan = await self._previews.plan(draft, kind=kind, targets=targets, wish=wish, clerk=clerk)
            return await self._store_plan(plan, draft, caller, wish.asked)

    async def imported(
        self,
        steps: AsyncIterator[tuple[type[Action], Row, str]],
        caller: Caller,
        wish: Wish,
        kind: type[Action],
    ) -> Plan:
        """A stored plan for the rows of a file, each with the action that it becomes.

        `kind` is what most of them are; a reason to leave one out comes with it.
        """
        clerk = await self._clerk()
        title = f"Import {kind.spec.resource.several}"
        async with self._new_job(BULK, title, caller, wish, {}) as draft:
            batch: list[Candidate] = []
            async for step, row, why_not in steps:
                ready = _candidate(row, wish)
                ready.kind, ready.left_out = step, why_not
                batch.append(ready)
                if len(batch) == _AT_A_TIME:
                    await self._take(kind, batch, clerk, draft, wish)
                    batch = []
            await self._take(kind, batch, clerk, draft, wish)
            plan = await self._previews.plan(
                draft,
                kind=None,
                targets=(),
                wish=wish,
                clerk=clerk,
                title=title,
            )
            return await self._store_plan(plan, draft, caller, wish.asked)

    async def writes(
        self, known: AsyncIterator[Known], caller: Caller, title: str, wish: Wish, *, kind: str = BULK
    ) -> Plan:
        """A stored plan for writes that are known already, such as those that undo a job of this kind."""
        clerk = await self._clerk()
        async with self._new_job(kind, title, caller, wish, {}) as draft:
            # One after the other two may change the same.
            draft.in_order = kind == CHANGES
            batch: list[Candidate] = []
            async for one in known:
                batch.append(
                    Candidate(
                        None,
                        {},
                        action=one.action,
                        undoes=one.undoes,
                        left_out=one.left_out,
                        notes=one.notes,
                    )
                )
                if len(batch) == _AT_A_TIME:
                    await self._keep_known(batch, clerk, draft, wish)
                    batch = []
            await self._keep_known(batch, clerk, draft, wish)
            plan = await self._previews.plan(
                draft,
                kind=None,
                targets=(),
                wish=wish,
                clerk=clerk,
                title=title,
            )
            return await self._store_plan(plan, draft, caller, wish.asked)

    async def _keep_known(self, batch: list[Candidate], clerk: Clerk, draft: Draft, wish: Wish) -> None:
        looking = [item for item in batch if not item.left_out and item.action]
        seen = await look_at_many([item.action for item in looking if item.action], clerk)
        for item, found in zip(looking, seen, strict=True):
            self._judge(item, found)
            item.left_out = item.left_out or ("not there any more" if found is None else "")
        await self._keep(batch, draft, wish)

    def _new_job(
        self, kind: str, title: str, caller: Caller, wish: Wish, options: Mapping[str, Any]
    ) -> "NewJob":
        stop = {"in_a_row": wish.stop.in_a_row, "percent": wish.stop.percent}
        told = {"undoes": wish.undoes, "retries": wish.retries, "asked": wish.asked}
        known = {"stop": stop, **options, **{name: value for name, value in told.items() if value}}
        return NewJob(self._store, self._instance, caller, kind=kind, title=title, options=known)

    async def _batches(
        self, kind: type[Action], targets: Targets, wish: Wish, clerk: Clerk, draft: Draft
    ) -> AsyncIterator[list[Candidate]]:
        """The candidates, some hundreds at a time, looked at where finding them showed them."""
        if isinstance(targets, Action):
            async for page in every_page(targets, clerk.perform):
                draft.pages += 1
                yield [self._found(kind, targets, item, wish) for item in page.items]
            return
        rows = _rows(kind, targets)
        lister = asked_together(kind)
        if lister is None:
            for part in _parts(rows, _AT_A_TIME):
                yield [_candidate(row, wish) for row in part]
            return
        # A target that is named by its id alone is little in memory, however much there is to see of it.
        every = [_candidate(row, wish) for row in self._bounded(rows)]
        total = await _total(lister, clerk) if len(every) > _AT_A_TIME else None
        draft.pages += total is not None
        if total is not None and -(-total // MOST) < -(-len(every) // AT_ONCE):
            await self._scan(kind, lister, every, clerk, draft)
        for part in _parts(every, _AT_A_TIME):
            yield list(part)

    def _bounded(self, rows: Iterable[Row]) -> Iterable[Row]:
        """The rows, of which there are not more than a job may have."""
        for number, row in enumerate(rows, 1):
            if number > self._settings.items_per_job:
                raise self._too_many()
            yield row

    def _found(self, kind: type[Action], lister: Action, item: Mapping[str, Any], wish: Wish) -> Candidate:
        """A candidate from an item of a list, which has shown what there is to see of it."""
        ids = {name: value for name, value in provided(lister, item).items() if name in kind.parameters()}
        candidate = Candidate(None, {**wish.values, **ids})
        if kind.spec.resource is type(lister).spec.resource and not kind.spec.creates:
            self._build(kind, candidate)
            self._judge(candidate, [dict(item)])
        else:
            candidate.name = display_name(item)
        return candidate

    async def _scan(
        self, kind: type[Action], lister: type[Action], every: list[Candidate], clerk: Clerk, draft: Draft
    ) -> None:
        """Look at all there is, where that takes fewer requests than to ask for each hundred of targets."""
        name = kind.spec.route.names[0]
        wanted: dict[str, list[Candidate]] = {}
        for candidate in every:
            value = candidate.arguments.get(name)
            if isinstance(value, str):
                key = folded_name(value) if is_name(name, value) else value
                wanted.setdefault(key, []).append(candidate)
        async for page in every_page(lister.parse({}), clerk.perform):
            draft.pages += 1
            for item in page.items:
                known = [str(item.get("id")), *(names_of_user(item) if name == "user_id" else ())]
                for key in dict.fromkeys(known):
                    for candidate in wanted.get(key, ()):
                        self._seen_by_scan(kind, candidate, name, item)
        for candidate in every:
            if not candidate.looked and not candidate.problems:
                candidate.problems.append((name, f"no {kind.spec.resource.one} has this id or name"))

    def _seen_by_scan(
        self, kind: type[Action], candidate: Candidate, name: str, item: Mapping[str, Any]
    ) -> None:
        if candidate.looked and candidate.arguments.get(name) != item.get("id"):
            candidate.problems.append((name, "several have this name; give the id"))
            return
        candidate.arguments[name] = item.get("id")
        self._build(kind, candidate)
        self._judge(candidate, [dict(item)])

    async def _take(
        self, kind: type[Action], batch: list[Candidate], clerk: Clerk, draft: Draft, wish: Wish
    ) -> None:
        """Names become ids, rows become actions, targets are looked at, and what is left is stored."""
        todo = [item for item in batch if not (item.looked or item.problems or item.left_out)]
        for one in dict.fromkeys(item.kind or kind for item in todo):
            await self._name(one, [item for item in todo if (item.kind or kind) is one])
        for candidate in batch:
            if candidate.action is None and not candidate.problems:
                self._build(candidate.kind or kind, candidate)
        looking = [item for item in batch if item.action and not (item.looked or item.left_out)]
        if looking:
            actions = [without_ids_to_come(item.action) for item in looking if item.action]
            for candidate, seen in zip(looking, await look_at_many(actions, clerk), strict=True):
                self._judge(candidate, seen)
                if seen is None and candidate.action:
                    candidate.problems.append(_not_there(type(candidate.action)))
        await self._keep(batch, draft, wish)

    async def _name(self, kind: type[Action], batch: list[Candidate]) -> None:
        """Ids in the place of the names of users and organizations."""
        for name in kind.parameters():
            named = [
                item
                for item in batch
                if isinstance(item.arguments.get(name), str)
                and is_name(name, item.arguments[name])
                and not step_of(item.arguments[name])
            ]
            if not named:
                continue
            found = await self._names.of_many(name, [item.arguments[name] for item in named])
            for item in named:
                matches = found.get(item.arguments[name], [])
                if len(matches) == 1:
                    item.arguments[name] = matches[0]["id"]
                else:
                    problem = "several have this name; give the id" if matches else "nobody has this name"
                    item.problems.append((name, problem))

    @staticmethod
    def _build(kind: type[Action], candidate: Candidate) -> None:
        try:
            candidate.action = with_ids_to_come(kind, candidate.arguments)
        except InvalidRequest as error:
            candidate.problems += list(error.problems) or [("", error.message)]

    def _judge(self, candidate: Candidate, seen: list[dict[str, Any]] | None) -> None:
        """What was seen of a candidate's target, in short: who it is, and whether anything would change."""
        candidate.looked = True
        action = candidate.action
        if action is None:
            return
        consequences = consequences_of(type(action))
        if seen:
            candidate.name = "; ".join(display_name(item) for item in seen)
            candidate.seen_id = str(seen[0].get("id"))
            if consequences.is_so_already(action, seen):
                switch = consequences.switches
                so = (
                    f"{'' if switch[1] else 'not '}{switch[0]}"
                    if switch and switch[1] in (True, False)
                    else ""
                )
                candidate.left_out = f"{so} already" if so else "would not change"
        elif not candidate.name:
            candidate.name = described(action)

    async def _keep(self, batch: list[Candidate], draft: Draft, wish: Wish) -> None:
        """Store what a batch has become."""
        items: list[Item] = []
        for candidate in batch:
            await self._check_secrets(candidate, wish)
            if candidate.problems or candidate.action is None:
                where = _place_of(candidate)
                draft.problems += [
                    (f"{where}: {name}" if name else where, text) for name, text in candidate.problems
                ]
                if wish.skip_invalid:
                    draft.left_out["wrong"] += 1
                    draft.stored += 1
                    items.append(_left_out_row(candidate, draft.stored))
                continue
            draft.stored += 1
            if draft.stored > self._settings.items_per_job:
                raise self._too_many()
            items.append(await self._item(candidate, candidate.action, draft))
        await self._store.add_items(draft.job_id, items)

    async def _check_secrets(self, candidate: Candidate, wish: Wish) -> None:
        """A reference to nothing, or a plain secret where only references are taken, is its row's problem."""
        if candidate.action is None or candidate.problems:
            return
        try:
            await self._secrets.check(candidate.action, wish.face)
        except InvalidRequest as error:
            candidate.problems += error.problems

    async def _item(self, candidate: Candidate, action: Action, draft: Draft) -> Item:
        reason = candidate.left_out or ("" if draft.in_order else self._twice(candidate, action, draft))
        item = item_of(action, draft.stored, candidate.name, candidate.line, candidate.undoes)
        if reason:
            draft.left_out[reason] += 1
            return replace(item, status=LEFT_OUT, error=reason, secrets=None)
        draft.count += 1
        draft.notes.update(candidate.notes)
        draft.kinds[action.spec.name] += 1
        draft.effect = max(draft.effect, action.spec.effect, key=list(Effect).index)
        draft.samples.setdefault(action.spec.name, action)
        if len(draft.first) < _FIRST:
            draft.first.append(line_of(candidate.name or described(action), 120))
        if candidate.seen_id and consequences_of(type(action)).reach_in_sum:
            draft.ids.add(candidate.seen_id)
        draft.digest.update(await bound(item, action, self._instance.id, self._secrets))
        return item

    @staticmethod
    def _twice(candidate: Candidate, action: Action, draft: Draft) -> str:
        """Why a row that stands there twice is left out; empty for the first of its kind."""
        names = () if action.spec.creates else action.spec.route.names
        about = [getattr(action, name) for name in names] or action.arguments()
        key = hashlib.sha256(json.dumps([action.spec.name, about], sort_keys=True).encode()).digest()[:16]
        first = draft.twice.setdefault(key, candidate.line or draft.stored)
        return "" if first == (candidate.line or draft.stored) else "there twice"

    async def _store_plan(self, plan: Plan, draft: Draft, caller: Caller, asked: str = "") -> Plan:
        async with self._journal.writing(PLANS, JOBS) as connection:
            await self._store.planned(
                connection,
                draft.job_id,
                plan=plan.id,
                digest=plan.digest,
                total=draft.count,
                title=plan.heading,
            )
            await self._plans.store_with(connection, plan, asked or plan.digest, self._instance, caller)
        self._plans.tell(PROPOSED)
        return plan

    def _too_many(self) -> InvalidRequest:
        most = self._settings.items_per_job
        problem = f"more than {most:,}, which is what one job may have (items_per_job)"
        return InvalidRequest(
            f"The targets are {problem}.",
            problems=[("targets", problem)],
            next_step=f"{NOTHING_SENT} Ask for fewer, or {self._steps.higher}.",
        )

    async def digest(self, job_id: str) -> str:
        """The digest of a job's items as they are stored: what was signed, if nobody has touched them."""
        found = hashlib.sha256()
        async for item in self._store.every_item(job_id, (WAITING,)):
            found.update(await bound(item, item.built(), self._instance.id, self._secrets))
        return found.hexdigest()

    # Different writes in order.

    async def changes(self, wanted: Wanted, caller: Caller, asked: str = "") -> Plan:
        """A stored plan for several writes in order."""
        clerk = await self._clerk()
        # The first failure of a step stops the rest, whatever the rules of other jobs are.
        wish = Wish(stop=StopRules(1, 0.0), asked=asked)
        async with self._new_job(CHANGES, "Several changes", caller, wish, {}) as draft:
            built = await self._change_sets.steps(wanted, clerk, caller.face)
            items, steps = [item for item, _ in built], [step for _, step in built]
            await self._store.add_items(draft.job_id, items)
            draft.count = len(items)
            plan = await self._change_sets.plan(draft.job_id, items, steps, self._plans.new_id())
            return await self._store_plan(plan, draft, caller, asked)

    async def change_plan(
        self, job_id: str, items: Sequence[Item], steps: Sequence[Step], plan_id: str
    ) -> Plan:
        """The plan of the steps that are left of one that waits."""
        return await self._change_sets.plan(job_id, items, steps, plan_id)


def _left_out_row(candidate: Candidate, number: int) -> Item:
    """A wrong row, as the job's result tells it: what is wrong, and nothing of its values."""
    told = "; ".join(f"{name}: {text}" if name else text for name, text in candidate.problems)
    name = candidate.name or (f"line {candidate.line}" if candidate.line else "")
    return Item(number, ProposeBulk.spec.name, {}, name, LEFT_OUT, line=candidate.line, error=told)


def _rows(kind: type[Action], targets: Targets) -> Iterable[Row]:
    """Rows of arguments, from rows or from ids and names."""
    name = only_target(kind)
    for target in targets:
        if isinstance(target, Row):
            yield target
        elif name is None:
            needed = [item.name for item in kind.parameters().values() if item.required]
            wanted = f" ({', '.join(needed)})" if needed else ""
            problem = f"{kind.spec.name} wants more than an id{wanted}: give rows, from a file"
            raise InvalidRequest(f"targets: {problem}.", problems=[("targets", problem)])
        else:
            yield Row(0, {name: target.strip() if isinstance(target, str) else target})


def _candidate(row: Row, wish: Wish) -> Candidate:
    given = next((value for value in row.arguments.values() if isinstance(value, str)), "")
    return Candidate(
        row.line or None,
        {**wish.values, **row.arguments},
        problems=list(row.problems),
        notes=row.notes,
        given=given,
    )


def _place_of(candidate: Candidate) -> str:
    """Where what is wrong stands: the line of a file, else what was given or found."""
    if candidate.line:
        return f"line {candidate.line}"
    return line_of(candidate.name or candidate.given, 100) or "a target"


def _parts(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    part: list[Any] = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


async def _total(lister: type[Action], clerk: Clerk) -> int | None:
    """How many things there are in all; None where Clerk does not say."""
    every = lister.parse({})
    if lister.spec.counted_at is None:
        return page_of(await clerk.perform(every.model_copy(update={"limit": 1}))).total
    total = await count(clerk, every)
    return total if isinstance(total, int) else None


def _not_there(kind: type[Action]) -> tuple[str, str]:
    """What is wrong with a write whose target, or whom it is about, is not there."""
    if kind.spec.creates:
        return "", "what it is about is not there"
    name = kind.spec.route.names[-1] if kind.spec.route.names else own_id(kind) or ""
    return name, f"there is no such {kind.spec.resource.one}"
