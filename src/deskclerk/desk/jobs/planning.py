"""Plans of jobs: targets found and frozen, every row checked, and what a person is to read before signing.

A plan of a bulk write goes through its targets once, some hundreds in memory at a time: each becomes an
action, is looked at as Clerk's lists allow, and is stored with the job. What is wrong with rows is gathered,
and told for all of them at once; nothing is kept then.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deskclerk.catalogue import (
    EVERY_BY_NAME,
    READ,
    Action,
    Effect,
    ProposeBulk,
    ProposeChanges,
    RetryJob,
    UndoJob,
)
from deskclerk.catalogue.fields import is_reference
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, count, every_page, page_of
from deskclerk.clerk.rate_budget import PER_TEN_SECONDS
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.many import AT_ONCE, asked_together, look_at_many
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.instances.instance import Instance
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
from deskclerk.desk.jobs.rows import Row, Targets, only_target, own_id, provided
from deskclerk.desk.jobs.store import JobStore
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.naming import Names, folded_name, is_name, names_of_user
from deskclerk.desk.plans.drafting import digest_of
from deskclerk.desk.plans.plan import JobPreview, Plan, Step
from deskclerk.desk.plans.store import PlanStore
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.time_and_ids import new_id
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest
from deskclerk.settings import Settings

_AT_A_TIME = 500
_FIRST = 10
_MOST_TOLD = 20
"""Problems in an error's text; all of them are in its `problems`."""
_MOST_NOTES = 8
"""Kinds of remarks on rows that a plan tells."""
_REQUESTS = 25
"""List requests that planning ten thousand targets may cost, and the least that a sum may."""
_LEAST_FOR_A_SUM = 4
_PACE = 0.95
"""Of what Clerk allows, what a job gets through when nobody else asks."""
_NOTHING_SENT = "Nothing was sent, and no job was made."


@dataclass(slots=True)
class _Candidate:
    """A row on its way to become an item."""

    line: int | None
    arguments: dict[str, Any]
    kind: type[Action] | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    action: Action | None = None
    looked: bool = False
    name: str = ""
    target: str | None = None
    left_out: str = ""
    seen_id: str | None = None
    given: str = ""
    undoes: str | None = None


