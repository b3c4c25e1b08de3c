"""WHETHER a caller may ask for an action, and whether a person has to sign it.

The order, and the only place where it is written. Each step can only narrow what is left:

1. `read_only` withholds everything but reads, whatever else is set;
2. the rules of the settings, then of the current instance, then of every caller they match, each:
   the action's effect against `access`, then `deny`, then `tools`;
3. what is left is offered, and nothing else is listed or can be called;
4. before a write: the instance against `pin`, then a destructive one against `destructive_per_hour`
   (`limits.py`);
5. an effect that `confirm` names needs a signature.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from deskclerk.catalogue import ACTIONS, READ, Action, Effect
from deskclerk.desk.caller import Caller
from deskclerk.errors import InvalidSettings, NotAllowed
from deskclerk.settings import Rules, Settings

_RANK = {Effect.READ: 0, Effect.WRITE: 1, Effect.DESTRUCTIVE: 2}


class Policy:
    """What the settings allow; a pattern that matches no action is InvalidSettings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        _check_patterns("settings", settings)
        for name, named in settings.instances.items():
            _check_patterns(f"instances.{name}", named)
        for name, rules in settings.callers.items():
            _check_patterns(f"callers.{name}", rules)

    def offered(self, caller: Caller) -> tuple[type[Action], ...]:
        """The actions that a caller may ask for, in the catalogue's order."""
        return tuple(action for action in ACTIONS if not self._refusal(action, caller))

    def check(self, action: type[Action], caller: Caller) -> None:
        """NotAllowed if the caller may not ask for the action."""
        reason = self._refusal(action, caller)
        if reason:
            raise NotAllowed(
                f"{action.spec.name} is not allowed here: {reason}.",
                next_step="Nothing was sent. Only the operator can change this setting.",
            )

    def asks(self, effect: Effect) -> bool:
        """Whether a person has to sign an action of this effect."""
        if effect is READ or self._settings.confirm == "never":
            return False
        return _RANK[effect] >= _RANK[Effect(self._settings.confirm)]

    def _refusal(self, action: type[Action], caller: Caller) -> str:
        if self._settings.read_only and action.spec.effect is not READ:
            return "read_only is set"
        return next(filter(None, (_withheld(action, *rules) for rules in self._rules(caller))), "")

    def _rules(self, caller: Caller) -> Iterator[tuple[str, Rules]]:
        """The rules that hold for a caller, in order, and where each stands."""
        yield "", self._settings
        if self._settings.named:
            yield f" for instance {self._settings.instance}", self._settings.named
        for pattern, rules in self._settings.callers.items():
            if any(fnmatchcase(name, pattern) for name in (caller.face, caller.client, caller.token) if name):
                yield f" for caller {pattern}", rules


def _withheld(action: type[Action], where: str, rules: Rules) -> str:
    """Why rules withhold an action; empty if they do not."""
    name, effect = action.spec.name, action.spec.effect
    if _RANK[effect] > _RANK[Effect(rules.access)]:
        return f"its effect is {effect}, and access is set to {rules.access}{where}"
    if any(fnmatchcase(name, pattern) for pattern in rules.deny):
        return f"it is denied{where}"
    if rules.tools and not any(fnmatchcase(name, pattern) for pattern in rules.tools):
        return f"it is not among the tools set{where}"
    return ""


def _check_patterns(where: str, rules: Rules) -> None:
    for setting in ("tools", "deny"):
        for pattern in getattr(rules, setting):
            if not any(fnmatchcase(action.spec.name, pattern) for action in ACTIONS):
                raise InvalidSettings(
                    f"{setting} in {where}: {pattern!r} matches no action.",
                    next_step="Accepted: names such as clerk_users_list, and globs such as clerk_user_*; "
                    "`deskclerk actions` lists all.",
                )
