"""What a person is to read of a job before signing: how many and who, what is left out, what it costs."""

import json
import time
from typing import Any

from deskclerk.catalogue import EVERY_BY_NAME, Action, ProposeBulk, RetryJob, UndoJob
from deskclerk.catalogue.withheld import shown
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.rate_budget import PER_TEN_SECONDS
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.many import AT_ONCE, asked_together
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.drafts import NOTHING_SENT, Draft, Wish, wrong_rows
from deskclerk.desk.jobs.rows import Targets
from deskclerk.desk.plans.plan import JobPreview, Plan
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.time_and_ids import new_id
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest
from deskclerk.settings import Settings

OF_A_PAGE = ("limit", "offset", "starting_after", "order_by", "paginated", "fields")
"""What says which part of a list is shown and how, and is no filter of it."""
_MOST_NOTES = 8
"""Kinds of remarks on rows that a plan tells."""
_REQUESTS = 25
"""List requests that planning ten thousand targets may cost in all."""
_LEAST_FOR_A_SUM = 4
"""Requests that what is touched in sum may cost in any case."""
_PACE = 0.95
"""Of what Clerk allows, what a job gets through when nobody else asks."""


class Previews:
    """Writes the plans of one instance's jobs."""

    def __init__(self, settings: Settings, instance: Instance, caps: RateCaps) -> None:
        self._settings = settings
        self._instance = instance
        self._caps = caps

    @property
    def place(self) -> str:
        """The instance as it is typed: its name in the settings file, else what kind it is."""
        named = self._settings.instance if self._settings.named else None
        return named or self._instance.kind

    async def plan(
        self,
        draft: Draft,
        *,
        kind: type[Action] | None,
        targets: Targets,
        wish: Wish,
        clerk: Clerk,
        title: str = "",
    ) -> Plan:
        """The plan of a job whose items are stored; InvalidRequest if rows are wrong, or there are none."""
        if draft.problems and not wish.skip_invalid:
            raise wrong_rows(draft.problems)
        if not draft.samples:
            said = ", ".join(f"{number:,} {reason}" for reason, number in draft.left_out.items())
            nothing = "there is nothing to do" if draft.stored else "no targets were found"
            problem = f"{nothing}{f': {said}' if said else ''}"
            raise InvalidRequest(
                f"{problem[0].upper()}{problem[1:]}.",
                problems=[("targets", problem)],
                next_step=NOTHING_SENT,
            )
        sample = next(iter(draft.samples.values()))
        spec, alike = sample.spec, len(draft.samples) == 1
        noun = spec.resource.one if draft.count == 1 else spec.resource.several
        what = f"{spec.verb} {draft.count} {noun}"
        heading = title or f"{spec.verb.capitalize()} {draft.count:,} {noun}"
        consequences = consequences_of(type(sample))
        reach: tuple[str, ...] = ()
        if draft.ids and alike:
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
        backs = {consequences_of(type(one)).reversible(one) for one in draft.samples.values()}
        changes = f"{draft.count} changes"
        return Plan(
            id=new_id("plan"),
            action=_asked_by(wish).spec.name,
            heading=heading,
            effect=draft.effect,
            summary=sample.summary() if alike else "",
            instance=self._instance.label,
            arguments=_recorded(draft, wish),
            target="",
            changes=(),
            digest=draft.digest.hexdigest(),
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
            reach=reach,
            reversible=" ".join(sorted(backs)),
            words=(f"{what if alike else changes} on {self.place}",),
            job=JobPreview(draft.job_id, draft.count, lines),
        )

    async def _costs(self, draft: Draft) -> list[str]:
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


def filters_of(lister: Action) -> dict[str, Any]:
    """The filters of a list, without where its page begins and what is shown of it."""
    return {name: value for name, value in lister.arguments().items() if name not in OF_A_PAGE}


def _found_by(lister: Action) -> str:
    filters = ", ".join(f"{name}={json.dumps(value)}" for name, value in filters_of(lister).items())
    plural = type(lister).spec.resource.several
    return f"Found with {line_of(filters, 300)}" if filters else f"All {plural} that there are"


def _shared(kind: type[Action] | None, wish: Wish) -> list[str]:
    if not kind or not wish.values:
        return []
    given = json.dumps(shown(kind.parameters(), wish.values), ensure_ascii=False)
    return [f"For each: {line_of(given, 500)}"]


def _asked_by(wish: Wish) -> type[Action]:
    return UndoJob if wish.undoes else RetryJob if wish.retries else ProposeBulk


def _recorded(draft: Draft, wish: Wish) -> dict[str, Any]:
    """What the journal says was asked for: not the list, which the job has, but what it does."""
    if wish.undoes or wish.retries:
        return {"job_id": wish.undoes or wish.retries}
    return {"action": next(iter(draft.kinds)), "targets": [f"{draft.count} of job {draft.job_id}"]}


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - below, seconds say more than minutes
        return f"{max(1, round(seconds))} seconds"
    minutes = seconds / 60
    return f"{round(minutes)} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"  # noqa: PLR2004