@dataclass(slots=True)
class _Draft:
    """What is known of a job while its items come in."""

    job_id: str
    effect: Effect = READ
    count: int = 0
    stored: int = 0
    first: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    twice: dict[bytes, int] = field(default_factory=dict)
    sample: Action | None = None
    digest: Any = field(default_factory=hashlib.sha256)
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for beside the targets.

    `values` are arguments that are the same for each, `skip_invalid` leaves wrong rows out instead of
    refusing all, `notes` are further lines for whoever signs. `undoes` and `retries` name an earlier job,
    `asked` is the digest by which the very same call is known again.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    stop: StopRules = field(default_factory=StopRules)
    skip_invalid: bool = False
    notes: tuple[str, ...] = ()
    undoes: str | None = None
    retries: str | None = None
    asked: str = ""


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
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._plans = plans
        self._store = store
        self._names = names
        self._secrets = Secrets(settings.data, settings.secrets)
        self._caps = RateCaps(instance, journal)

    # One write on many targets.

    async def bulk(self, kind: type[Action], targets: Targets, caller: Caller, wish: Wish) -> Plan:
        """A stored plan for one write on many targets; InvalidRequest lists all that is wrong with rows."""
        clerk = await self._clerk()
        where = filters_of(targets) if isinstance(targets, Action) else {}
        options: dict[str, Any] = {"where": where} if where else {}
        title = f"{kind.spec.verb.capitalize()} {kind.spec.resource.several}"
        async with self._new_job(BULK, title, caller, wish, options) as draft:
            # Asked together or for all at once, what was looked at does not come back into memory.
            async for batch in self._batches(kind, targets, wish, clerk, draft):
                await self._take(kind, batch, clerk, draft, wish)
            return await self._planned(
                draft, kind=kind, targets=targets, caller=caller, wish=wish, clerk=clerk
            )

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
            batch: list[_Candidate] = []
            async for step, row, why_not in steps:
                ready = _candidate(row, wish)
                ready.kind, ready.left_out = step, why_not
                batch.append(ready)
                if len(batch) == _AT_A_TIME:
                    await self._take(kind, batch, clerk, draft, wish)
                    batch = []
            await self._take(kind, batch, clerk, draft, wish)
            return await self._planned(
                draft, kind=None, targets=(), caller=caller, wish=wish, clerk=clerk, title=title
            )

    async def writes(
        self, actions: AsyncIterator[tuple[Action, str | None, str]], caller: Caller, title: str, wish: Wish
    ) -> Plan:
        """A stored plan for writes that are known already, such as those that undo a job.

        Each comes with the entry that it takes back, if it does, and a reason to leave it out, if there is.
        """
        clerk = await self._clerk()
        async with self._new_job(BULK, title, caller, wish, {}) as draft:
            batch: list[_Candidate] = []
            async for action, undoes, why_not in actions:
                ready = _Candidate(None, {}, action=action, undoes=undoes, left_out=why_not)
                batch.append(ready)
                if len(batch) == _AT_A_TIME:
                    await self._keep_known(batch, clerk, draft)
                    batch = []
            await self._keep_known(batch, clerk, draft)
            return await self._planned(
                draft, kind=None, targets=(), caller=caller, wish=wish, clerk=clerk, title=title
            )

    async def _keep_known(self, batch: list[_Candidate], clerk: Clerk, draft: _Draft) -> None:
        looking = [item for item in batch if not item.left_out and item.action]
        seen = await look_at_many([item.action for item in looking if item.action], clerk)
        for item, found in zip(looking, seen, strict=True):
            self._judge(item, found)
            item.left_out = item.left_out or ("not there any more" if found is None else "")
        await self._keep(batch, draft)

    def _new_job(
        self, kind: str, title: str, caller: Caller, wish: Wish, options: Mapping[str, Any]
    ) -> "_NewJob":
        stop = {"in_a_row": wish.stop.in_a_row, "percent": wish.stop.percent}
        told = {"undoes": wish.undoes, "retries": wish.retries}
        known = {"stop": stop, **options, **{name: value for name, value in told.items() if value}}
        return _NewJob(self._store, self._instance, caller, kind=kind, title=title, options=known)

    async def _batches(
        self, kind: type[Action], targets: Targets, wish: Wish, clerk: Clerk, draft: _Draft
    ) -> AsyncIterator[list[_Candidate]]:
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

    def _found(self, kind: type[Action], lister: Action, item: Mapping[str, Any], wish: Wish) -> _Candidate:
        """A candidate from an item of a list, which has shown what there is to see of it."""
        ids = {name: value for name, value in provided(lister, item).items() if name in kind.parameters()}
        candidate = _Candidate(None, {**wish.values, **ids})
        if kind.spec.resource is type(lister).spec.resource and not kind.spec.creates:
            self._build(kind, candidate)
            self._judge(candidate, [dict(item)])
        else:
            candidate.name = display_name(item)
        return candidate

    async def _scan(
        self, kind: type[Action], lister: type[Action], every: list[_Candidate], clerk: Clerk, draft: _Draft
    ) -> None:
        """Look at all there is, where that takes fewer requests than to ask for each hundred of targets."""
        name = kind.spec.route.names[0]
        wanted: dict[str, list[_Candidate]] = {}
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
        self, kind: type[Action], candidate: _Candidate, name: str, item: Mapping[str, Any]
    ) -> None:
        if candidate.looked and candidate.arguments.get(name) != item.get("id"):
            candidate.problems.append((name, "several have this name; give the id"))
            return
        candidate.arguments[name] = item.get("id")
        self._build(kind, candidate)
        self._judge(candidate, [dict(item)])

    async def _take(
        self, kind: type[Action], batch: list[_Candidate], clerk: Clerk, draft: _Draft, wish: Wish
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
        await self._keep(batch, draft, skip_invalid=wish.skip_invalid)

    async def _name(self, kind: type[Action], batch: list[_Candidate]) -> None:
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
    def _build(kind: type[Action], candidate: _Candidate) -> None:
        try:
            candidate.action = with_ids_to_come(kind, candidate.arguments)
        except InvalidRequest as error:
            candidate.problems += list(error.problems) or [("", error.message)]

    def _judge(self, candidate: _Candidate, seen: list[dict[str, Any]] | None) -> None:
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
            candidate.name = _described(action)

    async def _keep(self, batch: list[_Candidate], draft: _Draft, *, skip_invalid: bool = False) -> None:
        """Store what a batch has become."""
        items: list[Item] = []
        for candidate in batch:
            if candidate.problems or candidate.action is None:
                where = _place_of(candidate)
                draft.problems += [
                    (f"{where}: {name}" if name else where, text) for name, text in candidate.problems
                ]
                if skip_invalid:
                    draft.left_out["wrong"] += 1
                    draft.stored += 1
                    items.append(_left_out_row(candidate, draft.stored))
                continue
            draft.stored += 1
            if draft.stored > self._settings.items_per_job:
                raise self._too_many()
            items.append(self._item(candidate, candidate.action, draft))
        await self._store.add_items(draft.job_id, items)

    def _item(self, candidate: _Candidate, action: Action, draft: _Draft) -> Item:
        reason = candidate.left_out or self._twice(candidate, action, draft)
        item = item_of(action, draft.stored, candidate.name, candidate.line, candidate.undoes)
        if reason:
            draft.left_out[reason] += 1
            return replace(item, status=LEFT_OUT, error=reason, secrets=None)
        draft.count += 1
        draft.notes.update(candidate.notes)
        draft.kinds[action.spec.name] += 1
        draft.effect = max(draft.effect, action.spec.effect, key=list(Effect).index)
        draft.sample = draft.sample or action
        if len(draft.first) < _FIRST:
            draft.first.append(line_of(candidate.name or _described(action), 120))
        if candidate.seen_id and consequences_of(type(action)).reach_in_sum:
            draft.ids.add(candidate.seen_id)
        draft.digest.update(self.bound(item, action))
        return item

    @staticmethod
    def _twice(candidate: _Candidate, action: Action, draft: _Draft) -> str:
        """Why a row that stands there twice is left out; empty for the first of its kind."""
        names = () if action.spec.creates else action.spec.route.names
        about = [getattr(action, name) for name in names] or action.arguments()
        key = hashlib.sha256(json.dumps([action.spec.name, about], sort_keys=True).encode()).digest()[:16]
        first = draft.twice.setdefault(key, candidate.line or draft.stored)
        return "" if first == (candidate.line or draft.stored) else "there twice"

    def bound(self, item: Item, action: Action) -> bytes:
        """What a job's digest binds of one item: action, arguments with their secrets, what it undoes."""
        digest = digest_of(action, self._instance.id, item.target, self._secrets.seals(action))
        return f"{item.number} {digest} {item.undoes}\n".encode()

    async def _planned(
        self,
        draft: _Draft,
        *,
        kind: type[Action] | None,
        targets: Targets,
        caller: Caller,
        wish: Wish,
        clerk: Clerk,
        title: str = "",
    ) -> Plan:
        """The plan of a job whose items are stored."""
        if draft.problems and not wish.skip_invalid:
            raise wrong_rows(draft.problems)
        if draft.count == 0 or draft.sample is None:
            said = ", ".join(f"{number:,} {reason}" for reason, number in draft.left_out.items())
            nothing = "there is nothing to do" if draft.stored else "no targets were found"
            problem = f"{nothing}{f': {said}' if said else ''}"
            raise InvalidRequest(
                f"{problem[0].upper()}{problem[1:]}.",
                problems=[("targets", problem)],
                next_step=_NOTHING_SENT,
            )
        sample, spec = draft.sample, draft.sample.spec
        noun = spec.resource.one if draft.count == 1 else spec.resource.several
        what = f"{spec.verb} {draft.count} {noun}"
        heading = title or f"{spec.verb.capitalize()} {draft.count:,} {noun}"
        consequences = consequences_of(type(sample))
        reach: tuple[str, ...] = ()
        if draft.ids and len(draft.kinds) == 1:
            requests = max(_LEAST_FOR_A_SUM, _REQUESTS - draft.pages)
            reach = await consequences.reaches_in_sum(frozenset(draft.ids), clerk, requests)
        lines = (
            *wish.notes,
            *([_found_by(targets)] if isinstance(targets, Action) else []),
            *_shared(kind, wish),
            *(f"  {name}" for name in draft.first),
            *([f"  and {draft.count - len(draft.first):,} more"] if draft.count > len(draft.first) else []),
            *(f"Of {number:,}: {note}" for note, number in draft.notes.most_common(_MOST_NOTES)),
            *(f"Left out: {number:,} {reason}" for reason, number in draft.left_out.items()),
            *(await self._costs(draft)),
            wish.stop.sentence(),
        )
        backs = {consequences_of(EVERY_BY_NAME[name]).reversible(sample) for name in draft.kinds}
        plan = Plan(
            id=self._plans.new_id(),
            action=_asked_by(wish).spec.name,
            heading=heading,
            effect=draft.effect,
            summary=sample.summary() if len(draft.kinds) == 1 else "",
            instance=self._instance.label,
            arguments=_recorded(draft, wish),
            target="",
            changes=(),
            digest=draft.digest.hexdigest(),
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
            reach=reach,
            reversible=" ".join(sorted(backs)),
            words=(f"{what} on {self.place}",) if len(draft.kinds) == 1 else self._many_words(draft),
            job=JobPreview(draft.job_id, draft.count, lines),
        )
        return await self._store_plan(plan, draft, caller, wish.asked)

    def _many_words(self, draft: _Draft) -> tuple[str, ...]:
        return (f"{draft.count} changes on {self.place}",)

    async def _store_plan(self, plan: Plan, draft: _Draft, caller: Caller, asked: str = "") -> Plan:
        database = await self._journal.database()
        async with database.writing() as connection:
            await self._store.planned(
                connection,
                draft.job_id,
                plan=plan.id,
                digest=plan.digest,
                total=draft.count,
                title=plan.heading,
            )
            await self._plans.store_with(connection, plan, asked or plan.digest, self._instance, caller)
        return plan

    @property
    def place(self) -> str:
        """The instance as it is typed: its name in the settings file, else what kind it is."""
        named = self._settings.instance if self._settings.named else None
        return named or self._instance.kind

    async def _costs(self, draft: _Draft) -> list[str]:
        """How long it takes at the allowed rate, and what it costs of what Clerk takes in an hour."""
        requests = 0.0
        found: list[str] = []
        for name, number in draft.kinds.items():
            kind = EVERY_BY_NAME[name]
            looks = 0 if kind.spec.creates else number / AT_ONCE if asked_together(kind) else number
            requests += number * len(kind.spec.routes) + looks
            cap, used = await self._caps.used(kind)
            if cap:
                hours = (used + number) / cap.most
                longer = f", and so {hours:.0f} hours" if hours > 1 else ""
                found.append(
                    f"Of the {cap.most} of these that Clerk takes in an hour, {used} are used and this wants "
                    f"{number:,}{longer}"
                )
        rate = PER_TEN_SECONDS.get(self._instance.kind)
        if rate is None:
            return [*found, "No rate limit here: as fast as it goes."]
        seconds = requests / (rate / 10 * _PACE)
        return [*found, f"Takes about {_duration(seconds)} at {rate:,} requests in 10 seconds."]

    def _too_many(self) -> InvalidRequest:
        most = self._settings.items_per_job
        problem = f"more than {most:,}, which is what one job may have (items_per_job)"
        return InvalidRequest(
            f"The targets are {problem}.",
            problems=[("targets", problem)],
            next_step=f"{_NOTHING_SENT} Ask for fewer, or have the operator raise the setting.",
        )

    # Different writes in order.

    async def digest(self, job_id: str) -> str:
        """The digest of a job's items as they are stored: what was signed, if nobody has touched them."""
        found = hashlib.sha256()
        async for item in self._store.every_item(job_id, (WAITING,)):
            found.update(self.bound(item, item.built()))
        return found.hexdigest()

    async def changes(
        self, steps: Sequence[tuple[type[Action], Mapping[str, Any]]], caller: Caller, asked: str = ""
    ) -> Plan:
        """A stored plan for several writes in order; a value `$1.id` is the id that step 1 makes."""
        clerk = await self._clerk()
        wish = Wish(stop=StopRules(1, 0.0))
        async with self._new_job(CHANGES, "Several changes", caller, wish, {}) as draft:
            built: list[tuple[Item, Step]] = []
            problems: list[tuple[str, str]] = []
            for number, (kind, arguments) in enumerate(steps, 1):
                try:
                    built.append(await self._step(number, kind, arguments, steps, clerk))
                except InvalidRequest as error:
                    problems += [(f"step {number}: {name}", text) for name, text in error.problems] or [
                        (f"step {number}", error.message)
                    ]
            if problems:
                raise wrong_rows(problems)
            await self._store.add_items(draft.job_id, [item for item, _ in built])
            plan = self.change_plan(draft.job_id, [item for item, _ in built], [step for _, step in built])
            draft.count = len(built)
            return await self._store_plan(plan, draft, caller, asked)

    def change_plan(
        self, job_id: str, items: Sequence[Item], steps: Sequence[Step], plan_id: str | None = None
    ) -> Plan:
        """The plan of the steps that are left."""
        effect = max((item.kind.spec.effect for item in items), key=list(Effect).index)
        digest = hashlib.sha256()
        for item in items:
            digest.update(self.bound(item, item.built()))
        count = len(steps)
        lines = ("In this order; the first that fails stops the rest.",)
        what = f"{count} {'change' if count == 1 else 'changes'}"
        return Plan(
            id=plan_id or self._plans.new_id(),
            action=ProposeChanges.spec.name,
            heading=what,
            effect=effect,
            summary="",
            instance=self._instance.label,
            arguments={"steps": [step.heading for step in steps]},
            target="",
            changes=(),
            digest=digest.hexdigest(),
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
            words=(f"{what} on {self.place}",),
            job=JobPreview(job_id, count, lines, tuple(steps)),
        )

    async def _step(
        self,
        number: int,
        kind: type[Action],
        arguments: Mapping[str, Any],
        steps: Sequence[tuple[type[Action], Mapping[str, Any]]],
        clerk: Clerk,
    ) -> tuple[Item, Step]:
        """One step: built, looked at as far as it is there already, and described."""
        refs = {name: step_of(value) for name, value in arguments.items() if step_of(value)}
        for name, earlier in refs.items():
            if not 0 < earlier < number or not steps[earlier - 1][0].spec.creates:
                problem = f"${earlier}.id: step {earlier} is none before this one that makes something"
                raise InvalidRequest(f"{name}: {problem}.", problems=[(name, problem)])
        shown = with_ids_to_come(kind, arguments)
        looked = without_ids_to_come(shown)
        path_is_there = not refs.keys() & set(kind.spec.route.names)
        consequences = consequences_of(kind)
        seen = await consequences.targets(looked, clerk) if path_is_there or kind.spec.creates else []
        item = item_of(shown, number, "; ".join(display_name(one) for one in seen) or _described(shown), None)
        # What needs an earlier step is looked at again when that is done.
        seals = {} if refs else self._secrets.seals(shown)
        target = None if refs else digest_of(shown, self._instance.id, seen, seals)
        step = Step(
            number,
            kind.spec.heading,
            item.name,
            consequences.changes(shown, seen),
            await consequences.reaches(shown, seen, clerk) if seen and path_is_there else (),
            consequences.reversible(shown),
        )
        return replace(item, target=target), step


class _NewJob:
    """A job while it is planned: whatever goes wrong takes it away again."""

    def __init__(
        self,
        store: JobStore,
        instance: Instance,
        caller: Caller,
        *,
        kind: str,
        title: str,
        options: Mapping[str, Any],
    ) -> None:
        self._store = store
        self._begin = (instance, caller, kind)
        self._title = title
        self._options = options
        self._draft = _Draft(new_id("job"))

    async def __aenter__(self) -> _Draft:
        await self._store.begin(
            self._draft.job_id,
            *self._begin,
            title=self._title,
            options=self._options,
            owner=self._store.planner(),
        )
        return self._draft

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None:
            await self._store.forget(self._draft.job_id)


def item_of(action: Action, number: int, name: str, line: int | None, undoes: str | None = None) -> Item:
    """An action as an item of a job: secrets apart from the rest, references as they are."""
    secrets = {
        key: getattr(action, key)
        for key, item in action.parameters().items()
        if item.secret and getattr(action, key) is not None and not _may_be_seen(getattr(action, key))
    }
    shown = {key: value for key, value in action.arguments().items() if key not in secrets}
    return Item(
        number,
        action.spec.name,
        shown,
        line_of(name, 200),
        WAITING,
        secrets=secrets or None,
        line=line,
        undoes=undoes,
    )


def filters_of(lister: Action) -> dict[str, Any]:
    """The filters of a list, without where its page begins and what is shown of it."""
    page = ("limit", "offset", "starting_after", "order_by", "paginated", "fields")
    return {name: value for name, value in lister.arguments().items() if name not in page}


def wrong_rows(problems: Sequence[tuple[str, str]]) -> InvalidRequest:
    """All that is wrong with the rows; the first ones in its text."""
    told = "; ".join(f"{where}: {text}" for where, text in problems[:_MOST_TOLD])
    more = f"; and {len(problems) - _MOST_TOLD:,} more" if len(problems) > _MOST_TOLD else ""
    return InvalidRequest(
        f"{len(problems):,} {'problem' if len(problems) == 1 else 'problems'}: {told}{more}.",
        problems=list(problems),
        next_step=f"{_NOTHING_SENT} Correct them, or leave wrong rows out on purpose (--skip-invalid).",
    )


def _left_out_row(candidate: _Candidate, number: int) -> Item:
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
            problem = f"{kind.spec.name} wants more than an id ({', '.join(needed)}): give rows"
            raise InvalidRequest(f"targets: {problem}.", problems=[("targets", problem)])
        else:
            yield Row(0, {name: target.strip() if isinstance(target, str) else target})


def _candidate(row: Row, wish: Wish) -> _Candidate:
    given = next((value for value in row.arguments.values() if isinstance(value, str)), "")
    return _Candidate(
        row.line or None,
        {**wish.values, **row.arguments},
        problems=list(row.problems),
        notes=row.notes,
        given=given,
    )


def _place_of(candidate: _Candidate) -> str:
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


def _described(action: Action) -> str:
    """What a write is about where there is nothing to see yet: what it was given, without secrets."""
    given = action.arguments()
    known = (
        "name",
        "email_address",
        "identifier",
        "slug",
        "username",
        "external_id",
        "user_id",
        "first_name",
    )
    texts = [given[name] for name in known if given.get(name)]
    words = [", ".join(map(str, text)) if isinstance(text, list) else str(text) for text in texts[:2]]
    return " ".join(words) or ", ".join(str(getattr(action, name)) for name in action.spec.route.names)


def _found_by(lister: Action) -> str:
    filters = ", ".join(f"{name}={json.dumps(value)}" for name, value in filters_of(lister).items())
    plural = type(lister).spec.resource.several
    return f"Found with {line_of(filters, 300)}" if filters else f"All {plural} that there are"


def _shared(kind: type[Action] | None, wish: Wish) -> list[str]:
    if not kind or not wish.values:
        return []
    parameters = kind.parameters()
    shown = {
        name: "[secret]" if name in parameters and parameters[name].secret else value
        for name, value in wish.values.items()
    }
    return [f"For each: {line_of(json.dumps(shown, ensure_ascii=False), 500)}"]


def _asked_by(wish: Wish) -> type[Action]:
    return UndoJob if wish.undoes else RetryJob if wish.retries else ProposeBulk


def _recorded(draft: _Draft, wish: Wish) -> dict[str, Any]:
    """What the journal says was asked for: not the list, which the job has, but what it does."""
    if wish.undoes or wish.retries:
        return {"job_id": wish.undoes or wish.retries}
    return {"action": next(iter(draft.kinds)), "targets": [f"{draft.count} of job {draft.job_id}"]}


def _may_be_seen(value: Any) -> bool:
    return all(map(is_reference, value)) if isinstance(value, list) else is_reference(value)


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - below, seconds say more than minutes
        return f"{max(1, round(seconds))} seconds"
    minutes = seconds / 60
    return f"{round(minutes)} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"  # noqa: PLR2004
