"""WHETHER a caller may ask for an action, and whether a person has to sign it.

The order, and the only place where it is written: the action's effect against `access`, then the
`tools` list; what passes both is offered. What is offered and has an effect that `confirm` names
needs a signature.
"""

from fnmatch import fnmatchcase

from deskclerk.catalogue import ACTIONS, Action, Effect
from deskclerk.errors import InvalidSettings, NotAllowed
from deskclerk.settings import Settings

_RANK = {Effect.READ: 0, Effect.WRITE: 1, Effect.DESTRUCTIVE: 2}


class Policy:
    """What the settings allow; a pattern in `tools` that matches nothing is InvalidSettings."""

    def __init__(self, settings: Settings) -> None:
        self._access = Effect(settings.access)
        self._confirm = settings.confirm
        self._tools = settings.tools
        for pattern in settings.tools:
            if not any(fnmatchcase(action.spec.name, pattern) for action in ACTIONS):
                raise InvalidSettings(
                    f"tools: {pattern!r} matches no action.",
                    next_step="Accepted: names such as clerk_users_list, and globs such as clerk_user_*; "
                    "`deskclerk actions` lists all.",
                )

    def offered(self) -> tuple[type[Action], ...]:
        """The actions that may be asked for, in the catalogue's order."""
        return tuple(action for action in ACTIONS if not self._refusal(action))

    def check(self, action: type[Action]) -> None:
        """NotAllowed if the action may not be asked for."""
        reason = self._refusal(action)
        if reason:
            raise NotAllowed(
                f"{action.spec.name} is not allowed here: {reason}.",
                next_step="Nothing was sent. Only the operator can change this setting.",
            )

    def asks(self, effect: Effect) -> bool:
        """Whether a person has to sign an action of this effect."""
        if effect is Effect.READ or self._confirm == "never":
            return False
        return _RANK[effect] >= _RANK[Effect(self._confirm)]

    def _refusal(self, action: type[Action]) -> str:
        if _RANK[action.spec.effect] > _RANK[self._access]:
            return f"its effect is {action.spec.effect}, and access is set to {self._access}"
        if self._tools and not any(fnmatchcase(action.spec.name, pattern) for pattern in self._tools):
            return "it is not among the tools set"
        return ""
