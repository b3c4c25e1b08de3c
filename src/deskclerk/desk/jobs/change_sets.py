"""Several different writes as one plan: each step looked at, shown and bound in its order."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deskclerk.catalogue import Action, Effect, ProposeChanges
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.drafts import bound, described, item_of, wrong_rows
from deskclerk.desk.jobs.job import Item, step_of, with_ids_to_come, without_ids_to_come
from deskclerk.desk.plans.drafting import digest_of
from deskclerk.desk.plans.plan import JobPreview, Plan, Step
from deskclerk.desk.secrets.references import Secrets
from deskclerk.errors import InvalidRequest, NotFound
from deskclerk.settings import Settings

Wanted = Sequence[tuple[type[Action], Mapping[str, Any]]]
"""The actions in their order, each with its arguments; a value `$1.id` is the id that step 1 makes."""


class ChangeSets:
    """Draws up what several writes in order would do to one instance."""

    def __init__(self, settings: Settings, instance: Instance, secrets: Secrets, place: str) -> None:
        self._settings = settings
        self._instance = instance
        self._secrets = secrets
        self._place = place

    async def steps(self, wanted: Wanted, clerk: Clerk, face: str) -> list[tuple[Item, Step]]:
        """Each step as an item and as it is shown; InvalidRequest lists all that is wrong with any."""
        built: list[tuple[Item, Step]] = []
        problems: list[tuple[str, str]] = []
        for number in range(1, len(wanted) + 1):
            try:
                built.append(await self._step(number, wanted, clerk, face))
            except InvalidRequest as error:
                problems += [(f"step {number}: {name}", text) for name, text in error.problems] or [
                    (f"step {number}", error.message)
                ]
            except NotFound as error:
                problems.append((f"step {number}", f"its target is not there: {error.message}"))
        if problems:
            raise wrong_rows(problems)
        return built

    async def plan(self, job_id: str, items: Sequence[Item], steps: Sequence[Step], plan_id: str) -> Plan:
        """The plan of the steps that are left."""
        effect = max((item.kind.spec.effect for item in items), key=list(Effect).index)
        digest = hashlib.sha256()
        for item in items:
            digest.update(await bound(item, item.built(), self._instance.id, self._secrets))
        count = len(steps)
        lines = ("In this order; the first that fails stops the rest.",)
        what = f"{count} {'change' if count == 1 else 'changes'}"
        return Plan(
            id=plan_id,
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
            words=(f"{what} on {self._place}",),
            job=JobPreview(job_id, count, lines, tuple(steps)),
        )

    async def _step(
        self,
        number: int,
        wanted: Wanted,
        clerk: Clerk,
        face: str,
    ) -> tuple[Item, Step]:
        """One step: built, looked at as far as it is there already, and described."""
        kind, arguments = wanted[number - 1]
        refs = {name: step_of(value) for name, value in arguments.items() if step_of(value)}
        for name, earlier in refs.items():
            if not 0 < earlier < number or not wanted[earlier - 1][0].spec.creates:
                problem = f"${earlier}.id: step {earlier} is none before this one that makes something"
                raise InvalidRequest(f"{name}: {problem}.", problems=[(name, problem)])
        shown = with_ids_to_come(kind, arguments)
        await self._secrets.check(shown, face)
        looked = without_ids_to_come(shown)
        path_is_there = not refs.keys() & set(kind.spec.route.names)
        consequences = consequences_of(kind)
        seen = await consequences.targets(looked, clerk) if path_is_there or kind.spec.creates else []
        item = item_of(shown, number, "; ".join(display_name(one) for one in seen) or described(shown), None)
        # What needs an earlier step, or is about what one changes, is not there yet as it will be then.
        touched = {value for _, given in wanted[: number - 1] for value in _texts(given.values())}
        alone = not refs and not touched & set(_texts(arguments.values()))
        seals = await self._secrets.seals(shown) if alone else {}
        target = digest_of(shown, self._instance.id, seen, seals) if alone else None
        step = Step(
            number,
            kind.spec.heading,
            item.name,
            consequences.changes(shown, seen),
            await consequences.reaches(shown, seen, clerk) if seen and path_is_there else (),
            consequences.reversible(shown),
        )
        return replace(item, target=target), step


def _texts(values: Iterable[Any]) -> Iterator[str]:
    """The texts among the values of arguments: ids are some of them."""
    for value in values:
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
