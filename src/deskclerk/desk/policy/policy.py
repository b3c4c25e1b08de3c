"""WHETHER a caller may ask for an action, and whether a person has to sign it.

The order, and the only place where it is written. Each step can only narrow what is left:

1. `read_only` withholds everything but reads, whatever else is set;
2. the rules of the settings, then of the current instance, then of every caller they match, then those that
   the caller brings along, each: the action's effect against `access`, then `deny`, then `tools`;
3. to a model what is left of the `toolsets` set is offered: the caller's, else the current instance's, else
   those of the settings; a person and Python code have all, as far as the rules above go;
4. before a write: the instance against `pin`, then a destructive one against `destructive_per_hour`, then
   what Clerk itself takes in an hour (`Limits`);
5. an effect that `confirm` names needs a signature.
"""

import enum
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from deskclerk.catalogue import (
    ALL,
    CORE,
    DESTRUCTIVE,
    EVERY_ACTION,
    EVERY_BY_NAME,
    READ,
    Action,
    Answers,
    Effect,
    Request,
    Verb,
    in_toolsets,
    jobs,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import FACES, MODELS, Caller, PlacedRules
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import ON_THIS_MACHINE, InvalidSettings, NextSteps, NotAllowed
from deskclerk.settings import LEAN, Rules, Settings

_HOUR = 3_600_000
_RANK = {Effect.READ: 0, Effect.WRITE: 1, Effect.DESTRUCTIVE: 2}


class Permission(enum.StrEnum):
    """What the policy says to a caller who asks for an action."""

    ALLOW = "allow"
    ASK = "ask"
    """A person signs first."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be asked for, and the setting that makes it so."""

    permission: Permission
    why: str


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why an action is withheld, and who changes that."""

    why: str
    step: str


class Policy:
    """What the settings allow; a pattern that matches no action is InvalidSettings.

    `steps` says who changes them.
    """

    def __init__(self, settings: Settings, steps: NextSteps = ON_THIS_MACHINE) -> None:
        self._settings = settings
        self.steps = steps
        # At the start: a misspelt glob in `deny` would silently allow what it was to forbid.
        check_patterns("settings", settings)
        for name, named in settings.instances.items():
            check_patterns(f"instances.{name}", named)
        for name, rules in settings.callers.items():
            check_patterns(f"callers.{name}", rules)

    def offered(self, caller: Caller) -> tuple[type[Action], ...]:
        """The actions that a caller may ask for, in the catalogue's order."""
        # A model is offered what was chosen for it; a person has commands and pages for jobs.
        actions = in_toolsets(self.toolsets(caller)) if caller.face == MODELS else EVERY_ACTION
        return tuple(action for action in actions if not self._refusal(action, caller))

    def toolsets(self, caller: Caller) -> tuple[str, ...]:
        """The toolsets chosen for a model: by the narrowest rules that choose any."""
        return self._chosen(caller)[0]

    def check(self, action: type[Action], caller: Caller) -> None:
        """NotAllowed if the caller may not ask for the action."""
        refusal = self._refusal(action, caller)
        if refusal:
            raise NotAllowed(
                f"{action.spec.name} is not allowed here: {refusal.why}.",
                next_step=f"Nothing was sent. {refusal.step}",
            )

    def step(self, action: type[Action], caller: Caller) -> str:
        """Who changes what withholds an action from a caller, and how."""
        refusal = self._refusal(action, caller)
        return refusal.step if refusal else self.steps.rules

    def check_effect(self, effect: Effect) -> None:
        """NotAllowed if nothing of this effect may happen here, whoever asked for it and when."""
        if self._settings.read_only or _RANK[effect] > _RANK[Effect(self._settings.access)]:
            reason = "read_only is set" if self._settings.read_only else f"access is {self._settings.access}"
            raise NotAllowed(
                f"This is not allowed here: {reason}.",
                next_step=f"Nothing was sent. {self.steps.rules}",
            )

    def asks(self, effect: Effect) -> bool:
        """Whether a person has to sign an action of this effect."""
        if effect is READ or self._settings.confirm == "never":
            return False
        return _RANK[effect] >= _RANK[Effect(self._settings.confirm)]

    def verdict(self, action: type[Action], caller: Caller) -> Verdict:
        """What becomes of an action that this caller asks for, before the limits of an hour, and why."""
        refusal = self._refusal(action, caller)
        if refusal:
            return Verdict(Permission.DENY, refusal.why)
        effect, confirm = action.spec.effect, self._settings.confirm
        if effect is READ:
            return Verdict(Permission.ALLOW, "it reads, which needs no signature")
        if self.asks(effect):
            return Verdict(Permission.ASK, f"its effect is {effect}, and confirm is {confirm}")
        return Verdict(Permission.ALLOW, f"its effect is {effect}, and confirm is {confirm}: nobody signs")

    def callers(self) -> tuple[Caller, ...]:
        """Everybody whom the rules can tell apart: models, clients and tokens that are named, other faces.

        A client is named by the pattern of its rules, which stands for all whom it matches.
        """
        tokens = tuple(self._settings.tokens)
        patterns = [pattern for pattern in self._settings.callers if pattern not in (*FACES, *tokens)]
        return (
            Caller(MODELS),
            *(Caller(MODELS, client=_fitting(pattern)) for pattern in patterns),
            *(Caller(MODELS, token=name) for name in tokens),
            *(Caller(face) for face in FACES if face != MODELS),
        )

    def allowed(self, offered: tuple[type[Action], ...]) -> dict[str, Any]:
        """What the settings in force let through, and how much of it waits for a signature."""
        return {
            "access": self._settings.access,
            "confirm": self._settings.confirm,
            "actions": len(offered),
            "waiting_for_a_signature": sum(self.asks(action.spec.effect) for action in offered),
        }

    def _refusal(self, action: type[Action], caller: Caller) -> _Refusal | None:
        # First, and without exception: it is what an operator reaches for when in doubt.
        if self._settings.read_only and action.spec.effect is not READ:
            return _Refusal("read_only is set", self.steps.rules)
        if caller.face == MODELS:
            toolsets, step = self._chosen(caller)
            if wanted := _set_lacking(action, toolsets):
                return _Refusal(f"{wanted} is not among the toolsets set", step)
        for placed in self._rules(caller):
            if why := _withheld(action, placed.where, placed.rules):
                return _Refusal(why, placed.step)
        return None

    def _chosen(self, caller: Caller) -> tuple[tuple[str, ...], str]:
        """The toolsets chosen for a model, and who chooses others."""
        chosen = [placed for placed in self._rules(caller) if placed.rules.toolsets]
        return (chosen[-1].rules.toolsets, chosen[-1].step) if chosen else ((CORE,), self.steps.rules)

    def _rules(self, caller: Caller) -> Iterator[PlacedRules]:
        """The rules that hold for a caller, in order."""
        # All rules count, in this order, so that the reason names the widest one that forbids.
        yield PlacedRules("", self._settings, self.steps.rules)
        if self._settings.named:
            where = f" for instance {self._settings.instance}"
            yield PlacedRules(where, self._settings.named, self.steps.rules)
        # A program says itself what it is called: one that is known with its person could call itself what
        # another is called, whose toolsets are wider.
        names = (caller.face, caller.token, None if caller.person else caller.client)
        for pattern, rules in self._settings.callers.items():
            if any(fnmatchcase(name, pattern) for name in names if name):
                yield PlacedRules(f" for caller {pattern}", rules, self.steps.caller_rules)
        yield from caller.rules


class Limits:
    """The pin and the cap of one instance."""

    def __init__(
        self,
        settings: Settings,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        steps: NextSteps,
    ) -> None:
        self._steps = steps
        # A pin of the instance and one of the whole: where both stand, both have to hold.
        self._pins = {pin for pin in (settings.pin, settings.named and settings.named.pin) if pin}
        self._most = settings.destructive_per_hour
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._pinned = not self._pins
        self._caps = RateCaps(instance, journal)

    async def check(self, action: Action) -> None:
        """NotAllowed if the instance is another than the pinned one, or the hour's cap is reached.

        RateLimited if it is Clerk's own.
        """
        await self.check_pin()
        if action.spec.effect is DESTRUCTIVE:
            await self._check_cap(action)
        await self._caps.check(action)

    async def check_pin(self) -> None:
        """NotAllowed if the instance is another than the pinned one."""
        if self._pinned:
            return
        # Once a process: a key does not move to another instance while it is in use.
        clerk = await self._clerk()
        # Not through an action: what the policy asks for itself is nobody's request and no entry of the
        # journal.
        answer = await clerk.send(
            Request(Verb.GET, "/instance", answers=Answers("instance"), route="/instance")
        )
        found = answer.get("id") if isinstance(answer, dict) else None
        if self._pins != {found}:
            raise NotAllowed(
                f"The secret key opens instance {found}, and pin is {' and '.join(sorted(self._pins))}.",
                next_step="Nothing was sent. Check which instance the key is for, or correct the pin.",
            )
        self._pinned = True

    async def _check_cap(self, action: Action) -> None:
        # Intents count, whatever became of them: a destructive write that failed half-way was sent as well.
        count = await self._journal.count_writes(self._instance, str(DESTRUCTIVE), since=now() - _HOUR)
        if count >= self._most:
            raise NotAllowed(
                f"{action.spec.name} is not allowed now: {count} destructive actions were sent to this "
                f"instance in the last hour, and destructive_per_hour is {self._most}.",
                next_step=f"Nothing was sent. Wait, or {self._steps.higher}.",
            )


def _fitting(pattern: str) -> str:
    """A name that a glob matches: the glob itself, with one letter in the place of each `[…]`."""
    if fnmatchcase(pattern, pattern):
        return pattern
    return re.sub(r"\[(!?)(.)[^\]]*\]", lambda found: "?" if found[1] else found[2], pattern)


def _set_lacking(action: type[Action], chosen: tuple[str, ...]) -> str:
    """The toolset that would have to be chosen too; empty where none has."""
    offered = in_toolsets(chosen)
    # What a job can be asked goes with the tools for jobs, also what no tool is there for.
    if action in offered or (action.spec.by_desk and any(other.spec.by_desk for other in offered)):
        return ""
    if action.spec.by_desk:
        return jobs.TOOLSET
    return ALL if action.spec.deprecated else action.spec.toolset


def _withheld(action: type[Action], where: str, rules: Rules) -> str:
    """Why rules withhold an action; empty if they do not."""
    name, effect = action.spec.name, action.spec.effect
    if _RANK[effect] > _RANK[Effect(rules.access)]:
        return f"its effect is {effect}, and access is set to {rules.access}{where}"
    if any(fnmatchcase(name, pattern) for pattern in rules.deny):
        return f"it is denied{where}"
    # How a client lists them narrows nothing.
    tools = [pattern for pattern in rules.tools if pattern != LEAN]
    if tools and not any(fnmatchcase(name, pattern) for pattern in tools):
        return f"it is not among the tools set{where}"
    return ""


def check_patterns(where: str, rules: Rules) -> None:
    """InvalidSettings for a pattern that matches no action: a misspelt one would silently forbid nothing."""
    for setting in ("tools", "deny"):
        for pattern in getattr(rules, setting):
            if pattern == LEAN and setting == "tools" and isinstance(rules, Settings):
                continue
            if not any(fnmatchcase(action.spec.name, pattern) for action in EVERY_BY_NAME.values()):
                raise InvalidSettings(
                    f"{setting} in {where}: {pattern!r} matches no action.",
                    next_step="Accepted: names such as clerk_users_list, and globs such as clerk_user_*; "
                    "`deskclerk actions` lists all.",
                )
