"""Draws plans up: what a write would change where it is now, bound to that by a digest."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deskclerk.catalogue import REDACTED, Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.plans.plan import SHORTEST_WORD, Plan, TakesBack, folded
from deskclerk.desk.plans.store import WAITING, PlanStore, StoredPlan
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.view.cleaning import clean_text
from deskclerk.settings import Settings

_LONGEST_WORD = 200
_HABITS = frozenset({"yes", "true", "okay", "confirm", "approve", "approved", "sign"})
"""What is typed by habit signs nothing, even if somebody is called so."""
_NAMES = ("name", "slug", "email_address", "identifier", "username", "phone_number")
_VOLATILE = frozenset(
    {
        "last_active_at",
        "last_sign_in_at",
        "updated_at",
        "lockout_expires_in_seconds",
        "verification_attempts_remaining",
        "latest_activity",
    }
)
"""What changes by itself while somebody decides, and is nobody's decision."""


class PlanMaker:
    """Makes the plans of one instance."""

    def __init__(self, settings: Settings, instance: Instance, plans: PlanStore, secrets: Secrets) -> None:
        self._settings = settings
        self._instance = instance
        self._plans = plans
        self._secrets = secrets

    async def draw_up(
        self,
        action: Action,
        caller: Caller,
        seen: list[dict[str, Any]],
        clerk: Clerk,
        takes_back: TakesBack | None,
    ) -> StoredPlan:
        """A new plan, stored and waiting; `seen` is what was looked at, the target first."""
        digest, request = await self.digests(action, seen)
        consequences = consequences_of(type(action))
        plan = Plan(
            id=self._plans.new_id(),
            action=action.spec.name,
            heading=action.spec.heading,
            effect=action.spec.effect,
            summary=action.summary(),
            instance=self._instance.label,
            arguments=action.arguments(),
            # A membership is about two things, and both have to be the right ones.
            target=_about(action, seen),
            changes=consequences.changes(action, seen),
            digest=digest,
            expires_at=round((time.time() + self._settings.approval_seconds) * 1000),
            reach=await consequences.reaches(action, seen, clerk),
            reversible=consequences.reversible(action),
            # Made now, from what is shown now: what is typed later is compared with this.
            words=words_of(action, seen),
            takes_back=takes_back,
        )
        await self._plans.store(plan, request, self._instance, caller)
        return StoredPlan(plan, request, self._instance.id, caller, now(), WAITING, None)

    async def digests(self, action: Action, seen: list[dict[str, Any]] | None) -> tuple[str, str]:
        """The digest of a write with its target, and without."""
        seals = await self._secrets.seals(action)
        return (
            digest_of(action, self._instance.id, seen, seals),
            digest_of(action, self._instance.id, None, seals),
        )


def digest_of(action: Action, instance: str, target: Any, seals: Mapping[str, str]) -> str:
    """The digest of a write: it changes when any argument, the instance or the target does.

    `seals` stand in for the secret arguments: a plain hash of a password would give it away to a guesser.
    """
    bound = {
        "action": action.spec.name,
        "arguments": action.arguments() | dict(seals),
        "instance": instance,
        "target": steady(target),
    }
    # Sorted and in ASCII, so that the same write has the same digest in every process.
    text = json.dumps(bound, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def words_of(action: Action, seen: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The accepted texts, the target's id first; never empty."""
    names = action.spec.route.names
    target = str(getattr(action, names[-1])) if names and not action.spec.creates else None
    if target:
        found = _distinct(_names_in(seen[0] if seen else {}))
        return (target, *(word for word in found if folded(word) != folded(target)))
    given = action.arguments()
    made = [given.get(name) for name in _NAMES]
    texts = [text for value in made for text in (value if isinstance(value, list) else [value])]
    known = [name for item in seen for name in _names_in(item)]
    # A creation that names nothing at all is signed by its heading: there is nothing better to type.
    return _distinct([*texts, *known]) or (action.spec.heading.lower(),)


def _about(action: Action, seen: Sequence[Mapping[str, Any]]) -> str:
    """What the write is about: what was seen by its names, and whatever else stands in the path by its id."""
    names = list(filter(None, map(display_name, seen)))
    # Some things Clerk lets nobody read, and of others it tells no name: then there is only the id.
    told = json.dumps(seen, default=str)
    ids = [(name, str(getattr(action, name))) for name in action.spec.route.names]
    return "; ".join([*names, *(f"{name} {value}" for name, value in ids if not names or value not in told)])


def steady(target: Any) -> Any:
    """The target without what changes by itself."""
    if isinstance(target, Mapping):
        return {key: steady(value) for key, value in target.items() if key not in _VOLATILE}
    if isinstance(target, list):
        return [steady(item) for item in target]
    return target


def _names_in(item: Mapping[str, Any]) -> Iterator[Any]:
    yield " ".join(str(item[key]) for key in ("first_name", "last_name") if item.get(key))
    yield from (item.get(key) for key in _NAMES)
    for mail in item.get("email_addresses") or ():
        yield mail.get("email_address") if isinstance(mail, Mapping) else None
    person = item.get("public_user_data")
    if isinstance(person, Mapping):
        yield from _names_in(person)


def _distinct(texts: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        word = " ".join(clean_text(text, _LONGEST_WORD).split()) if isinstance(text, str) else ""
        if len(word) >= SHORTEST_WORD and folded(word) not in _HABITS and word != REDACTED:
            # The first spelling is shown; any spelling of it signs.
            found.setdefault(folded(word), word)
    return tuple(found.values())
