"""Draws plans up: what a write would change where it is now, bound to that by a digest."""

import time
from typing import Any

from deskclerk.catalogue import Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Caller
from deskclerk.desk.instance import Instance
from deskclerk.desk.lines import now
from deskclerk.desk.plan import Plan, TakesBack, changes_of, digest_of, name_of
from deskclerk.desk.plans import WAITING, Plans, Stored
from deskclerk.desk.reach import reach_of
from deskclerk.desk.reversible import reversible_of
from deskclerk.desk.secrets import Secrets
from deskclerk.desk.words import words_of
from deskclerk.settings import Settings


class Drafting:
    """Makes the plans of one instance."""

    def __init__(self, settings: Settings, instance: Instance, plans: Plans) -> None:
        self._settings = settings
        self._instance = instance
        self._plans = plans
        self._secrets = Secrets(settings.data)

    async def draw_up(
        self,
        action: Action,
        caller: Caller,
        seen: list[dict[str, Any]],
        clerk: Clerk,
        takes_back: TakesBack | None,
    ) -> Stored:
        """A new plan, stored and waiting; `seen` is what was looked at, the target first."""
        digest, request = self.digests(action, seen)
        plan = Plan(
            id=self._plans.new_id(),
            action=action.spec.name,
            heading=action.spec.heading,
            effect=action.spec.effect,
            summary=action.summary(),
            instance=self._instance.label,
            arguments=action.arguments(),
            target="; ".join(name_of(item) for item in seen),
            changes=changes_of(action, seen[0] if seen and action.spec.verb != "create" else None),
            digest=digest,
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
            reach=await reach_of(action, seen, clerk),
            reversible=reversible_of(action),
            words=words_of(action, seen),
            takes_back=takes_back,
        )
        await self._plans.store(plan, request, self._instance, caller)
        return Stored(plan, request, self._instance.id, caller, now(), WAITING, None)

    def digests(self, action: Action, seen: list[dict[str, Any]] | None) -> tuple[str, str]:
        """The digest of a write with its target, and without."""
        seals = self._secrets.seals(action)
        return (
            digest_of(action, self._instance.id, seen, seals),
            digest_of(action, self._instance.id, None, seals),
        )
